// CLOSE, ABORT, half close and their crossings (RFC 9293 3.6, 3.10.4, 3.10.5).
#include "tests/support/peer.hpp"

namespace sluice::tcp {
namespace {

using namespace test;

class Closing : public Conversation {};

TEST_F(Closing, our_fin_first) {
  peer.connects();
  app.closes();
  peer.expects(fin_ack().seq(1).ack(1));
  peer.sends(ack(2));
  EXPECT_EQ(peer.state(), State::fin_wait_2);
  peer.nothing();
  peer.sends(fin_ack());
  EXPECT_EQ(peer.state(), State::time_wait);
  const TimeWait rest = peer.connection().take_time_wait();
  EXPECT_EQ(rest.snd_nxt, peer.our_iss + 2u);
  EXPECT_EQ(rest.rcv_nxt, peer.peer_iss + 2u);
  EXPECT_TRUE(peer.connection().is_finished());
}

TEST_F(Closing, the_fin_follows_what_is_queued) {
  peer.connects();
  app.sends(100);
  app.closes();
  peer.expects(fin_psh_ack().seq(1).len(100));
  peer.nothing();
  EXPECT_EQ(app.sends("more"), 0u);
}

TEST_F(Closing, half_close_goes_on_receiving) {
  peer.connects();
  app.shuts_down();
  peer.expects(fin_ack());
  peer.sends(ack(2));
  for (int i = 0; i < 5; ++i) {
    peer.sends(data(500));
    peer.expects(ack().seq(2));
    app.reads(500);
  }
  peer.nothing();
  peer.sends(fin_ack());
  EXPECT_EQ(peer.state(), State::time_wait);
}

TEST_F(Closing, RFC9293_SA_20_simultaneous_close) {
  peer.connects();
  app.closes();
  peer.expects(fin_ack().seq(1));
  peer.sends(fin_ack().ack(1));
  peer.expects(ack(2).seq(2));
  EXPECT_EQ(peer.state(), State::closing);
  peer.sends(ack(2));
  EXPECT_EQ(peer.state(), State::time_wait);
}

TEST_F(Closing, RFC9293_SHLD_3_unread_data_at_close_is_a_reset) {
  peer.connects();
  peer.sends(data(10));
  peer.expects(ack(11));
  app.closes();
  peer.expects(rst_ack().seq(1).ack(11));
  peer.nothing();
  EXPECT_EQ(peer.connection().close_reason(), CloseReason::aborted);
}

TEST_F(Closing, RFC9293_SHLD_3_data_after_close_is_a_reset) {
  peer.connects();
  app.closes();
  peer.expects(fin_ack());
  peer.sends(ack(2));
  EXPECT_EQ(peer.sends(data(5)), DropReason::tcp_after_close);
  peer.expects(rst().seq(2));  // what the segment acknowledged: the peer takes no other
  peer.nothing();
  EXPECT_TRUE(peer.connection().is_finished());
}

TEST_F(Closing, close_before_the_syn_is_answered) {
  peer.reaches(State::syn_sent);
  app.closes();
  EXPECT_EQ(peer.state(), State::closed);
  EXPECT_EQ(peer.connection().close_reason(), CloseReason::aborted);
  peer.nothing();
}

TEST_F(Closing, close_with_data_before_the_syn_is_answered) {
  peer.reaches(State::syn_sent);
  app.sends("last words");
  app.closes();
  peer.answers();
  peer.expects(fin_psh_ack().seq(1).len(10));
  EXPECT_EQ(peer.state(), State::fin_wait_1);
}

TEST_F(Closing, close_in_syn_received_waits_for_the_handshake) {
  peer.reaches(State::syn_received);
  app.closes();
  peer.nothing();
  peer.sends(ack(1).seq(1));
  peer.expects(fin_ack().seq(1));
  EXPECT_EQ(peer.state(), State::fin_wait_1);
}

TEST_F(Closing, a_fin_is_retransmitted) {
  peer.connects();
  app.closes();
  peer.expects(fin_ack().seq(1));
  peer.at(1_s);
  peer.expects(fin_ack().seq(1));
  peer.at(3_s);
  peer.expects(fin_ack().seq(1));
  peer.nothing();
}

TEST_F(Closing, data_and_fin_are_retransmitted_together) {
  peer.connects();
  app.sends(100);
  app.closes();
  peer.expects(fin_psh_ack().len(100));
  peer.at(1_s);
  peer.expects(fin_psh_ack().seq(1).len(100));
  peer.sends(ack(102));
  EXPECT_EQ(peer.state(), State::fin_wait_2);
  peer.nothing();
}

TEST_F(Closing, abort_resets) {
  peer.connects();
  app.sends(100);
  peer.expects(psh_ack());
  app.aborts();
  peer.expects(rst_ack().seq(101).ack(1).win(0));
  peer.nothing();
  EXPECT_EQ(peer.connection().close_reason(), CloseReason::aborted);
  EXPECT_EQ(peer.blocks.out(), 0u);
}

// RFC 9293 3.10.5: when both sides have said FIN there is nothing left to reset.
TEST_F(Closing, abort_after_both_fins_is_silent) {
  peer.reaches(State::last_ack);
  app.aborts();
  EXPECT_EQ(peer.state(), State::closed);
  peer.nothing();
}

TEST_F(Closing, abort_resets_when_the_fin_is_still_behind_data) {
  peer.reaches(State::close_wait);
  peer.sends(ack(1).win(10));
  app.sends(100);
  app.closes();
  peer.drains();
  app.aborts();
  peer.expects(rst_ack());
}

TEST_F(Closing, abort_before_the_syn_is_answered_is_silent) {
  peer.reaches(State::syn_sent);
  app.aborts();
  peer.nothing();
  EXPECT_TRUE(peer.connection().is_finished());
}

TEST_F(Closing, fin_wait_2_does_not_wait_for_ever_for_nobody) {
  peer.connects();
  app.closes();
  peer.expects(fin_ack());
  peer.sends(ack(2));
  peer.at(60_s);
  EXPECT_EQ(peer.state(), State::closed);
  EXPECT_EQ(peer.connection().close_reason(), CloseReason::normal);
}

TEST_F(Closing, fin_wait_2_waits_for_a_reader) {
  peer.connects();
  app.shuts_down();
  peer.expects(fin_ack());
  peer.sends(ack(2));
  peer.at(4000_s);
  EXPECT_EQ(peer.state(), State::fin_wait_2);
  app.closes();
  peer.after(60_s);
  EXPECT_EQ(peer.state(), State::closed);
}

TEST_F(Closing, what_arrived_can_be_read_after_the_end) {
  peer.reaches(State::close_wait);
  app.closes();
  peer.expects(fin_ack());
  Peer other;
  App reader(other);
  other.connects();
  other.sends(data(10).flag(wire::kFin));
  other.expects(ack(12));
  reader.shuts_down();
  other.expects(fin_ack());
  other.sends(ack(2));
  EXPECT_EQ(other.state(), State::closed);
  reader.reads(10);
}

TEST_F(Closing, RFC9293_MUST_12_the_application_learns_how_it_ended) {
  EXPECT_EQ(close_reason_name(CloseReason::none), "open");
  EXPECT_EQ(close_reason_name(CloseReason::normal), "closed");
  EXPECT_EQ(close_reason_name(CloseReason::reset), "reset by peer");
  EXPECT_EQ(close_reason_name(CloseReason::refused), "refused");
  EXPECT_EQ(close_reason_name(CloseReason::timed_out), "timed out");
  EXPECT_EQ(close_reason_name(CloseReason::aborted), "aborted");
}

}  // namespace
}  // namespace sluice::tcp
