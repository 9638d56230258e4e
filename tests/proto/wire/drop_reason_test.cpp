#include "proto/wire/drop_reason.hpp"

#include <gtest/gtest.h>

#include <set>

namespace sluice {
namespace {

TEST(DropReason, each_has_a_name_of_its_own) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < kDropReasons; ++i) {
    names.insert(drop_reason_name(static_cast<DropReason>(i)));
  }
  EXPECT_EQ(names.size(), kDropReasons);
  EXPECT_EQ(names.count(""), 0U);
}

TEST(DropReason, is_named_as_its_enumerator) {
  EXPECT_EQ(drop_reason_name(DropReason::none), "none");
  EXPECT_EQ(drop_reason_name(DropReason::truncated), "truncated");
  EXPECT_EQ(drop_reason_name(DropReason::tcp_after_close), "tcp_after_close");
}

}  // namespace
}  // namespace sluice
