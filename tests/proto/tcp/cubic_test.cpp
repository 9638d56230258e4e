// CUBIC by itself (RFC 9438): its formulas in doubles beside our integers, and a model of a path.
#include "proto/tcp/cubic.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <optional>

#include "tests/support/path_model.hpp"

namespace sluice::tcp {
namespace {

constexpr std::uint32_t kMss = 1000;

Duration seconds(double s) {
  return Duration::nanoseconds(static_cast<std::int64_t>(s * 1e9));
}

class CubicWindow : public testing::Test {
 protected:
  // At a window of so many segments, out of slow start's way.
  void starts_at(std::uint32_t segments) { cubic.start(kMss, segments * kMss, now); }
  void congests() { cubic.on_congestion(cubic.window(), false, now); }

  // So many round trips, each acknowledging a full window in eight pieces.
  void runs(int round_trips, Duration rtt) {
    for (int i = 0; i < 8 * round_trips; ++i) {
      now = now + rtt / 8;
      acknowledges(cubic.window() / 8, rtt);
    }
  }
  void acknowledges(std::uint32_t bytes, Duration rtt, bool was_full = true) {
    AckEvent event;
    event.now = now;
    event.acked_bytes = event.delivered_bytes = bytes;
    event.flight_before = was_full ? cubic.window() : bytes;
    event.window_was_full = was_full;
    event.rtt = event.smoothed_rtt = rtt;
    cubic.on_ack(event);
  }
  // In a recovery PRR rules the window.
  void repairs(std::uint32_t bytes) {
    AckEvent event;
    event.now = now;
    event.acked_bytes = event.delivered_bytes = bytes;
    event.in_recovery = event.window_was_full = true;
    cubic.on_ack(event);
  }
  // HyStart++ does so when the round trip grows from round to round.
  void ends_slow_start() {
    for (std::uint64_t i = 0; i < 200; ++i) {
      AckEvent event;
      event.acked_bytes = event.delivered_bytes = kMss;
      event.window_was_full = true;
      event.acked_sequence = i / 10 * 1000;
      event.send_sequence = event.acked_sequence + 1000;
      event.rtt = event.smoothed_rtt = seconds(0.02 * static_cast<double>(1 + i / 10));
      cubic.on_ack(event);
    }
    EXPECT_FALSE(cubic.in_slow_start());
  }
  double segments() const { return cubic.window() / double{kMss}; }

  Instant now = Instant::from_ns(1'000'000'000);
  Cubic cubic;
};

// Segments and seconds.
double curve(double t, double w_max, double k) {
  return 0.4 * std::pow(t - k, 3) + w_max;
}

TEST_F(CubicWindow, RFC9438_R9438_4_R9438_10_a_loss_leaves_seven_tenths) {
  starts_at(100);
  congests();
  EXPECT_EQ(cubic.window(), 70'000u);
  EXPECT_EQ(cubic.ssthresh(), 70'000u);
}

TEST_F(CubicWindow, RFC9438_R9438_12_a_window_less_than_half_used_is_not_believed) {
  starts_at(100);
  cubic.on_congestion(30'000, false, now);
  EXPECT_EQ(cubic.window(), 21'000u);
}

TEST_F(CubicWindow, RFC9438_R9438_10_the_window_stays_two_segments) {
  starts_at(2);
  congests();
  EXPECT_EQ(cubic.window(), 2000u);
}

TEST_F(CubicWindow, RFC9438_R9438_2_R9438_3_the_plateau_is_k_seconds_away) {
  for (const std::uint32_t w : {10u, 100u, 1000u, 100'000u, 1'000'000u}) {
    cubic = Cubic();
    starts_at(w);
    congests();
    acknowledges(kMss, Duration::milliseconds(10));
    const double k = std::cbrt(0.3 * w / 0.4);
    EXPECT_NEAR(static_cast<double>(cubic.curve().k_ticks) / (1 << 20), k, 1e-5 * k) << w;
  }
}

TEST_F(CubicWindow, RFC9438_R9438_1_the_curve_is_that_of_the_formula) {
  starts_at(1000);
  congests();
  acknowledges(kMss, Duration::milliseconds(10));
  const double k = std::cbrt(300 / 0.4);
  for (const double t : {0.0, 0.5, 3.0, 9.0, k, 10.0, 30.0, 100.0}) {
    const double expected = curve(t, 1000, k);
    const auto bytes = static_cast<double>(cubic.curve().at(seconds(t), kMss));
    EXPECT_NEAR(bytes / kMss, expected, 1e-4 * expected) << t;
  }
}

TEST_F(CubicWindow, RFC9438_R9438_5_R9438_7_it_follows_the_curve_over_the_plateau_and_beyond) {
  starts_at(1000);
  congests();
  const double k = std::cbrt(300 / 0.4);
  for (const double t : {2.0, 5.0, 9.0, 12.0, 20.0}) {
    while ((now - Instant::from_ns(1'000'000'000)).ns() < static_cast<std::int64_t>(t * 1e9)) {
      runs(1, Duration::milliseconds(100));
    }
    EXPECT_NEAR(segments(), curve(t, 1000, k), 0.015 * curve(t, 1000, k)) << t;
  }
}

TEST_F(CubicWindow, RFC9438_R9438_5_it_grows_by_half_a_round_trip_at_most) {
  starts_at(10);
  congests();
  acknowledges(kMss, Duration::milliseconds(10));
  now = now + Duration::seconds(900);  // the curve is far above
  const std::uint32_t before = cubic.window();
  for (std::uint32_t i = 0; i < before / kMss; ++i) acknowledges(kMss, Duration::seconds(1));
  EXPECT_LE(cubic.window(), before + before / 2 + kMss);
  EXPECT_GT(cubic.window(), before + before / 4);
}

TEST_F(CubicWindow, RFC9438_R9438_8_R9438_9_a_short_round_trip_grows_as_reno_does) {
  starts_at(20);
  congests();
  runs(10, Duration::milliseconds(10));
  const double alpha = 3 * 0.3 / 1.7;
  EXPECT_NEAR(segments(), 14 + 10 * alpha, 0.4);
  runs(20, Duration::milliseconds(10));
  const double rounds_to_old_window = 6 / alpha;
  EXPECT_NEAR(segments(), 20 + (30 - rounds_to_old_window), 1.0);  // alpha is 1 by now
}

TEST_F(CubicWindow, RFC9438_R9438_8_recovery_is_a_round_trip_of_growth_as_others) {
  starts_at(100);
  congests();
  EXPECT_EQ(cubic.curve().reno_bytes, 70'000u);
  repairs(100 * kMss);
  EXPECT_EQ(cubic.curve().reno_bytes, 70'000u + 9 * kMss / 17);
  EXPECT_EQ(cubic.window(), 70'000u);  // until it is over
}

TEST_F(CubicWindow, a_recovery_without_a_reduction_before_it_has_a_window_too) {
  starts_at(10);
  ends_slow_start();
  acknowledges(kMss, seconds(0.02));
  EXPECT_TRUE(cubic.curve().has_begun);
  repairs(10 * kMss);
  EXPECT_GE(cubic.curve().reno_bytes, cubic.window());
}

TEST_F(CubicWindow, RFC9438_R9438_13_a_flow_that_did_not_come_back_gives_room) {
  starts_at(100);
  congests();
  EXPECT_EQ(cubic.curve().origin_bytes, 100'000u);
  congests();
  EXPECT_EQ(cubic.curve().origin_bytes, 59'500u);  // 70 segments times 0.85
  EXPECT_EQ(cubic.window(), 49'000u);
}

TEST_F(CubicWindow, RFC9438_R9438_14_after_a_timeout_the_plateau_is_where_slow_start_ends) {
  starts_at(100);
  cubic.on_timeout(100'000, true, now);
  EXPECT_EQ(cubic.window(), 1000u);
  EXPECT_EQ(cubic.ssthresh(), 70'000u);
  while (cubic.in_slow_start()) acknowledges(kMss, Duration::milliseconds(10));
  EXPECT_EQ(cubic.window(), 70'000u);
  acknowledges(kMss, Duration::milliseconds(10));
  EXPECT_EQ(cubic.curve().k_ticks, 0u);
  EXPECT_EQ(cubic.curve().origin_bytes, 70'000u);
}

TEST_F(CubicWindow, RFC9438_R9438_6_time_stands_while_the_application_is_slow) {
  starts_at(1000);
  congests();
  runs(10, Duration::milliseconds(100));
  const Duration elapsed = cubic.curve().elapsed;
  const std::uint32_t window = cubic.window();
  for (int i = 0; i < 100; ++i) {
    now = now + Duration::milliseconds(100);
    acknowledges(kMss, Duration::milliseconds(100), false);
  }
  EXPECT_EQ(cubic.curve().elapsed, elapsed);
  EXPECT_EQ(cubic.window(), window);
  runs(1, Duration::milliseconds(100));
  EXPECT_EQ(cubic.curve().elapsed, elapsed + Duration::milliseconds(100) / 8 * 8);
}

TEST_F(CubicWindow, RFC9438_R9438_6_silence_does_not_count) {
  starts_at(1000);
  congests();
  runs(10, Duration::milliseconds(100));
  const Duration elapsed = cubic.curve().elapsed;
  now = now + Duration::seconds(60);
  cubic.on_sent(kMss, kMss, now);
  now = now + Duration::milliseconds(100);
  acknowledges(kMss, Duration::milliseconds(100));
  EXPECT_EQ(cubic.curve().elapsed, elapsed + Duration::milliseconds(100));
}

TEST_F(CubicWindow, RFC9438_R9438_15_a_loss_that_was_none_leaves_no_trace) {
  starts_at(1000);
  congests();
  runs(20, Duration::milliseconds(100));
  const std::uint32_t window = cubic.window();
  const std::uint64_t k = cubic.curve().k_ticks;
  const Duration elapsed = cubic.curve().elapsed;
  congests();
  cubic.on_timeout(100'000, false, now);
  cubic.undo(now);
  EXPECT_EQ(cubic.window(), window);
  EXPECT_EQ(cubic.curve().k_ticks, k);
  EXPECT_EQ(cubic.curve().origin_bytes, 1'000'000u);
  EXPECT_EQ(cubic.curve().elapsed, elapsed);
  cubic.undo(now);  // there is nothing left to undo
  EXPECT_EQ(cubic.window(), window);
}

TEST_F(CubicWindow, RFC9438_R9438_11_an_echo_reduces_and_does_not_grow) {
  starts_at(100);
  cubic.on_congestion(100'000, true, now);
  EXPECT_EQ(cubic.window(), 70'000u);
  AckEvent event;
  event.delivered_bytes = 70'000;
  event.window_was_full = event.ecn_echo = true;
  event.now = now;
  for (int i = 0; i < 10; ++i) cubic.on_ack(event);
  EXPECT_EQ(cubic.window(), 70'000u);
}

TEST_F(CubicWindow, the_largest_window_and_the_longest_times_do_not_overflow) {
  cubic.start(65'000, kMaxCongestionWindow, now);
  congests();
  EXPECT_EQ(cubic.window(), kMaxCongestionWindow / 10 * 7 + 2u);
  std::uint32_t before = cubic.window();
  for (int i = 0; i < 50; ++i) {
    now = now + Duration::seconds(i * 1000);
    acknowledges(cubic.window(), Duration::seconds(2));
    EXPECT_GE(cubic.window(), before);
    before = cubic.window();
  }
  EXPECT_EQ(cubic.window(), kMaxCongestionWindow);
}

// --- on a path ----------------------------------------------------------------------------------

class CubicPath : public testing::Test {
 protected:
  test::PathModel& on(const test::PathSettings& settings) { return model.emplace(cubic, settings); }

  Cubic cubic;
  std::optional<test::PathModel> model;
};

TEST_F(CubicPath, a_saw_tooth_fills_the_path) {
  auto& path = on({});
  path.run_for(Duration::seconds(5));
  const std::uint32_t before = path.congestions();
  path.begin_measuring();
  path.run_for(Duration::seconds(60));
  EXPECT_GT(path.utilisation(), 0.99);
  EXPECT_GE(path.congestions(), before + 3);
  EXPECT_LT(path.loss_share(), 0.001);
  EXPECT_EQ(path.timeouts(), 0u);
}

TEST_F(CubicPath, RFC9406_R9406_10_a_growing_queue_ends_slow_start_before_a_loss) {
  auto& path = on({.queue_bytes = 5'000'000});
  path.run_for(Duration::seconds(2));
  EXPECT_NE(cubic.ssthresh(), UINT32_MAX);
  EXPECT_EQ(path.congestions(), 0u);
}

TEST_F(CubicPath, it_fills_a_gigabyte_a_second_at_10_us) {
  auto& path = on({.bytes_per_second = 1'250'000'000,
                   .round_trip = Duration::microseconds(10),
                   .queue_bytes = 1'000'000});
  path.run_for(Duration::milliseconds(50));
  path.begin_measuring();
  path.run_for(Duration::seconds(1));
  EXPECT_GT(path.utilisation(), 0.99);
  EXPECT_EQ(path.timeouts(), 0u);
}

TEST_F(CubicPath, it_fills_a_round_trip_of_two_seconds) {
  auto& path = on({.bytes_per_second = 1'250'000,
                   .round_trip = Duration::seconds(2),
                   .queue_bytes = 2'500'000});
  path.run_for(Duration::seconds(40));
  path.begin_measuring();
  path.run_for(Duration::seconds(200));
  EXPECT_GT(path.utilisation(), 0.95);
}

// Segments in flight on average, at one loss in so many segments.
double response(test::PathModel& path) {
  path.run_for(Duration::seconds(60));
  path.begin_measuring();
  path.run_for(Duration::seconds(300));
  const auto rtt = static_cast<double>(path.path.round_trip.ns()) * 1e-9;
  const auto rate = static_cast<double>(path.path.bytes_per_second);
  return path.utilisation() * rate * rtt / test::PathModel::kMss;
}

TEST_F(CubicPath, RFC9438_R9438_8_where_reno_would_be_faster_it_is_as_fast) {
  auto& path =
      on({.round_trip = Duration::milliseconds(20), .queue_bytes = 250'000, .loss_period = 1000});
  const double reno = 1.22 / std::sqrt(0.001);
  EXPECT_NEAR(response(path), reno, 0.15 * reno);
}

TEST_F(CubicPath, RFC9438_R9438_1_on_a_long_fat_path_it_meets_its_response_function) {
  auto& path = on({.bytes_per_second = 125'000'000,
                   .round_trip = Duration::milliseconds(100),
                   .queue_bytes = 12'500'000,
                   .loss_period = 100'000});
  const double cubic_segments = 1.054 * std::pow(0.1, 0.75) / std::pow(1e-5, 0.75);
  EXPECT_NEAR(response(path), cubic_segments, 0.15 * cubic_segments);
}

}  // namespace
}  // namespace sluice::tcp
