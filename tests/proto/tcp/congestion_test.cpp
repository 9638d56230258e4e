// Congestion control and loss recovery: RFC 5681, RFC 6582, and the timer of RFC 6298 at work.
#include "tests/support/peer.hpp"

namespace sluice::tcp {
namespace {

using namespace test;

class Congestion : public Conversation {
 protected:
  Congestion() { peer.settings.congestion = Algorithm::newreno; }
  // Sends the initial window of ten segments, one by one, and takes them.
  void fill_window() {
    peer.settings.max_payload_bytes = 0;
    peer.connects();
    app.sends(20'000);
    EXPECT_EQ(peer.drains(), 10u);
  }
  void duplicates(int count, std::uint32_t at) {
    for (int i = 0; i < count; ++i) peer.sends(ack(at));
  }
  const CongestionControl& cc() { return peer.connection().congestion(); }
};

// --- windows ------------------------------------------------------------------------------------

TEST(InitialWindow, RFC5681_R5681_2_ten_segments_as_rfc_6928) {
  EXPECT_EQ(initial_window(1460, 10), 14'600u);
  EXPECT_EQ(initial_window(1000, 10), 10'000u);
  EXPECT_EQ(initial_window(536, 10), 5360u);
  EXPECT_EQ(initial_window(9000, 10), 18'000u);
  EXPECT_EQ(initial_window(1460, 2), 2920u);
}

TEST_F(Congestion, RFC5681_R5681_7_the_window_doubles_in_a_round_trip) {
  fill_window();
  for (std::uint32_t i = 1; i <= 10; ++i) {
    peer.sends(ack(1 + i * 1000));
    EXPECT_EQ(peer.drains(), i <= 5 ? 2u : 0u) << i;  // the application's 20,000 are out
  }
  EXPECT_EQ(cc().window(), 20'000u);
}

TEST_F(Congestion, RFC5681_R5681_3_the_handshake_does_not_grow_the_window) {
  peer.accepts();
  EXPECT_EQ(cc().window(), 10'000u);
}

TEST_F(Congestion, AnotherAlgorithmTakesOverWhereOneLeaves) {
  fill_window();
  for (std::uint32_t i = 1; i <= 5; ++i) {
    peer.sends(ack(1 + i * 1000));
    peer.drains();
  }
  EXPECT_EQ(cc().window(), 15'000u);
  for (const Algorithm next : {Algorithm::cubic, Algorithm::bbr, Algorithm::newreno}) {
    peer.connection().set_congestion(next, peer.now());
    EXPECT_GE(cc().window(), 15'000u) << cc().name();
  }
  EXPECT_EQ(cc().name(), "newreno");
  peer.sends(ack(6001));
  EXPECT_EQ(cc().window(), 16'000u);
}

TEST_F(Congestion, AnAlgorithmMayBeChosenBeforeTheHandshakeIsDone) {
  peer.opens();
  peer.connection().set_congestion(Algorithm::bbr, peer.now());
  EXPECT_EQ(cc().name(), "bbr");
}

TEST_F(Congestion, RFC5681_R5681_17_an_idle_connection_starts_again) {
  fill_window();
  for (std::uint32_t i = 1; i <= 20; ++i) {
    peer.sends(ack(1 + i * 1000));
    peer.drains();
  }
  EXPECT_GT(cc().window(), 15'000u);
  peer.after(1001_ms);
  peer.sends(data(10));  // what is received does not count
  peer.drains();
  app.sends(50'000);
  EXPECT_EQ(peer.drains(), 10u);
}

// --- fast retransmit
// ------------------------------------------------------------------------------

TEST_F(Congestion, RFC5681_R5681_15_the_third_duplicate_retransmits) {
  fill_window();
  duplicates(3, 1);
  EXPECT_EQ(cc().ssthresh(), 5000u);
  EXPECT_EQ(cc().window(), 5000u);
  peer.expects(ack(1).seq(1).len(1000));
  EXPECT_EQ(peer.connection().counters().fast_retransmits, 1u);
  EXPECT_EQ(peer.connection().counters().retransmitted, 1u);
}

TEST_F(Congestion, RFC5681_R5681_14_limited_transmit) {
  fill_window();
  duplicates(1, 1);
  peer.expects(ack(1).seq(10'001).len(1000));
  peer.nothing();
  duplicates(1, 1);
  peer.expects(ack(1).seq(11'001).len(1000));
  peer.nothing();
  EXPECT_EQ(cc().window(), 10'000u);
  duplicates(1, 1);
  EXPECT_EQ(cc().ssthresh(), 5000u);  // not of 12,000
  peer.expects(ack(1).seq(1).len(1000));
}

// RFC 6582 R6582-3, by RFC 9937: each duplicate says that a segment has arrived.
TEST_F(Congestion, RFC5681_R5681_16_further_duplicates_let_new_data_go) {
  fill_window();
  duplicates(3, 1);
  peer.expects(ack(1).seq(1));
  peer.nothing();
  duplicates(2, 1);
  peer.nothing();  // half of the flight must have arrived first
  duplicates(1, 1);
  peer.expects(ack(1).seq(10'001).len(1000));
  peer.nothing();
  duplicates(1, 1);
  peer.expects(ack(1).seq(11'001).len(1000));
  peer.nothing();
}

TEST_F(Congestion, RFC6582_R6582_4_a_full_ack_ends_the_recovery) {
  fill_window();
  duplicates(3, 1);
  peer.drains();
  peer.sends(ack(10'001));
  EXPECT_EQ(cc().window(), 5000u);
  EXPECT_EQ(peer.drains(), 5u);
}

TEST_F(Congestion, RFC6582_R6582_5_a_partial_ack_retransmits_the_next) {
  fill_window();
  duplicates(6, 1);
  peer.drains();
  peer.sends(ack(4001));
  peer.expects(ack(1).seq(4001).len(1000));
  EXPECT_EQ(cc().window(), 5000u);
  peer.drains();
  peer.sends(ack(6001));
  peer.expects(ack(1).seq(6001).len(1000));
}

TEST_F(Congestion, RFC6582_R6582_2_no_second_recovery_for_the_same_window) {
  fill_window();
  duplicates(3, 1);
  peer.drains();
  peer.sends(ack(10'001));
  peer.drains();
  const std::uint32_t before = cc().ssthresh();
  duplicates(3, 10'001);
  EXPECT_EQ(cc().ssthresh(), before);
  EXPECT_EQ(peer.connection().counters().fast_retransmits, 1u);
}

TEST_F(Congestion, RFC6582_R6582_1_the_very_first_segment_can_be_retransmitted_fast) {
  peer.settings.max_payload_bytes = 0;
  peer.accepts();
  app.sends(5000);
  peer.drains();
  duplicates(3, 1);
  peer.expects(ack(1).seq(1).len(1000));
}

TEST_F(Congestion, RFC5681_R5681_13_what_is_no_duplicate) {
  fill_window();
  duplicates(2, 1);
  peer.sends(data(10).ack(1));     // text
  peer.sends(ack(1).win(60'000));  // a window update
  peer.sends(ack(1).win(60'000));
  EXPECT_EQ(peer.connection().counters().fast_retransmits, 1u);  // the third of the same window
}

TEST_F(Congestion, RFC5681_R5681_13_text_cut_off_by_a_closed_window_is_no_duplicate) {
  peer.settings.receive_buffer_bytes = 4096;
  peer.settings.max_payload_bytes = 0;
  peer.connects();
  peer.sends(data(4096));
  peer.drains();
  app.sends(5000);
  peer.drains();
  for (int i = 0; i < 5; ++i) peer.sends(data(1).seq(4097).ack(1));
  EXPECT_EQ(peer.connection().counters().fast_retransmits, 0u);
}

TEST_F(Congestion, RFC5681_R5681_14_with_sack_a_duplicate_must_bring_sack) {
  peer.says.sack = true;
  fill_window();
  duplicates(5, 1);
  EXPECT_EQ(peer.connection().counters().fast_retransmits, 0u);
  for (int i = 0; i < 3; ++i) peer.sends(ack(1).sack({{1001, 2001}}));
  EXPECT_EQ(peer.connection().counters().fast_retransmits, 1u);
}

TEST_F(Congestion, RFC2883_R2883_1_a_report_of_duplicates_is_no_loss) {
  peer.says.sack = true;
  fill_window();
  peer.sends(ack(5001));
  peer.drains();
  for (int i = 0; i < 5; ++i) peer.sends(ack(5001).sack({{1001, 2001}}));
  EXPECT_EQ(peer.connection().counters().fast_retransmits, 0u);
}

TEST_F(Congestion, RFC5681_R5681_20_a_path_change_in_recovery_does_not_open_the_flood) {
  fill_window();
  duplicates(3, 1);
  peer.expects(ack(1).seq(1));
  peer.connection().on_path_error(PathError::packet_too_big, peer.our_iss + 1u, 540);
  EXPECT_EQ(peer.connection().send_mss(), 500u);
  EXPECT_LE(peer.drains() * 500, 5000u);
}

// --- timeout
// --------------------------------------------------------------------------------------

// RFC 6298 R6298-11.
TEST_F(Congestion, RFC5681_R5681_9_R5681_11_a_timeout_sends_one_segment) {
  fill_window();
  peer.at(1_s);
  peer.expects(ack(1).seq(1).len(1000));
  peer.nothing();
  EXPECT_EQ(cc().window(), 1000u);
  EXPECT_EQ(cc().ssthresh(), 5000u);
  peer.at(3_s);
  peer.expects(ack(1).seq(1).len(1000));
  EXPECT_EQ(cc().ssthresh(), 5000u);
  peer.at(7_s);
  peer.expects(ack(1).seq(1).len(1000));
}

TEST_F(Congestion, RFC9293_R9293_11_slow_start_goes_on_through_what_was_lost) {
  peer.settings.max_payload_bytes = 0;
  peer.connects();
  app.sends(10'000);  // no new data for F-RTO
  EXPECT_EQ(peer.drains(), 10u);
  peer.at(1_s);
  peer.expects(ack(1).seq(1));
  peer.sends(ack(1001));
  peer.expects(ack(1).seq(1001).len(1000));
  peer.expects(ack(1).seq(2001).len(1000));
  peer.nothing();
  peer.sends(ack(5001));  // the peer had those beyond
  peer.expects(ack(1).seq(5001).len(1000));
}

TEST_F(Congestion, RFC6582_R6582_6_duplicates_after_a_timeout_prove_nothing) {
  fill_window();
  peer.at(1_s);
  peer.expects(ack(1).seq(1));
  duplicates(5, 1);
  EXPECT_EQ(peer.connection().counters().fast_retransmits, 0u);
  peer.sends(ack(3001));
  peer.drains();
  duplicates(5, 3001);
  EXPECT_EQ(peer.connection().counters().fast_retransmits, 0u);
}

TEST_F(Congestion, RFC6298_R6298_10_the_timer_restarts_with_progress_and_stops_at_the_end) {
  peer.settings.max_payload_bytes = 0;
  peer.connects();
  app.sends(2000);
  peer.drains();
  peer.at(600_ms);
  peer.sends(ack(1001));
  peer.at(1600_ms);
  peer.expects(psh_ack().seq(1001).len(1000));
  peer.sends(ack(2001));
  EXPECT_TRUE(peer.connection().deadline().is_never());
}

TEST_F(Congestion, RFC6582_R6582_5_only_the_first_partial_ack_restarts_the_timer) {
  fill_window();
  duplicates(3, 1);
  peer.drains();
  peer.at(500_ms);
  peer.sends(ack(1001));
  peer.drains();
  const Instant due = peer.connection().deadline();
  EXPECT_EQ(due, peer.now() + 1_s);
  peer.at(900_ms);
  peer.sends(ack(2001));
  peer.drains();
  EXPECT_EQ(peer.connection().deadline(), due);
}

// --- round trips
// ------------------------------------------------------------------------------------

TEST(RttTable, RFC6298_R6298_1_before_the_first_sample) {
  Settings settings;
  RttEstimator rtt;
  EXPECT_EQ(rtt.rto(settings), 1_s);
}

TEST(RttTable, RFC6298_R6298_2_R6298_3_samples) {
  Settings settings;
  settings.min_rto = 1_ms;
  RttEstimator rtt;
  rtt.on_sample(100_ms, settings, Seq(), Seq());
  EXPECT_EQ(rtt.smoothed(), 100_ms);
  EXPECT_EQ(rtt.variation(), 50_ms);
  EXPECT_EQ(rtt.rto(settings), 300_ms);
  rtt.on_sample(180_ms, settings, Seq(), Seq());
  EXPECT_EQ(rtt.variation(), Duration::microseconds(57'500));
  EXPECT_EQ(rtt.smoothed(), 110_ms);
  EXPECT_EQ(rtt.rto(settings), 340_ms);
}

TEST(RttTable, RFC6298_R6298_4_R6298_5_R6298_8_bounds) {
  Settings settings;
  RttEstimator rtt;
  rtt.on_sample(50_us, settings, Seq(), Seq());
  EXPECT_EQ(rtt.rto(settings), 200_ms + 50_us);
  settings.min_rto = 1_us;
  for (int i = 0; i < 100; ++i) rtt.on_sample(50_us, settings, Seq(), Seq());
  EXPECT_GE(rtt.rto(settings), 100_us);  // 50 and the clock's granularity
  for (int i = 0; i < 100; ++i) rtt.back_off();
  EXPECT_LE(rtt.rto(settings), 60_s);
  rtt.on_sample(100_s, settings, Seq(), Seq());
  EXPECT_EQ(rtt.rto(settings), 60_s);
}

TEST(RttTable, RFC6298_R6298_11_backs_off_and_a_sample_ends_it) {
  Settings settings;
  RttEstimator rtt;
  rtt.on_sample(100_ms, settings, Seq(), Seq());
  rtt.back_off();
  EXPECT_EQ(rtt.rto(settings), 600_ms);
  rtt.back_off();
  EXPECT_EQ(rtt.rto(settings), 1200_ms);
  rtt.on_sample(100_ms, settings, Seq(), Seq());
  EXPECT_LE(rtt.rto(settings), 300_ms);
}

TEST(RttTable, RFC6298_R6298_8_a_steady_round_trip_leaves_time_for_a_delayed_ack) {
  Settings settings;
  RttEstimator rtt;
  for (int i = 0; i < 100; ++i) rtt.on_sample(1_s, settings, Seq(), Seq());
  EXPECT_EQ(rtt.rto(settings), 1200_ms);
  settings.min_rto = 5_s;  // a floor, not a variation
  EXPECT_EQ(rtt.rto(settings), 5_s);
}

TEST(RttTable, RFC6298_R6298_12_a_lost_syn_means_three_seconds) {
  Settings settings;
  RttEstimator rtt;
  rtt.back_off();
  rtt.start_after_lost_syn();
  EXPECT_EQ(rtt.rto(settings), 3_s);
  settings.initial_rto = 5_s;
  EXPECT_EQ(rtt.rto(settings), 5_s);
}

TEST_F(Congestion, RFC6298_R6298_6_karn_a_retransmitted_segment_is_not_timed) {
  peer.connects();
  app.sends(1000);
  peer.drains();
  peer.at(1_s);
  peer.drains();
  const Duration before = peer.connection().rtt().smoothed();
  peer.sends(ack(1001));
  EXPECT_EQ(peer.connection().rtt().smoothed(), before);
  EXPECT_EQ(peer.connection().rtt().backoff(), 1u);
  app.sends(1000);
  peer.drains();
  peer.after(100_ms);
  peer.sends(ack(2001));
  EXPECT_EQ(peer.connection().rtt().backoff(), 0u);
}

TEST_F(Congestion, RFC6298_R6298_6_what_waited_beyond_a_gap_is_not_timed) {
  fill_window();
  peer.at(1_s);
  peer.drains();
  const Duration before = peer.connection().rtt().smoothed();
  peer.sends(ack(5001));  // the copy, and four that had long been there
  EXPECT_EQ(peer.connection().rtt().smoothed(), before);
}

// RFC 7323 R7323-12.
TEST_F(Congestion, RFC6298_R6298_6_timestamps_tell_the_copies_apart) {
  peer.says.timestamps = true;
  peer.connects();
  app.sends(988);
  peer.drains();
  peer.at(1_s);
  peer.drains();
  peer.after(50_ms);
  peer.sends(ack(989));
  EXPECT_EQ(peer.connection().rtt().backoff(), 0u);
}

TEST_F(Congestion, RFC6298_R6298_7_a_sample_each_round_trip) {
  peer.connects();
  for (std::uint32_t i = 1; i <= 40; ++i) {
    app.sends(1000);
    peer.drains();
    peer.after(80_ms);
    peer.sends(ack(1 + 1000 * i));
  }
  EXPECT_GT(peer.connection().rtt().smoothed(), 70_ms);
}

}  // namespace
}  // namespace sluice::tcp
