#include "proto/base/time.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(Duration, converts_between_units) {
  EXPECT_EQ(Duration::seconds(2), Duration::milliseconds(2'000));
  EXPECT_EQ(Duration::milliseconds(3), Duration::microseconds(3'000));
  EXPECT_EQ(Duration::microseconds(5).ns(), 5'000);
  EXPECT_EQ(Duration::nanoseconds(1'999'999).ms(), 1);
  EXPECT_EQ(Duration::nanoseconds(1'999'999).us(), 1'999);
}

TEST(Duration, calculates_with_signs) {
  const Duration one = Duration::seconds(1);
  EXPECT_EQ(one - one * 3, Duration::seconds(-2));
  EXPECT_EQ(one / 4 + one / 4, Duration::milliseconds(500));
  EXPECT_LT(Duration() - one, Duration());
}

TEST(Instant, is_a_point_and_a_difference_is_a_duration) {
  const Instant start = Instant::from_ns(1'000);
  const Instant later = start + Duration::microseconds(2);
  EXPECT_EQ(later - start, Duration::microseconds(2));
  EXPECT_EQ(start - later, Duration::microseconds(-2));
  EXPECT_EQ(later - Duration::microseconds(2), start);
  EXPECT_LT(start, later);
}

TEST(Instant, never_is_later_than_all) {
  EXPECT_TRUE(Instant::never().is_never());
  EXPECT_FALSE(Instant().is_never());
  EXPECT_GT(Instant::never(), Instant::from_ns(0) + Duration::seconds(1'000'000'000));
}

}  // namespace
}  // namespace sluice
