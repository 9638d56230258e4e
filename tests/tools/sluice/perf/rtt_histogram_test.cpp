#include "tools/sluice/perf/rtt_histogram.hpp"

#include <gtest/gtest.h>

#include <cstdint>

namespace sluice::perf {
namespace {

TEST(RttHistogram, HasNothingToSayWithoutSamples) {
  EXPECT_EQ(RttHistogram().quantile(0.5), 0U);
  EXPECT_EQ(RttHistogram().samples(), 0U);
}

TEST(RttHistogram, KeepsSmallValuesExactly) {
  RttHistogram histogram;
  for (std::uint32_t us = 1; us <= 20; ++us) histogram.add(us);
  EXPECT_EQ(histogram.quantile(0.5), 10U);
  EXPECT_EQ(histogram.quantile(0.99), 20U);
  EXPECT_EQ(histogram.quantile(0), 1U);
}

TEST(RttHistogram, KeepsLargeValuesWithinThreePercent) {
  for (std::uint64_t us = 32; us <= UINT32_MAX; us = us * 9 / 8 + 1) {
    RttHistogram histogram;
    histogram.add(static_cast<std::uint32_t>(us));
    EXPECT_NEAR(histogram.quantile(1), static_cast<double>(us), 0.032 * static_cast<double>(us));
  }
  RttHistogram largest;
  largest.add(UINT32_MAX);
  EXPECT_NEAR(largest.quantile(0.5), 4.29e9, 0.15e9);
}

TEST(RttHistogram, AddsUp) {
  RttHistogram fast;
  RttHistogram slow;
  for (int i = 0; i < 99; ++i) fast.add(10);
  slow.add(1000);
  fast += slow;
  EXPECT_EQ(fast.samples(), 100U);
  EXPECT_EQ(fast.quantile(0.99), 10U);
  EXPECT_NEAR(fast.quantile(1), 1000, 32);
}

}  // namespace
}  // namespace sluice::perf
