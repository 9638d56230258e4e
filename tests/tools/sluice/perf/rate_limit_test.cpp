// What a server lets a test move.
#include "tools/sluice/perf/rate_limit.hpp"

#include <gtest/gtest.h>

namespace sluice::perf {
namespace {

constexpr std::uint64_t kBytesASecond = 1'000'000;

Instant at(int ms) {
  return Instant() + Duration::milliseconds(ms);
}

TEST(RateLimit, IsThereOnlyWithARate) {
  RateLimit none(0, Duration::seconds(1));
  EXPECT_TRUE(none.allows(at(0), 0));
  EXPECT_TRUE(none.allows(at(5'000), UINT64_MAX));
}

TEST(RateLimit, IsOfTheAverage) {
  RateLimit limit(8 * kBytesASecond, Duration::seconds(5));
  EXPECT_TRUE(limit.allows(at(0), 0));
  EXPECT_TRUE(limit.allows(at(1'000), 4 * kBytesASecond)) << "may still be made up for";
  EXPECT_TRUE(limit.allows(at(5'000), 5 * kBytesASecond));
  EXPECT_TRUE(limit.allows(at(6'000), 9 * kBytesASecond)) << "five in the last five seconds";
  EXPECT_FALSE(limit.allows(at(7'000), 11 * kBytesASecond)) << "seven in six";
}

TEST(RateLimit, ForgetsWhatIsLongOver) {
  RateLimit limit(8 * kBytesASecond, Duration::seconds(2));
  for (int second = 0; second < 100; ++second) {
    const auto bytes = static_cast<std::uint64_t>(second) * kBytesASecond;
    ASSERT_TRUE(limit.allows(at(1'000 * second), bytes)) << second;
  }
  EXPECT_FALSE(limit.allows(at(100'000), 101 * kBytesASecond));
}

}  // namespace
}  // namespace sluice::perf
