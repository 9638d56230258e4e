#include "tools/sluice/perf/standstill.hpp"

#include <gtest/gtest.h>

namespace sluice::perf {
namespace {

TEST(Standstill, LastsSinceTheCountWasAnother) {
  const Instant begin = Instant() + Duration::seconds(5);
  Standstill count(begin);
  EXPECT_EQ(count.observe(begin + Duration::seconds(2), 0), Duration::seconds(2));
  EXPECT_EQ(count.observe(begin + Duration::seconds(3), 7), Duration());
  EXPECT_EQ(count.observe(begin + Duration::seconds(4), 7), Duration::seconds(1));
  EXPECT_EQ(count.observe(begin + Duration::seconds(9), 7), Duration::seconds(6));
  EXPECT_EQ(count.observe(begin + Duration::seconds(10), 8), Duration());
}

}  // namespace
}  // namespace sluice::perf
