#include "dataplane/shard/rate_limit.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

constexpr Instant kStart = Instant() + Duration::seconds(5);

int take_all(RateLimit& limit, Instant now) {
  int taken = 0;
  while (taken < 1'000'000 && limit.try_take(now)) ++taken;
  return taken;
}

TEST(RateLimit, RFC4443_R4443_4_a_burst_and_then_so_many_a_second) {
  RateLimit limit(1000, 50, kStart);
  EXPECT_EQ(take_all(limit, kStart), 50);
  EXPECT_EQ(take_all(limit, kStart + Duration::microseconds(999)), 0);
  EXPECT_EQ(take_all(limit, kStart + Duration::milliseconds(1)), 1);
  EXPECT_EQ(take_all(limit, kStart + Duration::milliseconds(11)), 10);
}

TEST(RateLimit, what_is_not_used_adds_up_to_a_burst_and_no_more) {
  RateLimit limit(10, 3, kStart);
  EXPECT_EQ(take_all(limit, kStart), 3);
  EXPECT_EQ(take_all(limit, kStart + Duration::milliseconds(200)), 2);
  EXPECT_EQ(take_all(limit, kStart + Duration::seconds(3600)), 3);
}

TEST(RateLimit, refusals_cost_nothing) {
  RateLimit limit(10, 1, kStart);
  EXPECT_TRUE(limit.try_take(kStart));
  for (int i = 1; i < 100; ++i) EXPECT_FALSE(limit.try_take(kStart + Duration::milliseconds(i)));
  EXPECT_TRUE(limit.try_take(kStart + Duration::milliseconds(100)));
}

TEST(RateLimit, in_the_long_run_the_rate_is_kept) {
  RateLimit limit(333, 7, kStart);
  int taken = 0;
  for (int ms = 0; ms <= 10'000; ++ms) {
    taken += take_all(limit, kStart + Duration::milliseconds(ms));
  }
  EXPECT_NEAR(taken, 7 + 3330, 1);
}

TEST(RateLimit, the_least_of_all) {
  RateLimit limit(1, 1, kStart);
  EXPECT_EQ(take_all(limit, kStart), 1);
  EXPECT_EQ(take_all(limit, kStart + Duration::seconds(1)), 1);
}

}  // namespace
}  // namespace sluice
