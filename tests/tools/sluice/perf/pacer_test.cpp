#include "tools/sluice/perf/pacer.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace sluice::perf {
namespace {

constexpr Instant kStart = Instant::from_ns(1'000'000'000'000);

// A stream that sends what is due, and looks as a core's timers let it. Returns bytes.
std::uint64_t send_for(Pacer& pacer, Duration duration, Duration lateness) {
  std::uint64_t sent = 0;
  for (Instant now = kStart; now < kStart + duration;) {
    const std::uint64_t due = pacer.due(now);
    pacer.sent(due);
    sent += due;
    now = now + std::max(pacer.until_due(now), kPacingRest) + lateness;
  }
  return sent;
}

TEST(PerfPacer, WithoutARateEverythingIsDue) {
  Pacer pacer(0, 1000);
  pacer.start(kStart);
  EXPECT_EQ(pacer.due(kStart), UINT64_MAX);
  pacer.sent(1'000'000);
  EXPECT_EQ(pacer.until_due(kStart), Duration());
}

TEST(PerfPacer, BeginsWithAUnitAtOnce) {
  Pacer pacer(8'000'000, 1000);  // a unit each millisecond
  pacer.start(kStart);
  EXPECT_EQ(pacer.due(kStart), 1000U);
  pacer.sent(1000);
  EXPECT_EQ(pacer.due(kStart), 0U);
  EXPECT_EQ(pacer.until_due(kStart), Duration::milliseconds(1));
  EXPECT_EQ(pacer.until_due(kStart + Duration::microseconds(999)), Duration::microseconds(1));
  EXPECT_EQ(pacer.due(kStart + Duration::microseconds(999)), 0U);
  EXPECT_EQ(pacer.due(kStart + Duration::milliseconds(1)), 1000U);
}

TEST(PerfPacer, LetsTheRestOfAUnitFollow) {
  Pacer pacer(8'000'000, 1000);
  pacer.start(kStart);
  pacer.sent(300);
  EXPECT_EQ(pacer.due(kStart), 700U);
}

TEST(PerfPacer, KeepsTheRateHoweverLateItIsAsked) {
  for (const std::uint64_t rate : {1'048'576ULL, 50'000'000ULL, 1'000'000'007ULL}) {
    for (const std::int64_t late : {1, 131, 777}) {
      Pacer pacer(rate, 1400);
      pacer.start(kStart);
      const std::uint64_t sent =
          send_for(pacer, Duration::seconds(20), Duration::microseconds(late));
      const double wanted = static_cast<double>(rate) * 20 / 8;
      EXPECT_NEAR(static_cast<double>(sent), wanted, 0.001 * wanted) << rate << ' ' << late;
    }
  }
}

TEST(PerfPacer, IsSmoothBelowAMillisecond) {
  Pacer pacer(1'000'000'000, 1400);
  pacer.start(kStart);
  std::uint64_t most = 0;
  for (Instant now = kStart; now < kStart + Duration::seconds(1);) {
    const std::uint64_t due = pacer.due(now);
    pacer.sent(due);
    most = std::max(most, due);
    now = now + std::max(pacer.until_due(now), kPacingRest) + Duration::microseconds(131);
  }
  EXPECT_LE(most, 125'000 / 4) << "more than a quarter of a millisecond's bytes at once";
}

TEST(PerfPacer, CatchesUpAfterAStall) {
  Pacer pacer(8'000'000, 1000);
  pacer.start(kStart);
  EXPECT_EQ(pacer.due(kStart + Duration::seconds(1)), 1'001'000U);
}

TEST(PerfPacer, BearsRatesAndTimesBeyondMeasure) {
  Pacer pacer(UINT64_MAX, 1);
  pacer.start(kStart);
  EXPECT_GT(pacer.due(kStart + Duration::seconds(86'400)), UINT64_MAX / 2);
  Pacer slow(1, 1ULL << 40);
  slow.start(kStart);
  slow.sent(UINT64_MAX);
  EXPECT_EQ(slow.until_due(kStart), Duration::nanoseconds(INT64_MAX));
  EXPECT_EQ(slow.due(Instant()), 0U) << "before the start";
}

}  // namespace
}  // namespace sluice::perf
