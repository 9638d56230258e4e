// The handshake and what is agreed in it: MSS, window scale, timestamps, SACK.
#include "tests/support/peer.hpp"

namespace sluice::tcp {
namespace {

using namespace test;

class Handshake : public Conversation {
 protected:
  wire::TcpOptions all() const {
    wire::TcpOptions options;
    options.has_mss = options.sack_permitted = options.has_window_scale = true;
    options.has_timestamps = true;
    options.mss = 1000;
    options.window_scale = 10;  // 32 MiB
    options.ts_value = peer.our_ts(0_s);
    return options;
  }
};

TEST_F(Handshake, RFC9293_MUST_14_SHLD_5_MAY_3_a_syn_offers_everything) {
  peer.called();
  peer.expects(syn().seq(0).win(65'535).options(all()));
}

TEST_F(Handshake, RFC7323_R7323_7_a_syn_echoes_no_timestamp) {
  peer.called();
  peer.expects(syn().ecr(0).ts(peer.our_ts(0_s)));
}

// RFC 2018 R2018-2.
TEST_F(Handshake, RFC7323_R7323_4_R7323_8_a_syn_ack_offers_what_was_offered) {
  peer.opens();
  wire::TcpOptions only_mss;
  only_mss.has_mss = true;
  only_mss.mss = 1000;
  peer.expects(syn_ack().options(only_mss));
}

TEST_F(Handshake, RFC7323_R7323_1_a_syn_ack_answers_all_options) {
  peer.says = {.scale = 3, .timestamps = true, .sack = true};
  peer.opens();
  wire::TcpOptions options = all();
  options.ts_echo = peer.ts_clock();
  peer.expects(syn_ack().options(options));
}

TEST_F(Handshake, settings_switch_options_off) {
  peer.settings.timestamps = peer.settings.sack = peer.settings.window_scaling = false;
  peer.says = {.scale = 3, .timestamps = true, .sack = true};
  peer.opens();
  peer.expects(syn_ack().no_ts());
  EXPECT_FALSE(peer.last().options.sack_permitted);
  EXPECT_FALSE(peer.last().options.has_window_scale);
}

TEST_F(Handshake, RFC7323_R7323_11_timestamps_that_were_not_agreed_are_ignored) {
  peer.settings.timestamps = false;
  peer.says.timestamps = true;
  peer.connects();
  EXPECT_EQ(peer.sends(data(10).ts(5)), DropReason::none);
  EXPECT_EQ(peer.sends(data(10).ts(1)), DropReason::none);
  peer.expects(ack().no_ts());
}

// --- MSS ----------------------------------------------------------------------------------------

struct MssRow {
  std::optional<std::uint16_t> peer;
  std::uint16_t ours;
  bool is_v6;
  bool timestamps;
  std::uint32_t send;
};
class Mss : public Conversation, public ::testing::WithParamInterface<MssRow> {};
INSTANTIATE_TEST_SUITE_P(
    Table, Mss,
    ::testing::Values(MssRow{1460, 1460, false, false, 1460},
                      MssRow{1460, 1000, false, false, 1000}, MssRow{900, 1460, false, false, 900},
                      MssRow{{}, 1460, false, false, 536}, MssRow{{}, 1440, true, false, 1220},
                      MssRow{1460, 1460, false, true, 1448}, MssRow{0, 1460, false, false, 536},
                      MssRow{1, 1460, false, true, 36},
                      MssRow{65'535, 65'495, false, false, 65'495}));
TEST_P(Mss, RFC9293_MUST_15_MUST_16_the_send_size) {
  const MssRow& row = GetParam();
  peer.says.mss = row.peer;
  peer.says.is_v6 = row.is_v6;
  peer.says.timestamps = row.timestamps;
  peer.our_mss = row.ours;
  peer.connects();
  EXPECT_EQ(peer.connection().send_mss(), row.send);
}

TEST_F(Handshake, RFC9293_MUST_65_MSS_only_in_segments_with_syn) {
  peer.connects();
  app.sends(10);
  peer.expects(psh_ack());
  EXPECT_FALSE(peer.last().options.has_mss);
  EXPECT_FALSE(peer.last().options.has_window_scale);
}

TEST_F(Handshake, RFC9293_MUST_67_the_advertised_mss_is_that_of_the_device) {
  peer.our_mss = 1333;
  peer.called();
  peer.expects(syn());
  EXPECT_EQ(peer.last().options.mss, 1333);
}

// --- window scale
// ---------------------------------------------------------------------------------

TEST_F(Handshake, RFC7323_R7323_3_windows_are_scaled_after_the_syn) {
  peer.says.scale = 3;
  peer.says.window = 1000;
  peer.settings.receive_buffer_bytes = peer.settings.initial_receive_buffer_bytes = 1 << 20;
  peer.connects();
  EXPECT_EQ(peer.connection().snd_wnd(), 8000u);
  peer.sends(data(10));
  app.reads_all();
  peer.expects(ack(11).win((1u << 20) / 32));
}

TEST_F(Handshake, RFC7323_R7323_3_the_window_of_a_syn_ack_is_not_scaled) {
  peer.says.scale = 3;
  peer.says.window = 1000;
  peer.reaches(State::syn_sent);
  peer.answers();
  EXPECT_EQ(peer.connection().snd_wnd(), 1000u);
}

TEST_F(Handshake, RFC7323_R7323_4_no_option_no_scaling_either_way) {
  peer.says.window = 1000;
  peer.settings.initial_receive_buffer_bytes = 1 << 20;
  peer.connects();
  EXPECT_EQ(peer.connection().snd_wnd(), 1000u);
  peer.sends(data(2000));
  app.reads_all();
  peer.expects(ack(2001).win(65'535));
}

TEST_F(Handshake, RFC7323_R7323_2_a_shift_above_14_is_14) {
  peer.says.scale = 15;
  peer.connects();
  EXPECT_EQ(peer.connection().snd_wnd(), 65'535u << 14);
  peer.sends(ack(1).win(1));
  EXPECT_EQ(peer.connection().snd_wnd(), 1u << 14);
}

TEST_F(Handshake, RFC7323_R7323_1_a_small_buffer_sends_a_shift_of_zero) {
  peer.settings.receive_buffer_bytes = 8192;
  peer.called();
  peer.expects(syn().win(8192));
  EXPECT_TRUE(peer.last().options.has_window_scale);
  EXPECT_EQ(peer.last().options.window_scale, 0);
}

TEST_F(Handshake, RFC7323_R7323_1_a_scale_outside_of_a_syn_is_ignored) {
  peer.says.scale = 3;
  peer.connects();
  wire::TcpOptions options;
  options.has_window_scale = true;
  options.window_scale = 9;
  peer.sends(ack(1).win(1000).options(options));
  EXPECT_EQ(peer.connection().snd_wnd(), 8000u);
}

TEST_F(Handshake, RFC7323_R7323_5_what_was_ever_inside_the_window_is_taken) {
  peer.says.scale = 14;
  peer.settings.receive_buffer_bytes = peer.settings.initial_receive_buffer_bytes = 1 << 20;
  peer.connects();
  peer.sends(data(1));
  peer.expects(ack(2));
  const std::uint32_t edge = 2 + (std::uint32_t{peer.last().window} << 5);
  for (std::uint32_t i = 0; i < 7; ++i) peer.sends(data(1));
  peer.drains();
  EXPECT_EQ(peer.sends(ack(1).seq(edge - 1)), DropReason::none);
}

// --- retransmission of the SYN
// ---------------------------------------------------------------------

TEST_F(Handshake, RFC9293_MUST_22_MUST_23_a_syn_is_repeated_for_three_minutes) {
  peer.called();
  peer.expects(syn());
  for (const Duration when : {1_s, 3_s, 7_s, 15_s, 31_s, 63_s, 123_s}) {
    peer.at(when);
    peer.expects(syn().seq(0));
  }
  peer.at(180_s);
  EXPECT_EQ(peer.state(), State::closed);
  EXPECT_EQ(peer.connection().close_reason(), CloseReason::timed_out);
  EXPECT_TRUE(app.hears(kClosed));
  peer.nothing();
}

TEST_F(Handshake, a_listener_gives_a_half_open_connection_up_sooner) {
  peer.opens();
  peer.expects(syn_ack());
  for (const Duration when : {1_s, 3_s, 7_s, 15_s, 31_s}) {
    peer.at(when);
    peer.expects(syn_ack().seq(0).ack(1));
  }
  peer.at(63_s);
  EXPECT_EQ(peer.state(), State::closed);
  EXPECT_EQ(peer.connection().close_reason(), CloseReason::timed_out);
}

// RFC 6298 R6298-12.
TEST_F(Handshake, RFC5681_R5681_3_a_lost_syn_starts_small_and_slow) {
  peer.called();
  peer.expects(syn());
  peer.at(1_s);
  peer.expects(syn());
  peer.answers();
  EXPECT_EQ(peer.connection().congestion().window(), 1000u);
  app.sends(5000);
  peer.expects(ack(1).seq(1).len(1000));
  peer.nothing();
  peer.after(3_s);
  peer.expects(ack(1).seq(1).len(1000));
}

TEST_F(Handshake, RFC5681_R5681_3_a_lost_syn_ack_counts_as_well) {
  peer.opens();
  peer.expects(syn_ack());
  peer.at(1_s);
  peer.expects(syn_ack());
  peer.sends(ack(1));
  EXPECT_EQ(peer.connection().congestion().window(), 1000u);
}

TEST_F(Handshake, RFC6298_R6298_6_a_syn_ack_sent_twice_is_not_timed) {
  peer.opens();
  peer.expects(syn_ack());
  peer.at(500_ms);
  peer.sends(syn().win(65'535));
  peer.expects(syn_ack());
  peer.sends(ack(1).seq(1));
  EXPECT_FALSE(peer.connection().rtt().has_sample());
}

// The path is longer than the first timeout: the echo tells that nothing was lost.
TEST_F(Handshake, RFC3522_a_late_answer_to_the_first_syn_is_no_loss) {
  peer.says.timestamps = true;
  peer.called();
  peer.expects(syn());
  peer.at(1_s);
  peer.expects(syn());
  peer.at(1500_ms);
  peer.syn_echo = peer.our_ts(0_ms);
  peer.answers();
  EXPECT_EQ(peer.connection().congestion().window(), 9880u);
  EXPECT_EQ(peer.connection().rtt().smoothed(), 1500_ms);
  EXPECT_GT(peer.connection().rtt().rto(peer.settings), 2_s);
}

TEST_F(Handshake, RFC3522_an_answer_to_the_second_syn_is) {
  peer.says.timestamps = true;
  peer.called();
  peer.expects(syn());
  peer.at(1_s);
  peer.expects(syn());
  peer.answers();
  EXPECT_EQ(peer.connection().congestion().window(), 988u);
  EXPECT_FALSE(peer.connection().rtt().has_sample());
}

TEST_F(Handshake, RFC3522_nor_is_a_late_answer_to_the_first_syn_ack) {
  peer.says.timestamps = true;
  peer.opens();
  peer.expects(syn_ack());
  peer.at(1_s);
  peer.expects(syn_ack());
  peer.at(1200_ms);
  peer.sends(ack(1).seq(1).ecr(peer.our_ts(0_ms)));
  EXPECT_EQ(peer.connection().congestion().window(), 9880u);
  EXPECT_EQ(peer.connection().rtt().smoothed(), 1200_ms);
}

TEST_F(Handshake, the_handshake_is_timed) {
  peer.called();
  peer.expects(syn());
  peer.at(80_ms);
  peer.answers();
  EXPECT_EQ(peer.connection().rtt().smoothed(), 80_ms);
}

TEST_F(Handshake, RFC9293_MUST_5_options_come_in_any_segment) {
  peer.connects();
  wire::TcpOptions options;
  options.has_mss = options.sack_permitted = true;
  options.mss = 50;
  EXPECT_EQ(peer.sends(data(10).options(options)), DropReason::none);
  EXPECT_EQ(peer.connection().send_mss(), 1000u);
  EXPECT_FALSE(peer.connection().sack_on());
}

}  // namespace
}  // namespace sluice::tcp
