// BBR by itself (draft-ietf-ccwg-bbr): what it measures, and what it makes of a model of a path.
#include "proto/tcp/bbr.hpp"

#include <gtest/gtest.h>

#include <optional>

#include "tests/support/path_model.hpp"

namespace sluice::tcp {
namespace {

constexpr Duration ms(std::int64_t n) {
  return Duration::milliseconds(n);
}
constexpr Instant at_ms(std::int64_t n) {
  return Instant() + ms(n);
}

// --- estimates ----------------------------------------------------------------------------------

TEST(BbrEstimates, rates_round_up_and_do_not_overflow) {
  EXPECT_EQ(rate_of(1000, ms(1)), 1'000'000u);
  EXPECT_EQ(rate_of(1, Duration::seconds(2)), 1u);
  EXPECT_EQ(rate_of(1u << 30, Duration::nanoseconds(1)), (std::uint64_t{1} << 30) * 1'000'000'000);
  EXPECT_EQ(bytes_in(1'000'000, ms(1)), 1000u);
  EXPECT_EQ(bytes_in(1, Duration::nanoseconds(1)), 1u);
  EXPECT_EQ(bytes_in(UINT64_MAX, Duration::seconds(1000)), UINT32_MAX);
}

TEST(BbrEstimates, BBR_14_the_bandwidth_is_the_greatest_of_two_cycles) {
  BandwidthFilter filter;
  filter.take(100);
  filter.take(80);
  EXPECT_EQ(filter.max(), 100u);
  filter.advance();
  filter.advance();  // nothing was measured between
  filter.take(50);
  EXPECT_EQ(filter.max(), 100u);
  filter.advance();
  EXPECT_EQ(filter.max(), 50u);
}

TEST(BbrEstimates, BBR_15_the_shortest_round_trip_lasts_ten_seconds) {
  RoundTripFilter filter;
  filter.start(Instant());
  EXPECT_FALSE(filter.is_known());
  filter.on_ack(ms(20), at_ms(0));
  filter.on_ack(Duration(), at_ms(1));
  for (std::int64_t t = 100; t <= 10'000; t += 100) filter.on_ack(ms(30), at_ms(t));
  EXPECT_EQ(filter.min(), ms(20));
  filter.on_ack(ms(30), at_ms(10'100));
  EXPECT_EQ(filter.min(), ms(30));
  filter.on_ack(ms(10), at_ms(10'200));
  EXPECT_EQ(filter.min(), ms(10));
}

TEST(BbrEstimates, BBR_16_a_probe_is_due_after_five_seconds_without_a_shorter_one) {
  RoundTripFilter filter;
  filter.start(Instant());
  filter.on_ack(ms(20), at_ms(1000));
  filter.on_ack(ms(30), at_ms(6000));
  EXPECT_FALSE(filter.is_probe_due());
  filter.on_ack(ms(30), at_ms(6001));
  EXPECT_TRUE(filter.is_probe_due());
  filter.postpone_probe(at_ms(6500));
  filter.on_ack(ms(30), at_ms(11'500));
  EXPECT_FALSE(filter.is_probe_due());
}

TEST(BbrEstimates, BBR_16_a_probe_is_not_due_before_twenty_round_trips) {
  RoundTripFilter filter;
  filter.start(Instant());
  filter.on_ack(ms(2000), at_ms(2000));
  filter.on_ack(ms(2100), at_ms(42'000));
  EXPECT_FALSE(filter.is_probe_due());
  filter.on_ack(ms(2100), at_ms(42'001));
  EXPECT_TRUE(filter.is_probe_due());
}

TEST(BbrEstimates, BBR_20_bunched_acknowledgements_are_counted_beyond_the_bandwidth) {
  AckAggregation aggregation;
  aggregation.restart(Instant());
  AckAggregation::Ack ack;
  ack.bandwidth = 1'000'000;  // 1000 bytes a millisecond
  ack.window_bytes = 100'000;
  ack.delivered_bytes = 10'000;
  ack.now = at_ms(10);
  aggregation.on_ack(ack);  // a new epoch: these came at once
  EXPECT_EQ(aggregation.extra_bytes(), 10'000u);
  ack.now = at_ms(12);
  aggregation.on_ack(ack);  // 20,000 where 2000 were due
  EXPECT_EQ(aggregation.extra_bytes(), 18'000u);
  ack.delivered_bytes = 1000;
  ack.begins_round = true;
  for (int i = 0; i < 10; ++i) {  // as fast as the bandwidth, for ten rounds
    ack.now = ack.now + ms(40);
    aggregation.on_ack(ack);
  }
  EXPECT_EQ(aggregation.extra_bytes(), 1000u);
}

// --- events -------------------------------------------------------------------------------------

TEST(BbrEvents, BBR_17_the_first_pace_is_of_a_millisecond_then_of_the_round_trip) {
  Bbr bbr;
  bbr.start(1000, 10'000, Instant());
  EXPECT_EQ(bbr.pacing_rate(), 27'700'000u);
  AckEvent event;
  event.now = at_ms(100);
  event.delivered_bytes = 1000;
  event.rtt = event.smoothed_rtt = ms(100);
  bbr.on_ack(event);
  EXPECT_EQ(bbr.pacing_rate(), 277'000u);
}

TEST(BbrEvents, BBR_21_a_timeout_leaves_a_segment_until_its_recovery_ends) {
  Bbr bbr;
  bbr.start(1000, 10'000, Instant());
  bbr.on_timeout(10'000, true, at_ms(1000));
  EXPECT_EQ(bbr.window(), 1000u);
  bbr.on_timeout(1000, false, at_ms(3000));
  bbr.on_recovery_end(at_ms(4000));
  EXPECT_EQ(bbr.window(), 10'000u);
}

TEST(BbrEvents, a_timeout_that_was_none_is_undone) {
  Bbr bbr;
  bbr.start(1000, 10'000, Instant());
  bbr.on_timeout(10'000, true, at_ms(1000));
  bbr.undo(at_ms(1001));
  EXPECT_EQ(bbr.window(), 10'000u);
  EXPECT_EQ(bbr.state(), Bbr::State::startup);
}

TEST(BbrEvents, a_congested_startup_goes_on_when_the_congestion_was_none) {
  Bbr bbr;
  bbr.start(1000, 10'000, Instant());
  bbr.on_congestion(10'000, true, at_ms(1000));
  AckEvent event;
  event.now = at_ms(1001);
  event.flight = 9000;
  bbr.on_ack(event);
  EXPECT_NE(bbr.state(), Bbr::State::startup);
  bbr.undo(at_ms(1002));
  EXPECT_EQ(bbr.state(), Bbr::State::startup);
  EXPECT_EQ(bbr.ssthresh(), UINT32_MAX);
}

TEST(BbrEvents, an_acknowledgement_without_a_sample_changes_nothing) {
  Bbr bbr;
  bbr.start(1000, 10'000, Instant());
  bbr.on_ack(AckEvent());
  EXPECT_EQ(bbr.window(), 10'000u);
  EXPECT_EQ(bbr.max_bandwidth(), 0u);
}

// --- on a path ----------------------------------------------------------------------------------

// 100 Mbit/s, 40 ms, a queue of one bandwidth-delay product, where the test says nothing else.
class BbrPath : public testing::Test {
 protected:
  test::PathModel& on(const test::PathSettings& settings) { return model.emplace(bbr, settings); }
  // Utilisation of the next seconds.
  double runs(double seconds) {
    model->begin_measuring();
    model->run_for(Duration::microseconds(static_cast<std::int64_t>(seconds * 1e6)));
    return model->utilisation();
  }
  // Runs until a state; false: it did not come in this time.
  bool reaches(Bbr::State state, Duration time) {
    const Instant end = model->now() + time;
    while (bbr.state() != state && model->now() < end) model->run_for(ms(1));
    return bbr.state() == state;
  }

  Bbr bbr;
  std::optional<test::PathModel> model;
};

TEST_F(BbrPath, BBR_3_BBR_4_BBR_6_it_fills_the_path_in_ten_round_trips_and_drains_the_queue) {
  auto& path = on({});
  path.run_for(ms(400));
  EXPECT_GT(runs(0.1), 0.99);
  EXPECT_TRUE(reaches(Bbr::State::probe_bw_cruise, ms(400)));
  EXPECT_NEAR(static_cast<double>(bbr.max_bandwidth()), 12.5e6, 0.01 * 12.5e6);
  EXPECT_LT(bbr.min_round_trip(), Duration::microseconds(40'300));
  runs(0.1);  // what was acknowledged late
  runs(0.5);
  EXPECT_LT(path.longest_rtt(), ms(41));
}

TEST_F(BbrPath, it_keeps_the_path_full_and_the_queue_small) {
  auto& path = on({});
  runs(5);
  EXPECT_GT(runs(60), 0.95);
  EXPECT_LT(path.mean_rtt(), ms(44));
  EXPECT_EQ(path.loss_share(), 0);
}

TEST_F(BbrPath, BBR_10_BBR_11_it_probes_for_bandwidth_every_two_to_three_seconds) {
  on({});
  runs(1);
  int probes = 0;
  const Instant end = model->now() + Duration::seconds(60);
  while (model->now() < end) {  // ProbeRTT may put a probe off
    ASSERT_TRUE(reaches(Bbr::State::probe_bw_up, Duration::seconds(7)));
    EXPECT_GT(bbr.pacing_rate(), 12'500'000u);
    ASSERT_TRUE(reaches(Bbr::State::probe_bw_cruise, Duration::seconds(1)));
    ++probes;
  }
  EXPECT_GE(probes, 12);
  EXPECT_LE(probes, 30);
}

TEST_F(BbrPath, BBR_16_it_looks_for_a_shorter_round_trip_every_five_seconds) {
  on({});
  runs(0.2);
  for (int i = 0; i < 3; ++i) {
    const Instant before = model->now();
    ASSERT_TRUE(reaches(Bbr::State::probe_rtt, ms(5200)));
    EXPECT_GT(model->now() - before, ms(4500));
    model->run_for(ms(150));
    EXPECT_EQ(bbr.state(), Bbr::State::probe_rtt);
    EXPECT_NEAR(model->flight(), 250'000, 5000);  // half of the bandwidth-delay product
    model->run_for(ms(150));
    EXPECT_EQ(bbr.state(), Bbr::State::probe_bw_cruise);
  }
}

TEST_F(BbrPath, BBR_13_BBR_14_it_yields_to_a_path_that_has_become_slower) {
  auto& path = on({});
  runs(5);
  path.path.bytes_per_second = 2'500'000;
  runs(8);  // two cycles of probing
  EXPECT_GT(runs(10), 0.95);
  EXPECT_LT(path.mean_rtt(), ms(100));  // of 240 with a full queue
  EXPECT_LT(path.loss_share(), 0.02);
}

TEST_F(BbrPath, BBR_11_it_finds_a_path_that_has_become_faster) {
  auto& path = on({.bytes_per_second = 2'500'000});
  runs(5);
  path.path.bytes_per_second = 12'500'000;
  runs(8);
  EXPECT_GT(runs(10), 0.95);
}

TEST_F(BbrPath, BBR_12_BBR_13_a_random_loss_below_the_threshold_does_not_slow_it) {
  on({.round_trip = ms(20), .queue_bytes = 250'000, .loss = 0.01});
  runs(5);
  EXPECT_GT(runs(60), 0.9);
}

TEST_F(BbrPath, BBR_5_BBR_12_a_short_queue_is_not_kept_overflowing) {
  auto& path = on({.queue_bytes = 50'000});
  runs(5);
  EXPECT_GT(runs(60), 0.9);
  EXPECT_LT(path.loss_share(), 0.005);
}

TEST_F(BbrPath, acknowledgements_of_64_kib_do_not_starve_it) {
  on({.round_trip = ms(20), .queue_bytes = 250'000, .ack_every = 44});
  runs(5);
  EXPECT_GT(runs(30), 0.93);
}

TEST_F(BbrPath, a_slow_application_does_not_lower_the_bandwidth) {
  auto& path = on({});
  runs(3);
  path.path.app_bytes_per_second = 1'000'000;
  runs(20);
  EXPECT_NEAR(static_cast<double>(bbr.max_bandwidth()), 12.5e6, 0.02 * 12.5e6);
  path.path.app_bytes_per_second = 0;
  runs(0.1);
  EXPECT_GT(runs(1), 0.85);
}

TEST_F(BbrPath, BBR_22_after_silence_it_goes_on_at_the_bandwidth) {
  auto& path = on({});
  runs(3);
  const std::uint32_t window = bbr.window();
  path.pause_for(Duration::seconds(12));
  EXPECT_EQ(bbr.window(), window);
  EXPECT_EQ(bbr.pacing_rate(), 12'375'000u);
  path.run_for(ms(45));
  EXPECT_NE(bbr.state(), Bbr::State::probe_rtt);
  EXPECT_GT(runs(0.5), 0.98);
  EXPECT_EQ(path.loss_share(), 0);
}

TEST_F(BbrPath, RFC3168_marks_end_startup_and_slow_it_down) {
  auto& path = on({.mark = 0.02});
  EXPECT_LT(runs(2), 0.5);
  EXPECT_NE(bbr.state(), Bbr::State::startup);
  const double marked = runs(10);
  path.path.mark = 0;
  runs(15);
  EXPECT_GT(runs(10), 0.95);
  EXPECT_LT(marked, 0.95);
}

TEST_F(BbrPath, it_fills_10_gbit_at_10_us) {
  auto& path = on({.bytes_per_second = 1'250'000'000,
                   .round_trip = Duration::microseconds(10),
                   .queue_bytes = 1'000'000});
  runs(0.01);
  EXPECT_GT(runs(1), 0.99);
  EXPECT_EQ(path.loss_share(), 0);
  EXPECT_LT(path.longest_rtt(), Duration::microseconds(200));
}

TEST_F(BbrPath, it_fills_a_round_trip_of_two_seconds) {
  on({.bytes_per_second = 1'250'000, .round_trip = Duration::seconds(2), .queue_bytes = 2'500'000});
  runs(40);
  EXPECT_GT(runs(200), 0.9);
}

// The paces of a second that holds the first probe.
std::uint64_t paces(std::uint64_t seed) {
  Bbr bbr;
  bbr.set_seed(seed);
  test::PathModel path(bbr, {});
  path.run_for(Duration::seconds(2));
  std::uint64_t sum = 0;
  for (int i = 0; i < 200; ++i) {
    path.run_for(ms(10));
    sum = sum * 31 + bbr.pacing_rate();
  }
  return sum;
}

TEST(BbrSeed, the_same_seed_repeats_a_run_and_another_does_not) {
  EXPECT_EQ(paces(7), paces(7));
  EXPECT_NE(paces(7), paces(8));
}

}  // namespace
}  // namespace sluice::tcp
