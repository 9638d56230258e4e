// NewReno by itself (RFC 5681), and the table of algorithms.
#include "proto/tcp/newreno.hpp"

#include <gtest/gtest.h>

#include "proto/tcp/congestion.hpp"

namespace sluice::tcp {
namespace {

class NewRenoWindow : public testing::Test {
 protected:
  NewRenoWindow() { reno.start(1000, 10'000, Instant()); }

  // An acknowledgement of so many bytes when the window was full.
  AckEvent full(std::uint32_t bytes) const {
    AckEvent event;
    event.acked_bytes = event.delivered_bytes = bytes;
    event.flight_before = reno.window();
    event.window_was_full = true;
    return event;
  }
  void congests(std::uint32_t flight) { reno.on_congestion(flight, false, Instant()); }
  void times_out(std::uint32_t flight, bool first) { reno.on_timeout(flight, first, Instant()); }

  NewReno reno;
};

TEST_F(NewRenoWindow, RFC5681_R5681_4_R5681_6_R5681_7_slow_start_counts_bytes) {
  EXPECT_TRUE(reno.in_slow_start());
  reno.on_ack(full(1000));
  EXPECT_EQ(reno.window(), 11'000u);
  reno.on_ack(full(100));
  EXPECT_EQ(reno.window(), 11'100u);
  reno.on_ack(full(60'000));
  EXPECT_EQ(reno.window(), 71'100u);
  reno.on_ack(full(70'000));
  EXPECT_EQ(reno.window(), 136'636u);  // no more than 64 KiB for one ACK
}

TEST_F(NewRenoWindow, a_filled_hole_counts_once) {
  AckEvent event = full(1000);
  event.acked_bytes = 50'000;  // 49,000 of them were SACKed before
  reno.on_ack(event);
  EXPECT_EQ(reno.window(), 11'000u);
}

TEST_F(NewRenoWindow, what_was_only_overtaken_counts_once_the_gap_is_filled) {
  AckEvent duplicate = full(3000);
  duplicate.acked_bytes = 0;
  reno.on_ack(duplicate);
  EXPECT_EQ(reno.window(), 10'000u);  // RFC 5681 R5681-14
  AckEvent filled = full(1000);
  filled.acked_bytes = 4000;
  reno.on_ack(filled);
  EXPECT_EQ(reno.window(), 14'000u);
  reno.on_ack(full(1000));
  EXPECT_EQ(reno.window(), 15'000u);
}

TEST_F(NewRenoWindow, what_arrives_beyond_a_loss_grows_nothing) {
  AckEvent duplicate = full(3000);
  duplicate.acked_bytes = 0;
  reno.on_ack(duplicate);
  reno.on_congestion(10'000, false, Instant());
  duplicate.in_recovery = true;
  reno.on_ack(duplicate);
  AckEvent filled = full(1000);
  filled.acked_bytes = 9000;
  filled.in_recovery = true;
  reno.on_ack(filled);
  EXPECT_EQ(reno.window(), 5000u);
  reno.on_recovery_end(Instant());
  reno.on_ack(full(1000));
  EXPECT_EQ(reno.window(), 5000u);
}

TEST_F(NewRenoWindow, RFC7661_a_window_that_is_not_used_does_not_grow) {
  AckEvent event = full(1000);
  event.window_was_full = false;
  event.flight_before = 4000;
  reno.on_ack(event);
  EXPECT_EQ(reno.window(), 10'000u);
  event.flight_before = 5000;  // half of it is enough in slow start
  reno.on_ack(event);
  EXPECT_EQ(reno.window(), 11'000u);
  congests(11'000);
  for (int i = 0; i < 20; ++i) reno.on_ack(event);
  EXPECT_EQ(reno.window(), 5500u);
}

TEST_F(NewRenoWindow, RFC5681_R5681_8_congestion_avoidance_adds_a_segment_a_round_trip) {
  congests(20'000);
  EXPECT_EQ(reno.window(), 10'000u);
  for (int i = 0; i < 9; ++i) reno.on_ack(full(1000));
  EXPECT_EQ(reno.window(), 10'000u);
  reno.on_ack(full(1000));
  EXPECT_EQ(reno.window(), 11'000u);
  for (int i = 0; i < 11; ++i) reno.on_ack(full(1000));
  EXPECT_EQ(reno.window(), 12'000u);
}

TEST_F(NewRenoWindow, slow_start_ends_at_the_threshold) {
  times_out(10'000, true);
  for (int i = 0; i < 4; ++i) reno.on_ack(full(1000));
  EXPECT_EQ(reno.window(), 5000u);
  EXPECT_FALSE(reno.in_slow_start());
  reno.on_ack(full(1000));
  EXPECT_EQ(reno.window(), 5000u);
}

TEST_F(NewRenoWindow, recovery_belongs_to_prr) {
  congests(20'000);
  AckEvent event = full(1000);
  event.in_recovery = true;
  for (int i = 0; i < 20; ++i) reno.on_ack(event);
  EXPECT_EQ(reno.window(), 10'000u);
}

TEST_F(NewRenoWindow, RFC3168_R3168_5_an_echo_does_not_grow_the_window) {
  AckEvent event = full(1000);
  event.ecn_echo = true;
  reno.on_ack(event);
  EXPECT_EQ(reno.window(), 10'000u);
  reno.on_congestion(10'000, true, Instant());
  EXPECT_EQ(reno.window(), 5000u);
}

TEST_F(NewRenoWindow, RFC5681_R5681_9_R5681_10_R5681_11_a_timeout) {
  times_out(8000, true);
  EXPECT_EQ(reno.ssthresh(), 4000u);
  EXPECT_EQ(reno.window(), 1000u);
  times_out(1000, false);
  EXPECT_EQ(reno.ssthresh(), 4000u);
  times_out(1000, true);
  EXPECT_EQ(reno.ssthresh(), 2000u);
}

TEST_F(NewRenoWindow, a_reduction_for_nothing_is_undone_once) {
  congests(10'000);
  reno.undo(Instant());
  EXPECT_EQ(reno.window(), 10'000u);
  EXPECT_EQ(reno.ssthresh(), UINT32_MAX);
  congests(10'000);
  times_out(5000, true);
  times_out(1000, false);
  reno.undo(Instant());  // of the timeouts, not of the loss before them
  EXPECT_EQ(reno.window(), 5000u);
  EXPECT_EQ(reno.ssthresh(), 5000u);
  reno.undo(Instant());
  EXPECT_EQ(reno.window(), 5000u);
}

TEST_F(NewRenoWindow, RFC5681_R5681_17_idle_starts_again_and_remembers_where_it_stood) {
  congests(10'000);
  for (int i = 0; i < 200; ++i) reno.on_ack(full(1000));
  const std::uint32_t before = reno.window();
  ASSERT_GT(before, 15'000u);
  reno.on_idle(10'000, Instant());
  EXPECT_EQ(reno.window(), 10'000u);
  EXPECT_EQ(reno.ssthresh(), before / 4 * 3);
}

TEST_F(NewRenoWindow, RFC5681_R5681_5_a_smaller_mss_scales_the_window) {
  reno.set_mss(500);
  EXPECT_EQ(reno.window(), 5000u);
}

TEST(NewReno, the_window_has_a_top) {
  NewReno reno;
  reno.start(65'000, kMaxCongestionWindow, Instant());
  AckEvent event;
  event.delivered_bytes = 1u << 20;
  event.window_was_full = true;
  for (int i = 0; i < 100; ++i) reno.on_ack(event);
  EXPECT_EQ(reno.window(), kMaxCongestionWindow);
}

TEST(CongestionTable, each_name_gives_its_algorithm) {
  for (const std::string_view name : {"cubic", "newreno", "bbr"}) {
    Algorithm algorithm{};
    ASSERT_TRUE(parse_algorithm(name, algorithm));
    EXPECT_EQ(CongestionChoice(algorithm)->name(), name);
  }
  Algorithm algorithm = Algorithm::bbr;
  ASSERT_TRUE(parse_algorithm("reno", algorithm));
  EXPECT_EQ(algorithm, Algorithm::newreno);
  EXPECT_FALSE(parse_algorithm("vegas", algorithm));
  EXPECT_FALSE(parse_algorithm("", algorithm));
  EXPECT_EQ(algorithm, Algorithm::newreno);
}

TEST(CongestionTable, another_takes_over_from_its_start) {
  CongestionChoice choice(Algorithm::newreno);
  choice->start(1000, 10'000, Instant());
  choice->on_congestion(10'000, false, Instant());
  choice.choose(Algorithm::cubic);
  choice->start(1000, 10'000, Instant());
  EXPECT_EQ(choice->name(), "cubic");
  EXPECT_EQ(choice->window(), 10'000u);
  EXPECT_TRUE(choice->in_slow_start());
}

}  // namespace
}  // namespace sluice::tcp
