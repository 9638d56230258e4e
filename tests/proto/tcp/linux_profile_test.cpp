// What the profile "linux" does otherwise than the RFCs, or where they leave it open: as Linux 6.
#include "proto/tcp/listen.hpp"
#include "proto/tcp/profile.hpp"
#include "tests/support/peer.hpp"

namespace sluice::tcp {
namespace {

using namespace test;

constexpr SendFlags kMore{.more = true};

class LinuxProfile : public Conversation {
 protected:
  LinuxProfile() {
    peer.settings = linux_settings();
    peer.our_mss = 1460;
    peer.says.scale = 7;
    peer.says.window = 32'792;
  }
  // The handshake is done, and took so long.
  void connects_in(Duration round_trip) {
    peer.opens();
    peer.expects(syn_ack().ack(1));
    peer.after(round_trip);
    peer.sends(ack(1).win(257));
  }
  void sends(std::uint32_t count, SendFlags flags) {
    Stream bytes(count);
    Stream& stream = peer.app_stream();
    for (std::uint32_t i = 0; i < count; ++i) bytes[i] = pattern_byte(stream.size() + i);
    EXPECT_EQ(peer.connection().send(Bytes(bytes), flags), count);
    stream.insert(stream.end(), bytes.begin(), bytes.end());
  }
  std::uint32_t window() { return peer.connection().snapshot().cwnd; }
};

// --- opening
// ---------------------------------------------------------------------------------------

TEST_F(LinuxProfile, a_syn_offers_whole_segments_and_a_scale_of_eight) {
  peer.called();
  peer.expects(syn().win(64'240));
  EXPECT_EQ(peer.last().options.window_scale, 8);
  EXPECT_EQ(peer.last().options.mss, 1460);
}

TEST_F(LinuxProfile, timestamps_take_their_room_from_the_segments_of_the_window) {
  peer.says.timestamps = true;
  peer.opens();
  peer.expects(syn_ack().win(65'160));
}

TEST_F(LinuxProfile, a_receive_buffer_of_its_own_rules_the_scale) {
  peer.open_options = [](Connection& connection) { connection.set_receive_buffer(20'000); };
  peer.opens();
  peer.expects(syn_ack().win(18'980));
  EXPECT_EQ(peer.last().options.window_scale, 0);
}

TEST_F(LinuxProfile, a_scale_that_is_set_rules_all) {
  peer.settings.window_scale = 6;
  peer.settings.initial_receive_buffer_bytes = 65'535;
  peer.settings.round_initial_window = false;
  peer.called();
  peer.expects(syn().win(65'535));
  EXPECT_EQ(peer.last().options.window_scale, 6);
}

TEST_F(LinuxProfile, a_syn_is_sent_seven_times_in_127_seconds) {
  peer.called();
  peer.expects(syn());
  for (const Duration time : {1_s, 3_s, 7_s, 15_s, 31_s, 63_s}) {
    peer.at(time);
    peer.expects(syn());
  }
  peer.at(126_s);
  EXPECT_EQ(peer.state(), State::syn_sent);
  peer.at(127_s);
  EXPECT_EQ(peer.connection().close_reason(), CloseReason::timed_out);
}

TEST_F(LinuxProfile, a_syn_ack_is_sent_six_times_in_63_seconds) {
  peer.opens();
  peer.expects(syn_ack());
  for (const Duration time : {1_s, 3_s, 7_s, 15_s, 31_s}) {
    peer.at(time);
    peer.expects(syn_ack());
  }
  peer.at(63_s);
  peer.nothing();
  EXPECT_EQ(peer.connection().close_reason(), CloseReason::timed_out);
}

TEST_F(LinuxProfile, one_lost_syn_leaves_the_initial_window) {
  peer.called();
  peer.expects(syn());
  peer.at(1_s);
  peer.expects(syn());
  peer.answers();
  peer.expects(ack(1));
  EXPECT_EQ(window(), 10u);
  EXPECT_EQ(peer.connection().snapshot().rto, 3_s);
}

TEST_F(LinuxProfile, two_lost_syns_do_not) {
  peer.called();
  peer.expects(syn());
  peer.at(1_s);
  peer.expects(syn());
  peer.at(3_s);
  peer.expects(syn());
  peer.answers();
  EXPECT_EQ(window(), 1u);
}

TEST_F(LinuxProfile, RFC9293_SA_10_another_syn_in_syn_received_is_reset_as_by_a_listener) {
  peer.says.timestamps = true;
  peer.opens();
  peer.expects(syn_ack().ack(1));
  peer.sends(syn().seq(700));
  peer.expects(rst_ack().ack(701).no_ts());  // RFC 9293 SA-C2
  EXPECT_EQ(peer.last().sequence, 0u);
  EXPECT_EQ(peer.state(), State::closed);
}

TEST_F(LinuxProfile, soft_errors_end_an_attempt) {
  peer.called();
  peer.expects(syn());
  peer.connection().on_path_error(PathError::net_unreachable, peer.our_iss, 0);
  EXPECT_EQ(peer.connection().close_reason(), CloseReason::unreachable);
}

TEST(LinuxProfileListener, a_syn_with_fin_is_dropped) {
  wire::TcpHeader header;
  header.flags = wire::kSyn | wire::kFin;
  EXPECT_EQ(on_segment_in_listen(header, linux_settings()), ListenAction::drop);
}

TEST_F(LinuxProfile, two_segments_fit_into_a_small_window) {
  peer.says.window = 1000;
  peer.says.scale.reset();
  peer.connects();
  EXPECT_EQ(peer.connection().send_mss(), 500u);
}

// --- timeouts
// ----------------------------------------------------------------------------------------

TEST_F(LinuxProfile, the_timeout_is_the_round_trip_and_200_ms) {
  connects_in(100_ms);
  EXPECT_EQ(peer.connection().snapshot().rto, 300_ms);
  app.sends(1000);
  peer.expects(psh_ack().len(1000));
  peer.after(300_ms);
  peer.expects(psh_ack().seq(1).len(1000));
  peer.after(600_ms);
  peer.expects(psh_ack().seq(1).len(1000));
  peer.after(1200_ms);
  peer.expects(psh_ack().seq(1).len(1000));
}

TEST_F(LinuxProfile, silence_is_borne_for_924_seconds_from_the_first_retransmission) {
  connects_in(100_ms);
  app.sends(1000);
  peer.expects(psh_ack());
  peer.after(300_ms);
  peer.expects(psh_ack());
  // 0.6 s doubled to 76.8 s are 153 s, and then it is 120 s seven times.
  EXPECT_EQ(peer.ignores_for(924_s), 14u);
  EXPECT_EQ(peer.state(), State::established);
  peer.ignores_for(120_s);
  EXPECT_EQ(peer.connection().close_reason(), CloseReason::timed_out);
}

TEST_F(LinuxProfile, a_user_timeout_counts_from_the_first_retransmission) {
  connects_in(100_ms);
  peer.connection().set_user_timeout(3_s);
  app.sends(1000);
  EXPECT_EQ(peer.ignores_for(3299_ms), 4u);  // and at 0.3, 0.9 and 2.1 s
  EXPECT_EQ(peer.state(), State::established);
  peer.ignores_for(1_ms);
  EXPECT_EQ(peer.connection().close_reason(), CloseReason::timed_out);
}

TEST_F(LinuxProfile, nobodys_data_is_repeated_for_less_long) {
  connects_in(100_ms);
  app.sends(1000);
  app.closes();
  peer.drains();
  peer.ignores_for(102_s);
  EXPECT_EQ(peer.state(), State::fin_wait_1);
  peer.ignores_for(60_s);
  EXPECT_EQ(peer.connection().close_reason(), CloseReason::timed_out);
}

TEST_F(LinuxProfile, each_ack_gives_a_sample) {
  connects_in(100_ms);
  app.sends(2000);
  peer.drains();
  peer.after(20_ms);
  peer.sends(ack(1001));
  EXPECT_EQ(peer.connection().rtt().smoothed(), 90_ms);
  peer.after(10_ms);
  peer.sends(ack(2001));
  EXPECT_EQ(peer.connection().rtt().smoothed(), 82'500_us);
}

TEST(LinuxRtt, what_becomes_shorter_hardly_adds_to_the_variation) {
  const Settings settings = linux_settings();
  RttEstimator rtt;
  rtt.on_sample(400_ms, settings, Seq(1), Seq(1001));
  EXPECT_EQ(rtt.variation(), 200_ms);
  EXPECT_EQ(rtt.rto(settings), 1200_ms);
  rtt.on_sample(80_ms, settings, Seq(501), Seq(1001));
  EXPECT_EQ(rtt.smoothed(), 360_ms);
  EXPECT_EQ(rtt.variation(), 203'750_us);  // an eighth of what RFC 6298 would add
}

TEST(LinuxRtt, the_timeout_falls_but_once_a_round) {
  const Settings settings = linux_settings();
  RttEstimator rtt;
  rtt.on_sample(400_ms, settings, Seq(1), Seq(1001));
  for (std::uint32_t una = 101; una <= 1001; una += 100) {
    rtt.on_sample(400_ms, settings, Seq(una), Seq(1001));
  }
  EXPECT_EQ(rtt.rto(settings), 1200_ms);
  rtt.on_sample(400_ms, settings, Seq(1101), Seq(2001));
  EXPECT_EQ(rtt.rto(settings), 1200_ms);  // it had been as high in the round that has ended
  rtt.on_sample(400_ms, settings, Seq(2101), Seq(3001));
  EXPECT_EQ(rtt.rto(settings), 1050_ms);  // a quarter of the way from 800 to 200 ms
}

TEST_F(LinuxProfile, an_idle_time_halves_the_window_once_a_timeout) {
  peer.says.mss = 1000;
  connects_in(100_ms);
  for (std::uint32_t at = 1; at < 30'001;) {
    const std::uint32_t flight = std::min(window() * 1000, 26'000u);
    app.sends(flight);
    peer.drains();
    peer.after(100_ms);
    peer.sends(ack(at += flight));
  }
  const std::uint32_t before = window();
  EXPECT_GE(before, 40u);
  peer.after(400_ms);  // the last text was sent 500 ms ago: one timeout and not yet two
  app.sends(1000);
  peer.drains();
  EXPECT_EQ(window(), before / 2);
}

// --- what is sent
// ------------------------------------------------------------------------------------

TEST_F(LinuxProfile, RFC9293_MUST_61_the_end_of_a_write_is_pushed_again_when_sent_again) {
  connects_in(100_ms);
  app.sends(1000);
  peer.expects(psh_ack().seq(1));
  app.sends(3000);
  peer.expects(psh_ack().seq(1001).len(3000));
  peer.after(300_ms);
  peer.expects(psh_ack().seq(1).len(1000));
}

TEST_F(LinuxProfile, more_holds_until_the_timeout_and_is_pushed_then) {
  connects_in(10_ms);
  peer.connection().set_nodelay(true);
  sends(40, kMore);
  peer.after(210_ms);
  peer.expects(psh_ack().seq(1).len(40));
}

TEST_F(LinuxProfile, more_is_forgotten_when_an_ack_comes) {
  peer.says.mss = 1000;
  connects_in(10_ms);
  peer.connection().set_nodelay(true);
  sends(3100, kMore);
  peer.expects(ack(1).len(3000));
  sends(50, kMore);
  peer.nothing();
  peer.after(10_ms);
  peer.sends(ack(2001));
  peer.expects(ack(1).seq(3001).len(150));  // not pushed
}

TEST_F(LinuxProfile, nodelay_sends_what_more_has_held_unpushed) {
  connects_in(10_ms);
  sends(40, kMore);
  sends(40, kMore);
  peer.nothing();
  peer.connection().set_nodelay(true);
  peer.expects(ack(1).seq(1).len(80));
}

TEST_F(LinuxProfile, a_closed_window_is_probed_without_a_byte) {
  connects_in(100_ms);
  peer.sends(ack(1).win(0));
  app.sends(1000);
  peer.after(300_ms);
  peer.expects(ack(1).seq(0).len(0));
  peer.after(600_ms);
  peer.expects(ack(1).seq(0).len(0));
  EXPECT_EQ(peer.connection().snapshot().probes, 2);
  peer.after(1200_ms);
  peer.expects(ack(1).seq(0).len(0));
  peer.sends(ack(1).win(257));
  peer.expects(psh_ack().seq(1).len(1000));
}

TEST_F(LinuxProfile, the_answer_to_a_probe_puts_off_the_next) {
  connects_in(100_ms);
  peer.sends(ack(1).win(0));
  app.sends(1000);
  peer.after(300_ms);
  peer.expects(ack(1).seq(0));
  peer.after(100_ms);
  peer.sends(ack(1).win(0));
  peer.after(600_ms);
  peer.expects(ack(1).seq(0));
}

TEST_F(LinuxProfile, a_user_timeout_ends_what_only_answers_probes) {
  connects_in(100_ms);
  peer.connection().set_user_timeout(2_s);
  peer.sends(ack(1).win(0));
  app.sends(1000);
  for (int i = 0; i < 100 && peer.state() == State::established; ++i) {
    if (peer.ignores_for(50_ms) > 0) peer.sends(ack(1).win(0));
  }
  EXPECT_EQ(peer.connection().close_reason(), CloseReason::timed_out);
}

TEST_F(LinuxProfile, a_fin_that_finds_the_window_closed_is_taken) {
  peer.open_options = [](Connection& connection) { connection.set_receive_buffer(4000); };
  peer.connects();
  peer.sends(data(2920));
  peer.ignores_for(1_s);
  ASSERT_EQ(peer.connection().rcv_wnd(), 0u);
  peer.sends(fin_ack());
  peer.ignores_for(40_ms);
  EXPECT_EQ(peer.state(), State::close_wait);
  EXPECT_EQ(peer.last().acknowledgment, (peer.peer_iss + 2922u).value());
}

// --- the congestion window
// -----------------------------------------------------------------------------

TEST_F(LinuxProfile, a_flight_that_filled_the_window_lets_it_grow_to_its_end) {
  peer.says.mss = 1000;
  connects_in(100_ms);
  app.sends(10'000);
  peer.drains();
  peer.after(105_ms);
  for (std::uint32_t i = 1; i <= 5; ++i) {
    peer.sends(ack(1 + i * 2000));
    EXPECT_EQ(window(), 10 + 2 * i);
    peer.after(5_ms);
  }
}

TEST_F(LinuxProfile, RFC5681_R5681_14_after_limited_transmit_growth_is_for_what_is_new) {
  peer.says.mss = 1000;
  peer.says.sack = true;
  connects_in(100_ms);
  app.sends(15'000);
  peer.expects(ack(1).seq(1).len(10'000));
  peer.after(110_ms);
  peer.sends(ack(1).sack({{1001, 2001}}));
  peer.expects(ack(1).seq(10'001).len(1000));
  peer.sends(ack(1).sack({{1001, 3001}}));
  peer.expects(ack(1).seq(11'001).len(1000));
  peer.sends(ack(3001));
  EXPECT_EQ(window(), 11u);
  peer.expects(ack(1).seq(12'001).len(2000));
  peer.nothing();
}

TEST_F(LinuxProfile, without_sack_duplicates_count_as_new_only_once) {
  peer.says.mss = 1000;
  connects_in(100_ms);
  app.sends(15'000);
  peer.expects(ack(1).seq(1).len(10'000));
  peer.after(110_ms);
  peer.sends(ack(1));
  peer.expects(ack(1).seq(10'001).len(1000));
  peer.sends(ack(1));
  peer.expects(ack(1).seq(11'001).len(1000));
  peer.sends(ack(3001));
  EXPECT_EQ(window(), 11u);
  peer.expects(ack(1).seq(12'001).len(2000));
  peer.nothing();
}

// --- segments that are odd
// -------------------------------------------------------------------------------

TEST_F(LinuxProfile, a_segment_without_the_timestamps_that_were_agreed_is_taken) {
  peer.says.timestamps = true;
  peer.connects();
  EXPECT_EQ(peer.sends(data(10).no_ts()), DropReason::none);
}

TEST_F(LinuxProfile, an_ack_of_what_was_never_sent_is_dropped_in_silence) {
  peer.connects();
  EXPECT_EQ(peer.sends(ack(5000)), DropReason::tcp_bad_ack);
  peer.nothing();
}

TEST_F(LinuxProfile, a_window_that_is_set_is_offered_as_it_is) {
  peer.settings.initial_receive_window = 10'000;
  peer.called();
  peer.expects(syn().win(10'000));
}

// --- acknowledgements
// --------------------------------------------------------------------------------------

TEST_F(LinuxProfile, sixteen_segments_are_acknowledged_one_by_one) {
  connects_in(10_ms);
  for (std::uint32_t i = 0; i < 16; ++i) {
    peer.sends(data(100));
    peer.expects(ack(1 + (i + 1) * 100));
  }
  peer.sends(data(100));
  peer.nothing();
  peer.after(40_ms);
  peer.expects(ack(1701));
}

TEST_F(LinuxProfile, fewer_when_the_window_is_small) {
  peer.open_options = [](Connection& connection) { connection.set_receive_buffer(8760); };
  connects_in(10_ms);
  for (int i = 0; i < 8; ++i) {  // half a window of the 536 bytes that it begins with
    peer.sends(data(100));
    peer.expects(ack());
    app.reads_all();
  }
  peer.sends(data(100));
  peer.nothing();
}

TEST_F(LinuxProfile, who_answers_has_the_answer_carry_the_ack) {
  connects_in(10_ms);
  peer.sends(data(100));
  peer.expects(ack(101));
  app.reads_all();
  app.sends(50);
  peer.expects(psh_ack().ack(101));
  peer.sends(data(100).ack(51));
  peer.nothing();
  app.sends(50);
  peer.expects(psh_ack().ack(201));
}

TEST_F(LinuxProfile, an_answer_that_does_not_come_ends_that) {
  connects_in(10_ms);
  peer.sends(data(100));
  app.sends(50);
  peer.expects(psh_ack().ack(101));
  peer.sends(data(100).ack(51));
  peer.after(40_ms);
  peer.expects(ack(201));
  peer.sends(data(100));
  peer.expects(ack(301));  // quick again
}

TEST_F(LinuxProfile, old_text_that_comes_again_makes_quick) {
  connects_in(10_ms);
  for (int i = 0; i < 16; ++i) {
    peer.sends(data(100));
    peer.drains();
  }
  peer.sends(data(100));
  peer.nothing();
  peer.sends(data(100).seq(1));
  peer.drains();
  peer.sends(data(100));
  peer.expects(ack(1801));
}

TEST_F(LinuxProfile, RFC5681_R5681_18_more_than_a_full_segment_is_told_when_the_window_can_move) {
  peer.settings.quick_acks = 0;
  connects_in(10_ms);
  peer.sends(data(1000));
  app.reads_all();
  peer.nothing();
  peer.sends(data(1000));
  peer.expects(ack(2001));
}

TEST_F(LinuxProfile, what_is_read_is_acknowledged_when_it_was_a_whole_message) {
  peer.settings.quick_acks = 0;
  connects_in(10_ms);
  peer.sends(data(100));
  peer.nothing();
  app.reads_all();
  peer.expects(ack(101));
}

TEST_F(LinuxProfile, a_fin_before_any_text_is_acknowledged_at_once) {
  connects_in(10_ms);
  peer.sends(fin_ack());
  peer.expects(ack(2));
}

TEST_F(LinuxProfile, a_fin_behind_text_waits_for_ours) {
  connects_in(10_ms);
  peer.sends(data(100));
  peer.expects(ack(101));
  app.reads_all();
  peer.sends(fin_ack());
  peer.nothing();
  app.closes();
  peer.expects(fin_ack().ack(102));
}

TEST_F(LinuxProfile, but_for_40_ms_at_most) {
  connects_in(10_ms);
  peer.sends(data(100));
  peer.expects(ack(101));
  peer.sends(fin_ack());
  peer.after(40_ms);
  peer.expects(ack(102));
}

// --- strict
// ----------------------------------------------------------------------------------------------

TEST(StrictProfile, RFC6298_R6298_4_the_timeout_is_a_second_at_least) {
  const Settings settings = strict_settings();
  RttEstimator rtt;
  rtt.on_sample(1_ms, settings, Seq(), Seq());
  EXPECT_EQ(rtt.rto(settings), 1_s);
}

TEST(StrictProfile, RFC9293_MUST_13_time_wait_lasts_four_minutes) {
  EXPECT_EQ(strict_settings().time_wait, 240_s);
}

TEST(Patience, as_many_retries_as_linux_counts) {
  EXPECT_EQ(patience_of(15, 200_ms, 120_s), 924'600_ms);
  EXPECT_EQ(patience_of(8, 200_ms, 120_s), 102'200_ms);
  EXPECT_EQ(patience_of(6, 1_s, 120_s), 127_s);
}

}  // namespace
}  // namespace sluice::tcp
