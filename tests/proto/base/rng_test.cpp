#include "proto/base/rng.hpp"

#include <gtest/gtest.h>

#include <array>

namespace sluice {
namespace {

TEST(Rng, a_seed_repeats_and_another_differs) {
  Rng a(7);
  Rng b(7);
  Rng c(8);
  bool differs = false;
  for (int i = 0; i < 100; ++i) {
    const std::uint64_t value = a.next();
    EXPECT_EQ(value, b.next());
    differs = differs || value != c.next();
  }
  EXPECT_TRUE(differs);
}

// xoshiro256** over a state from splitmix64(0), as the authors' C code gives it.
TEST(Rng, matches_the_reference) {
  Rng rng(0);
  EXPECT_EQ(rng.next(), 0x99ec5f36cb75f2b4ULL);
  EXPECT_EQ(rng.next(), 0xbf6e1f784956452aULL);
  EXPECT_EQ(rng.next(), 0x1a5f849d4933e6e0ULL);
}

TEST(Rng, below_stays_below_and_reaches_all) {
  Rng rng(1);
  std::array<int, 10> seen{};
  for (int i = 0; i < 10'000; ++i) ++seen.at(rng.below(10));
  for (const int count : seen) EXPECT_NEAR(count, 1'000, 150);
  EXPECT_EQ(rng.below(1), 0U);
}

TEST(Rng, between_includes_both_ends) {
  Rng rng(2);
  bool low = false;
  bool high = false;
  for (int i = 0; i < 1'000; ++i) {
    const std::uint64_t value = rng.between(5, 7);
    ASSERT_GE(value, 5U);
    ASSERT_LE(value, 7U);
    low = low || value == 5;
    high = high || value == 7;
  }
  EXPECT_TRUE(low && high);
}

TEST(Rng, chance_is_its_probability) {
  Rng rng(3);
  int hits = 0;
  for (int i = 0; i < 10'000; ++i) hits += rng.chance(0.25) ? 1 : 0;
  EXPECT_NEAR(hits, 2'500, 200);
  EXPECT_FALSE(rng.chance(0));
  EXPECT_TRUE(rng.chance(1));
}

}  // namespace
}  // namespace sluice
