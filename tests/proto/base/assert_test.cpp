#include "proto/base/assert.hpp"

#include <gtest/gtest.h>

#include <cstdio>

namespace sluice {
namespace {

TEST(Assert, a_true_expression_costs_nothing) {
  int evaluated = 0;
  SLUICE_ASSERT(++evaluated == 1);
  EXPECT_EQ(evaluated, 1);
}

TEST(AssertDeathTest, a_false_expression_aborts) {
  EXPECT_DEATH(SLUICE_ASSERT(1 + 1 == 3), "");
}

TEST(AssertDeathTest, the_reporter_is_told_what_failed) {
  EXPECT_DEATH(
      {
        set_assertion_reporter([](const char* expression, const char*, int) {
          std::fprintf(stderr, "failed: %s\n", expression);
        });
        SLUICE_ASSERT(1 + 1 == 3);
      },
      "failed: 1 \\+ 1 == 3");
}

}  // namespace
}  // namespace sluice
