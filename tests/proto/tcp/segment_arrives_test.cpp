// RFC 9293 3.10.7.3 and 3.10.7.4, row by row. LISTEN and CLOSED: listen_test.cpp.
#include "tests/support/peer.hpp"

namespace sluice::tcp {
namespace {

using namespace test;

class SegmentArrives : public Conversation {};
class EachState : public Conversation, public ::testing::WithParamInterface<State> {};

std::string name_of(const ::testing::TestParamInfo<State>& info) {
  std::string name(state_name(info.param));
  std::erase(name, '-');
  return name;
}

const auto kSynchronized =
    ::testing::Values(State::established, State::fin_wait_1, State::fin_wait_2, State::close_wait,
                      State::closing, State::last_ack);
INSTANTIATE_TEST_SUITE_P(Synchronized, EachState, kSynchronized, name_of);

// --- SYN-SENT ---------------------------------------------------------------------------------

TEST_F(SegmentArrives, RFC9293_SA_S1_an_ack_of_nothing_sent_is_reset) {
  peer.reaches(State::syn_sent);
  EXPECT_EQ(peer.sends(ack(0).seq(70)), DropReason::tcp_bad_ack);
  peer.expects(rst().seq(0).win(0));
  peer.sends(flags(wire::kSyn | wire::kAck).seq(70).ack(2));
  peer.expects(rst().seq(2));
  peer.nothing();
  EXPECT_EQ(peer.state(), State::syn_sent);
}

TEST_F(SegmentArrives, RFC9293_SA_S1_a_reset_with_a_bad_ack_is_dropped) {
  peer.reaches(State::syn_sent);
  EXPECT_EQ(peer.sends(rst_ack().seq(0).ack(2)), DropReason::tcp_bad_ack);
  peer.nothing();
  EXPECT_EQ(peer.state(), State::syn_sent);
}

TEST_F(SegmentArrives, RFC9293_SA_S3_SA_S2_a_reset_with_a_good_ack_refuses) {
  peer.reaches(State::syn_sent);
  peer.sends(rst_ack().seq(0).ack(1));
  EXPECT_EQ(peer.state(), State::closed);
  EXPECT_EQ(peer.connection().close_reason(), CloseReason::refused);
  EXPECT_TRUE(app.hears(kClosed));
  EXPECT_TRUE(peer.connection().is_finished());
}

TEST_F(SegmentArrives, RFC9293_SA_S4_a_reset_without_ack_is_dropped) {
  peer.reaches(State::syn_sent);
  EXPECT_EQ(peer.sends(rst().seq(0)), DropReason::tcp_blind_reset);
  EXPECT_EQ(peer.state(), State::syn_sent);
}

TEST_F(SegmentArrives, RFC5961_R5961_6_a_reset_must_cover_our_syn) {
  peer.reaches(State::syn_sent);
  peer.sends(rst_ack().seq(0).ack(0));
  EXPECT_EQ(peer.state(), State::syn_sent);
}

TEST_F(SegmentArrives, RFC9293_SA_S5_a_syn_ack_establishes) {
  peer.called();
  peer.expects(syn());
  peer.answers();
  EXPECT_EQ(peer.state(), State::established);
  EXPECT_TRUE(app.hears(kOpened));
  peer.expects(ack(1).seq(1).len(0));
  peer.nothing();
}

TEST_F(SegmentArrives, RFC9293_SA_S5_data_rides_on_the_third_segment) {
  peer.reaches(State::syn_sent);
  app.sends("hello");
  peer.nothing();
  peer.answers();
  peer.expects(psh_ack().seq(1).ack(1).len(5));
  peer.nothing();
}

TEST_F(SegmentArrives, RFC9293_SA_S5_text_and_fin_of_the_syn_ack_are_taken) {
  peer.reaches(State::syn_sent);
  peer.sends(syn_ack().ack(1).len(10).flag(wire::kFin));
  peer.expects(ack(12));
  peer.nothing();
  EXPECT_EQ(peer.state(), State::close_wait);
  app.reads(10);
}

TEST_F(SegmentArrives, RFC9293_SA_S5_a_syn_ack_ends_a_syn_that_was_to_be_sent_again) {
  peer.reaches(State::syn_sent);
  peer.at(1_s);  // the timer has fired, the SYN is not out yet
  peer.answers();
  peer.expects(ack(1).seq(1));
  peer.nothing();
}

TEST_F(SegmentArrives, RFC9293_SA_S6_MUST_10_simultaneous_open) {
  peer.reaches(State::syn_sent);
  peer.sends(syn().win(5000));
  EXPECT_EQ(peer.state(), State::syn_received);
  peer.expects(syn_ack().seq(0).ack(1));
  peer.sends(syn_ack().ack(1));  // the peer's own SYN-ACK crosses ours
  peer.drains();
  peer.sends(ack(1));
  EXPECT_EQ(peer.state(), State::established);
  EXPECT_FALSE(peer.connection().was_passive());
}

TEST_F(SegmentArrives, RFC9293_SA_S6_the_crossing_syn_ack_is_acknowledged) {
  peer.reaches(State::syn_sent);
  peer.sends(syn());
  peer.expects(syn_ack());
  peer.sends(syn_ack().ack(1));
  peer.expects(ack(1).seq(1));
  peer.nothing();
}

TEST_F(SegmentArrives, RFC9293_SA_S7_neither_syn_nor_reset_is_dropped) {
  peer.reaches(State::syn_sent);
  EXPECT_EQ(peer.sends(ack(1).seq(1)), DropReason::tcp_no_ack);
  EXPECT_EQ(peer.sends(no_flags().seq(1).len(5)), DropReason::tcp_no_ack);
  peer.nothing();
}

TEST_F(SegmentArrives, RFC9293_SA_25_a_fin_in_syn_sent_is_dropped) {
  peer.reaches(State::syn_sent);
  peer.sends(fin_ack().seq(1).ack(1));
  peer.nothing();
  EXPECT_EQ(peer.state(), State::syn_sent);
}

// --- first step: sequence ---------------------------------------------------------------------

TEST_F(SegmentArrives, RFC9293_SA_1_an_empty_segment_inside_the_window_is_acceptable) {
  peer.connects();
  app.sends(10);
  peer.expects(psh_ack());
  EXPECT_EQ(peer.sends(ack(11).seq(65'535)), DropReason::none);
  EXPECT_EQ(peer.connection().snd_una(), peer.our_iss + 11u);
}

TEST_F(SegmentArrives, RFC9293_SA_1_SA_3_an_empty_segment_at_the_right_edge_is_not) {
  peer.settings.receive_buffer_bytes = 60'000;
  peer.connects();
  EXPECT_EQ(peer.sends(ack(1).seq(60'001)), DropReason::tcp_out_of_window);
  peer.expects(ack(1).seq(1));
  peer.nothing();
}

// SEG.SEQ of a peer that has filled our window. Two such peers, each of whom has lost the other's
// ACK, must not turn each other away for ever.
TEST_F(SegmentArrives, RFC9293_SA_1_an_empty_segment_at_the_right_edge_may_acknowledge) {
  peer.settings.receive_buffer_bytes = 60'000;
  peer.connects();
  app.sends(10);
  peer.expects(psh_ack());
  EXPECT_EQ(peer.sends(ack(11).seq(60'001)), DropReason::none);
  EXPECT_EQ(peer.connection().snd_una(), peer.our_iss + 11u);
  EXPECT_EQ(peer.sends(ack(11).seq(60'002)), DropReason::tcp_out_of_window);
}

TEST_F(SegmentArrives, RFC9293_SA_1_text_that_ends_inside_the_window_is_acceptable) {
  peer.connects();
  peer.sends(data(10));
  peer.expects(ack(11));
  EXPECT_EQ(peer.sends(data(10).seq(6)), DropReason::none);  // the last octets are new
  peer.expects(ack(16));
  app.reads(15);
}

TEST_F(SegmentArrives, RFC9293_SA_1_text_larger_than_the_window_on_both_sides_is_acceptable) {
  peer.settings.receive_buffer_bytes = 4096;
  peer.connects();
  peer.sends(data(100));
  peer.expects(ack(101));
  EXPECT_EQ(peer.sends(data(5000).seq(1)), DropReason::none);
  peer.drains();
  EXPECT_EQ(peer.connection().readable(), 4096u);
}

TEST_F(SegmentArrives, RFC9293_SA_3_R9293_8_old_text_is_answered_with_an_empty_ack) {
  peer.connects();
  peer.sends(data(10));
  peer.expects(ack(11));
  EXPECT_EQ(peer.sends(data(10).seq(1)), DropReason::tcp_out_of_window);
  peer.expects(ack(11).seq(1).len(0));
  peer.nothing();
}

TEST_F(SegmentArrives, RFC9293_SA_3_a_reset_outside_the_window_gets_no_answer) {
  peer.connects();
  EXPECT_EQ(peer.sends(rst().seq(0)), DropReason::tcp_blind_reset);
  EXPECT_EQ(peer.sends(rst().seq(2'000'000)), DropReason::tcp_blind_reset);
  peer.nothing();
  EXPECT_EQ(peer.state(), State::established);
}

TEST_P(EachState, RFC9293_SA_3_an_unacceptable_segment_is_answered) {
  peer.reaches(GetParam());
  peer.sends(ack().seq(2'000'000));
  peer.expects(ack());
  peer.nothing();
  EXPECT_EQ(peer.state(), GetParam());
}

TEST_F(SegmentArrives, RFC9293_SA_2_MUST_66_a_closed_window_takes_ack_and_reset) {
  peer.settings.receive_buffer_bytes = 4096;
  peer.connects();
  app.sends(10);
  peer.expects(psh_ack());
  peer.sends(data(4096));
  peer.expects(ack(4097).win(0));
  peer.sends(ack(11));
  EXPECT_EQ(peer.connection().snd_una(), peer.our_iss + 11u);
  peer.sends(rst());
  EXPECT_EQ(peer.connection().close_reason(), CloseReason::reset);
}

TEST_F(SegmentArrives, RFC9293_SA_2_a_closed_window_takes_the_ack_behind_a_probe) {
  peer.settings.receive_buffer_bytes = 4096;
  peer.connects();
  app.sends(10);
  peer.expects(psh_ack());
  peer.sends(data(4096));
  peer.expects(ack(4097).win(0));
  peer.sends(data(1));  // the peer's SND.NXT has moved on, our RCV.NXT has not
  peer.expects(ack(4097).win(0));
  peer.sends(ack(11));
  EXPECT_EQ(peer.connection().snd_una(), peer.our_iss + 11u);
  peer.nothing();
}

TEST_F(SegmentArrives, RFC9293_SA_5_what_lies_beyond_the_window_is_cut_off) {
  peer.settings.receive_buffer_bytes = 4096;
  peer.connects();
  peer.sends(data(5000).flag(wire::kFin));
  peer.expects(ack(4097).win(0));
  EXPECT_EQ(peer.state(), State::established);
  app.reads(4096);
}

TEST_F(SegmentArrives, RFC9293_SA_5_SHLD_31_what_starts_beyond_a_gap_is_held) {
  peer.connects();
  peer.sends(data(10).seq(11));
  peer.expects(ack(1));
  peer.sends(data(10).seq(1));
  peer.expects(ack(21));
  peer.nothing();
  app.reads(20);
}

// --- second step: RST -------------------------------------------------------------------------

// RFC 5961 R5961-1.
TEST_P(EachState, RFC9293_SA_6_a_reset_inside_the_window_is_challenged) {
  peer.reaches(GetParam());
  EXPECT_EQ(peer.sends(rst().seq(peer.nxt() + 1)), DropReason::tcp_blind_reset);
  peer.expects(
      ack(peer.nxt())
          .seq(GetParam() == State::established || GetParam() == State::close_wait ? 1 : 2));
  peer.nothing();
  EXPECT_EQ(peer.state(), GetParam());
}

TEST_F(SegmentArrives, RFC5961_R5961_1_text_does_not_bring_a_reset_to_the_edge) {
  peer.connects();
  peer.sends(data(100));
  peer.expects(ack(101));
  EXPECT_EQ(peer.sends(rst().seq(50).len(100)), DropReason::tcp_blind_reset);
  peer.nothing();
  EXPECT_EQ(peer.state(), State::established);
}

TEST_F(SegmentArrives, RFC9293_SHLD_2_a_reset_may_carry_text) {
  peer.connects();
  peer.sends(rst().len(20));
  EXPECT_EQ(peer.connection().close_reason(), CloseReason::reset);
}

TEST_P(EachState, RFC9293_SA_8_SA_9_a_reset_at_the_edge_closes) {
  peer.reaches(GetParam());
  peer.connection().take_events();
  peer.sends(rst());
  EXPECT_EQ(peer.state(), State::closed);
  EXPECT_TRUE(app.hears(kClosed));
  const bool over = GetParam() == State::closing || GetParam() == State::last_ack;
  EXPECT_EQ(peer.connection().close_reason(), over ? CloseReason::normal : CloseReason::reset);
  peer.nothing();
}

TEST_F(SegmentArrives, RFC9293_SA_9_MUST_12_a_reset_that_loses_data_is_no_normal_end) {
  peer.reaches(State::close_wait);
  app.sends(100);
  app.closes();
  peer.expects(fin_psh_ack());
  EXPECT_EQ(peer.state(), State::last_ack);
  peer.sends(rst());
  EXPECT_EQ(peer.connection().close_reason(), CloseReason::reset);
}

TEST_F(SegmentArrives, RFC9293_SA_7_a_reset_in_syn_received_passive) {
  peer.reaches(State::syn_received);
  peer.sends(rst().seq(1));
  EXPECT_EQ(peer.state(), State::closed);
  EXPECT_TRUE(peer.connection().was_passive());
  peer.nothing();
}

TEST_F(SegmentArrives, RFC9293_SA_7_MUST_11_a_reset_in_syn_received_active_refuses) {
  peer.reaches(State::syn_sent);
  peer.sends(syn());
  peer.expects(syn_ack());
  peer.sends(rst().seq(1));
  EXPECT_EQ(peer.connection().close_reason(), CloseReason::refused);
}

TEST_F(SegmentArrives, RFC9293_SA_6_a_reset_in_time_wait_state_closes) {
  peer.reaches(State::time_wait);
  peer.sends(rst());
  EXPECT_EQ(peer.state(), State::closed);
  peer.nothing();
}

// --- fourth step: SYN -------------------------------------------------------------------------

TEST_F(SegmentArrives, RFC9293_SA_10_a_syn_in_syn_received_passive_returns_to_listen) {
  peer.reaches(State::syn_received);
  peer.sends(syn().seq(5));
  EXPECT_EQ(peer.state(), State::closed);
  peer.nothing();
}

TEST_F(SegmentArrives, RFC9293_SA_10_a_syn_in_syn_received_active_is_challenged) {
  peer.reaches(State::syn_sent);
  peer.sends(syn());
  peer.expects(syn_ack());
  peer.sends(syn().seq(5));
  peer.expects(ack(1).seq(1));
  peer.nothing();
  EXPECT_EQ(peer.state(), State::syn_received);
}

TEST_F(SegmentArrives, RFC9293_SA_10_the_same_syn_again_brings_the_syn_ack_again) {
  peer.reaches(State::syn_received);
  peer.sends(syn());
  peer.expects(syn_ack().seq(0).ack(1));
  peer.nothing();
}

// RFC 5961 R5961-2.
TEST_P(EachState, RFC9293_SA_11_a_syn_is_challenged_wherever_it_lies) {
  peer.reaches(GetParam());
  EXPECT_EQ(peer.sends(syn().seq(peer.nxt() + 5)), DropReason::tcp_blind_syn);
  peer.expects(ack(peer.nxt()));
  peer.sends(syn().seq(0));
  peer.expects(ack(peer.nxt()));
  peer.sends(syn().seq(peer.nxt()));
  peer.expects(ack(peer.nxt()));
  peer.nothing();
  EXPECT_EQ(peer.state(), GetParam());
}

TEST_F(SegmentArrives, RFC5961_R5961_2_a_syn_without_timestamps_is_challenged_too) {
  peer.says.timestamps = true;
  peer.connects();
  peer.sends(syn().seq(5).no_ts());
  peer.expects(ack(1));
  peer.nothing();
}

TEST_F(SegmentArrives, RFC5961_R5961_4_challenges_are_limited_in_time) {
  peer.connects();
  for (int i = 0; i < 30; ++i) {
    peer.sends(syn().seq(5));
    if (i < 10) peer.expects(ack(1));
    peer.nothing();
  }
  peer.after(5_s);
  peer.sends(syn().seq(5));
  peer.expects(ack(1));
}

TEST_F(SegmentArrives, RFC5961_R5961_5_each_connection_has_its_own_limit) {
  Peer other;
  peer.connects();
  other.connects();
  for (int i = 0; i < 30; ++i) peer.sends(syn().seq(5));
  other.sends(syn().seq(5));
  other.expects(ack(1));
}

// --- fifth step: ACK --------------------------------------------------------------------------

TEST_P(EachState, RFC9293_SA_12_no_ack_bit_no_hearing) {
  peer.reaches(GetParam());
  EXPECT_EQ(peer.sends(no_flags().len(5).seq(peer.nxt())), DropReason::tcp_no_ack);
  peer.nothing();
  EXPECT_EQ(peer.connection().readable(), 0u);
}

// RFC 5961 R5961-3.
TEST_P(EachState, RFC9293_SA_13_MAY_12_an_ack_out_of_range_is_challenged) {
  peer.reaches(GetParam());
  EXPECT_EQ(peer.sends(data(5).ack(1000).seq(peer.nxt())), DropReason::tcp_bad_ack);
  peer.expects(ack(peer.nxt()));
  EXPECT_EQ(peer.sends(data(5).ack(0u - 70'000u).seq(peer.nxt())), DropReason::tcp_bad_ack);
  peer.expects(ack(peer.nxt()));
  peer.nothing();
  EXPECT_EQ(peer.connection().readable(), 0u);
  EXPECT_EQ(peer.state(), GetParam());
}

TEST_F(SegmentArrives, RFC5961_R5961_3_an_old_ack_within_the_largest_window_is_taken) {
  peer.connects();
  app.sends(100);
  peer.expects(psh_ack());
  peer.sends(ack(101));
  EXPECT_EQ(peer.sends(data(5).ack(1)), DropReason::none);
  EXPECT_EQ(peer.connection().readable(), 5u);
}

TEST_F(SegmentArrives, RFC9293_SA_14_an_ack_establishes) {
  peer.reaches(State::syn_received);
  peer.sends(ack(1).seq(1).win(5000));
  EXPECT_EQ(peer.state(), State::established);
  EXPECT_EQ(peer.connection().snd_wnd(), 5000u);
  EXPECT_TRUE(app.hears(kOpened));
}

TEST_F(SegmentArrives, RFC9293_SA_14_R9293_7_a_wrong_ack_is_reset) {
  peer.reaches(State::syn_received);
  EXPECT_EQ(peer.sends(ack(2).seq(1)), DropReason::tcp_bad_ack);
  peer.expects(rst().seq(2));
  peer.sends(ack(0).seq(1));
  peer.expects(rst().seq(0));
  EXPECT_EQ(peer.state(), State::syn_received);
}

TEST_F(SegmentArrives, RFC9293_SA_14_text_that_comes_with_the_ack_is_taken) {
  peer.reaches(State::syn_received);
  peer.sends(data(7).ack(1).seq(1));
  peer.expects(ack(8));
  app.reads(7);
}

TEST_F(SegmentArrives, RFC9293_SA_15_R9293_5_an_ack_takes_what_it_covers) {
  peer.connects();
  app.sends(100);
  peer.expects(psh_ack());
  peer.sends(ack(51));
  EXPECT_EQ(peer.connection().snd_una(), peer.our_iss + 51u);
  peer.sends(ack(31));  // old: ignored
  EXPECT_EQ(peer.connection().snd_una(), peer.our_iss + 51u);
  peer.sends(ack(102));  // of what was never sent
  EXPECT_EQ(peer.connection().snd_una(), peer.our_iss + 51u);
  peer.expects(ack(1).seq(101));
  peer.nothing();
}

TEST_F(SegmentArrives, RFC9293_SA_16_the_window_follows_the_newest_segment) {
  peer.connects();
  peer.sends(ack(1).win(4000));
  EXPECT_EQ(peer.connection().snd_wnd(), 4000u);
  peer.sends(data(10).win(3000));
  EXPECT_EQ(peer.connection().snd_wnd(), 3000u);
  peer.sends(ack(1).seq(2).win(9000));  // SEG.SEQ below WL1 cannot even be acceptable
  EXPECT_EQ(peer.connection().snd_wnd(), 3000u);
  peer.sends(data(10).seq(21).win(2000));
  EXPECT_EQ(peer.connection().snd_wnd(), 2000u);
  peer.sends(data(10).seq(11).win(8000));  // overtaken: WL1 is 21
  EXPECT_EQ(peer.connection().snd_wnd(), 2000u);
}

TEST_F(SegmentArrives, RFC9293_SA_16_an_older_ack_does_not_move_the_window) {
  peer.connects();
  app.sends(100);
  peer.expects(psh_ack());
  peer.sends(ack(101).win(5000));
  peer.sends(ack(51).win(100));
  EXPECT_EQ(peer.connection().snd_wnd(), 5000u);
}

TEST_F(SegmentArrives, RFC9293_MUST_1_the_window_is_unsigned) {
  peer.connects();
  peer.sends(ack(1).win(0xffff));
  EXPECT_EQ(peer.connection().snd_wnd(), 65'535u);
}

TEST_F(SegmentArrives, RFC9293_SA_17_the_ack_of_our_fin_in_fin_wait_1) {
  peer.reaches(State::fin_wait_1);
  peer.sends(ack(1));
  EXPECT_EQ(peer.state(), State::fin_wait_1);
  peer.sends(ack(2));
  EXPECT_EQ(peer.state(), State::fin_wait_2);
  peer.nothing();
}

TEST_F(SegmentArrives, RFC9293_SA_18_fin_wait_2_goes_on_receiving) {
  peer.reaches(State::fin_wait_2);
  peer.sends(data(10));
  peer.expects(ack(11).seq(2));
  peer.sends(ack(2));
  EXPECT_EQ(peer.state(), State::fin_wait_2);
  app.reads(10);
}

TEST_F(SegmentArrives, RFC9293_SA_19_close_wait_goes_on_sending) {
  peer.reaches(State::close_wait);
  app.sends(10);
  peer.expects(psh_ack().seq(1).ack(2));
  peer.sends(ack(11));
  EXPECT_EQ(peer.connection().snd_una(), peer.our_iss + 11u);
  EXPECT_EQ(peer.state(), State::close_wait);
}

TEST_F(SegmentArrives, RFC9293_SA_20_the_ack_of_our_fin_in_closing) {
  peer.reaches(State::closing);
  peer.sends(ack(1));
  EXPECT_EQ(peer.state(), State::closing);
  peer.sends(ack(2));
  EXPECT_EQ(peer.state(), State::time_wait);
  EXPECT_FALSE(peer.connection().take_time_wait().owes_ack);
}

TEST_F(SegmentArrives, RFC9293_SA_21_the_ack_of_our_fin_in_last_ack) {
  peer.reaches(State::last_ack);
  peer.sends(ack(1));
  EXPECT_EQ(peer.state(), State::last_ack);
  peer.sends(ack(2));
  EXPECT_EQ(peer.state(), State::closed);
  EXPECT_EQ(peer.connection().close_reason(), CloseReason::normal);
  peer.nothing();
}

// --- seventh step: text -----------------------------------------------------------------------

class TextInState : public EachState {};
INSTANTIATE_TEST_SUITE_P(Receiving, TextInState,
                         ::testing::Values(State::established, State::fin_wait_1,
                                           State::fin_wait_2),
                         name_of);
TEST_P(TextInState, RFC9293_SA_24_is_delivered) {
  peer.reaches(GetParam());
  peer.sends(data(10));
  peer.expects(ack(11).win(65'525));  // the right edge stays
  app.reads(10);
  EXPECT_EQ(peer.state(), GetParam());
}

class TextIgnored : public EachState {};
INSTANTIATE_TEST_SUITE_P(Closed, TextIgnored,
                         ::testing::Values(State::close_wait, State::closing, State::last_ack),
                         name_of);
TEST_P(TextIgnored, RFC9293_SA_24_behind_the_fin) {
  peer.reaches(GetParam());
  peer.sends(data(10));
  peer.nothing();
  EXPECT_EQ(peer.connection().readable(), 0u);
  EXPECT_EQ(peer.connection().rcv_nxt(), peer.peer_iss + 2u);
}

TEST_F(SegmentArrives, RFC9293_SA_24_SHLD_14_the_right_edge_stays) {
  peer.settings.receive_buffer_bytes = 60'000;
  peer.connects();
  for (int i = 0; i < 20; ++i) peer.sends(data(1000));
  peer.drains();
  EXPECT_EQ(peer.last().window, 40'000);
}

// --- eighth step: FIN -------------------------------------------------------------------------

TEST_F(SegmentArrives, RFC9293_SA_26_SA_27_a_fin_in_established) {
  peer.connects();
  peer.connection().take_events();
  peer.sends(fin_ack());
  peer.expects(ack(2));
  peer.nothing();
  EXPECT_EQ(peer.state(), State::close_wait);
  EXPECT_TRUE(app.hears(kPeerClosed));
  EXPECT_TRUE(peer.connection().at_end());
}

TEST_F(SegmentArrives, RFC9293_SA_27_a_fin_in_syn_received) {
  peer.reaches(State::syn_received);
  peer.sends(fin_ack().seq(1).ack(1));
  peer.expects(ack(2));
  EXPECT_EQ(peer.state(), State::close_wait);
  EXPECT_TRUE(app.hears(kOpened | kPeerClosed));
}

TEST_F(SegmentArrives, RFC9293_SA_28_a_fin_in_fin_wait_1) {
  peer.reaches(State::fin_wait_1);
  peer.sends(fin_ack().ack(1));
  peer.expects(ack(2).seq(2));
  EXPECT_EQ(peer.state(), State::closing);
}

TEST_F(SegmentArrives, RFC9293_SA_28_a_fin_that_acknowledges_ours) {
  peer.reaches(State::fin_wait_1);
  peer.sends(fin_ack().ack(2));
  EXPECT_EQ(peer.state(), State::time_wait);
  EXPECT_TRUE(peer.connection().take_time_wait().owes_ack);
  EXPECT_EQ(peer.connection().close_reason(), CloseReason::normal);
}

TEST_F(SegmentArrives, RFC9293_SA_29_a_fin_in_fin_wait_2) {
  peer.reaches(State::fin_wait_2);
  peer.sends(fin_ack());
  EXPECT_EQ(peer.state(), State::time_wait);
  EXPECT_TRUE(peer.connection().take_time_wait().owes_ack);
}

class FinAgain : public EachState {};
INSTANTIATE_TEST_SUITE_P(Closed, FinAgain,
                         ::testing::Values(State::close_wait, State::closing, State::last_ack),
                         name_of);
TEST_P(FinAgain, RFC9293_SA_30_is_acknowledged_again) {
  peer.reaches(GetParam());
  peer.sends(fin_ack().seq(1));
  peer.expects(ack(2));
  peer.nothing();
  EXPECT_EQ(peer.state(), GetParam());
}

TEST_F(SegmentArrives, RFC9293_SA_26_a_fin_beyond_a_gap_waits) {
  peer.connects();
  peer.sends(fin_ack().seq(11));
  peer.expects(ack(1));
  EXPECT_EQ(peer.state(), State::established);
  peer.sends(data(10).seq(1));
  peer.expects(ack(12));
  peer.nothing();
  EXPECT_EQ(peer.state(), State::close_wait);
  app.reads(10);
}

TEST_F(SegmentArrives, RFC9293_SA_26_text_and_fin_beyond_a_gap_owe_one_ack) {
  peer.connects();
  peer.sends(data(5).seq(11).flag(wire::kFin));
  peer.expects(ack(1));
  peer.nothing();
  peer.sends(data(10).seq(1));
  peer.expects(ack(17));
  peer.nothing();
}

TEST_F(SegmentArrives, RFC9293_SA_26_a_forged_fin_beyond_a_gap_does_not_hide_the_real_one) {
  peer.connects();
  peer.sends(fin_ack().seq(500));
  peer.expects(ack(1));
  peer.sends(data(600).seq(1));
  peer.expects(ack(601));
  peer.sends(fin_ack().seq(601));
  peer.expects(ack(602));
  EXPECT_EQ(peer.state(), State::close_wait);
}

TEST_F(SegmentArrives, RFC9293_SA_26_a_fin_with_text_owes_one_ack) {
  peer.connects();
  peer.sends(data(10).flag(wire::kFin | wire::kPsh));
  peer.expects(ack(12));
  peer.nothing();
  app.reads(10);
  EXPECT_TRUE(peer.connection().at_end());
}

TEST_F(SegmentArrives, RFC9293_SA_5_a_fin_beyond_a_full_window_comes_again) {
  peer.settings.receive_buffer_bytes = 4096;
  peer.connects();
  peer.sends(data(4096).flag(wire::kFin));
  peer.expects(ack(4097).win(0));
  EXPECT_EQ(peer.state(), State::established);
  app.reads(4096);
  peer.expects(ack(4097).win(4096));
  peer.sends(fin_ack().seq(4097));
  peer.expects(ack(4098));
  EXPECT_EQ(peer.state(), State::close_wait);
}

TEST_F(SegmentArrives, a_closed_connection_knows_nobody) {
  peer.connects();
  peer.sends(rst());
  EXPECT_EQ(peer.sends(ack(1)), DropReason::no_listener);
  peer.nothing();
}

}  // namespace
}  // namespace sluice::tcp
