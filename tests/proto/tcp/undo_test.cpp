// What turns out to have been no loss: RFC 3522 and 4015 (Eifel), RFC 3708 (D-SACK), RFC 5682
// (F-RTO).
#include "tests/support/peer.hpp"

namespace sluice::tcp {
namespace {

using namespace test;

class Undo : public Conversation {
 protected:
  Undo() {
    peer.settings.max_payload_bytes = 0;
    peer.settings.congestion = Algorithm::newreno;
  }
  // A round trip of 20 ms, and ten segments on their way.
  void sends_ten(std::uint32_t bytes = 10'000) {
    peer.opens();
    peer.expects(syn_ack());
    peer.after(20_ms);
    peer.sends(ack(1));
    app.sends(bytes);
    EXPECT_EQ(peer.drains(), 10u);
  }
  const CongestionControl& cc() { return peer.connection().congestion(); }
  const ConnectionCounters& counters() { return peer.connection().counters(); }
};

TEST_F(Undo, RFC3522_an_echo_older_than_the_copy_undoes_a_fast_retransmit) {
  peer.says.timestamps = peer.says.sack = true;
  sends_ten(10 * 988);
  peer.after(20_ms);
  const std::uint32_t original = peer.our_ts(20_ms);
  peer.sends(ack(1).sack({{989, 1 + 4 * 988}}));
  peer.expects(ack(1).seq(1));
  EXPECT_LT(cc().window(), 9880u);
  peer.after(5_ms);
  peer.sends(ack(1 + 4 * 988).ecr(original));
  EXPECT_GE(cc().window(), 9880u);
  EXPECT_EQ(counters().undone, 1u);
}

TEST_F(Undo, RFC3522_an_echo_of_the_copy_does_not) {
  peer.says.timestamps = peer.says.sack = true;
  sends_ten(10 * 988);
  peer.after(20_ms);
  peer.sends(ack(1).sack({{989, 1 + 4 * 988}}));
  peer.expects(ack(1).seq(1));
  const std::uint32_t copy = peer.our_ts(40_ms);
  peer.after(20_ms);
  peer.sends(ack(1 + 4 * 988).ecr(copy));
  EXPECT_LT(cc().ssthresh(), 9880u);
  EXPECT_EQ(counters().undone, 0u);
}

// A clock of milliseconds says nothing about round trips of microseconds.
TEST_F(Undo, RFC3522_an_echo_of_the_same_millisecond_proves_nothing) {
  peer.says.timestamps = peer.says.sack = true;
  peer.connects();
  app.sends(10 * 988);
  EXPECT_EQ(peer.drains(), 10u);
  const std::uint32_t tick = peer.our_ts(0_ms);
  peer.after(30_us);
  peer.sends(ack(1).sack({{989, 1 + 4 * 988}}));
  peer.expects(ack(1).seq(1));
  peer.after(30_us);
  peer.sends(ack(1 + 4 * 988).ecr(tick));
  EXPECT_EQ(counters().undone, 0u);
  EXPECT_LT(cc().ssthresh(), 9880u);
}

TEST_F(Undo, RFC3522_RFC4015_a_timeout_and_its_back_off_are_undone) {
  peer.says.timestamps = true;
  sends_ten(10 * 988);
  const std::uint32_t original = peer.our_ts(20_ms);
  peer.ignores_for(1500_ms);
  EXPECT_EQ(counters().timeouts, 1u);
  EXPECT_EQ(cc().window(), 988u);
  peer.sends(ack(989).ecr(original));
  EXPECT_GE(cc().window(), 9880u);
  EXPECT_EQ(peer.connection().rtt().backoff(), 0u);
  peer.nothing();  // the rest is on its way, too
  EXPECT_EQ(counters().undone, 1u);
}

TEST_F(Undo, RFC3708_when_every_copy_came_twice) {
  peer.says.sack = true;
  sends_ten();
  peer.after(20_ms);
  peer.sends(ack(1).sack({{2001, 6001}}));
  peer.expects(ack(1).seq(1));
  peer.sends(ack(1).sack({{2001, 8001}}));
  peer.expects(ack(1).seq(1001));
  EXPECT_EQ(cc().window(), 5000u);
  peer.sends(ack(10'001));
  peer.sends(ack(10'001).sack({{1, 1001}}));
  EXPECT_EQ(counters().undone, 0u);
  peer.sends(ack(10'001).sack({{1001, 2001}}));
  EXPECT_EQ(counters().undone, 1u);
  EXPECT_GE(cc().window(), 10'000u);
}

TEST_F(Undo, RFC2883_R2883_1_reports_of_what_was_sent_once_change_nothing) {
  peer.says.sack = true;
  sends_ten();
  peer.after(20_ms);
  peer.sends(ack(5001));
  for (int i = 0; i < 5; ++i) peer.sends(ack(5001).sack({{1001, 2001}}));
  EXPECT_EQ(counters().undone, 0u);
  EXPECT_EQ(counters().fast_retransmits, 0u);
}

// --- what is no proof ---------------------------------------------------------------------------

TEST_F(Undo, RFC3708_what_the_network_doubled_is_no_proof) {
  peer.says.sack = true;
  sends_ten();
  peer.after(20_ms);
  peer.sends(ack(1).sack({{2001, 6001}}));
  peer.expects(ack(1).seq(1).len(1000));
  peer.sends(ack(1).sack({{2001, 8001}}));
  peer.expects(ack(1).seq(1001).len(1000));
  peer.sends(ack(10'001));
  for (const std::uint32_t at : {3001u, 4001u, 5001u}) {  // sent once
    peer.sends(ack(10'001).sack({{at, at + 1000}}));
  }
  EXPECT_EQ(counters().undone, 0u);
}

TEST_F(Undo, RFC3708_one_report_counts_once) {
  peer.says.sack = true;
  sends_ten();
  peer.after(20_ms);
  peer.sends(ack(1).sack({{2001, 6001}}));
  peer.expects(ack(1).seq(1).len(1000));
  peer.sends(ack(1).sack({{2001, 8001}}));
  peer.expects(ack(1).seq(1001).len(1000));
  peer.sends(ack(10'001));
  for (int i = 0; i < 3; ++i) peer.sends(ack(10'001).sack({{1, 1001}}));  // its ACK came thrice
  EXPECT_EQ(counters().undone, 0u);
}

class UndoWithEcn : public Undo {
 protected:
  void sends_ten_marked(std::uint32_t bytes) {
    peer.asks_for_ecn = true;
    peer.opens();
    peer.expects(syn_ack().flag(wire::kEce));
    peer.after(20_ms);
    peer.sends(ack(1));
    app.sends(bytes);
    EXPECT_EQ(peer.drains(), 10u);
  }
};

TEST_F(UndoWithEcn, RFC4015_a_timeout_that_a_mark_confirms_keeps_the_window_small) {
  peer.says.timestamps = true;
  sends_ten_marked(9880);
  const std::uint32_t original = peer.our_ts(20_ms);
  peer.ignores_for(1500_ms);
  EXPECT_EQ(counters().timeouts, 1u);
  peer.sends(ack(989).ecr(original).flag(wire::kEce));
  EXPECT_LT(cc().window(), 9880u);
  peer.nothing();  // and yet nothing is sent again
}

TEST_F(UndoWithEcn, RFC4015_no_report_of_duplicates_undoes_the_answer_to_a_mark) {
  peer.says.sack = true;
  sends_ten_marked(10'000);
  peer.after(20_ms);
  peer.sends(ack(1001).flag(wire::kEce));
  const std::uint32_t reduced = cc().ssthresh();
  EXPECT_LT(reduced, 10'000u);
  peer.sends(ack(1001).sack({{2001, 5001}}));
  EXPECT_GE(peer.drains(), 1u);
  peer.sends(ack(10'001));
  peer.sends(ack(10'001).sack({{1001, 2001}}));
  EXPECT_EQ(cc().ssthresh(), reduced);
}

// --- F-RTO --------------------------------------------------------------------------------------

TEST_F(Undo, RFC5682_new_data_first_and_an_ack_of_originals_undoes_the_timeout) {
  sends_ten(50'000);
  peer.at(1020_ms);
  peer.expects(ack(1).seq(1).len(1000));
  EXPECT_EQ(cc().window(), 1000u);
  peer.sends(ack(1001));
  peer.expects(ack(1).seq(10'001).len(1000));
  peer.expects(ack(1).seq(11'001).len(1000));
  peer.nothing();
  peer.sends(ack(2001));
  EXPECT_EQ(counters().undone, 1u);
  EXPECT_GE(cc().window(), 10'000u);
  EXPECT_EQ(counters().retransmitted, 1u);
}

TEST_F(Undo, RFC5682_a_duplicate_says_that_the_loss_was_one) {
  sends_ten(50'000);
  peer.at(1020_ms);
  peer.expects(ack(1).seq(1));
  peer.sends(ack(1001));
  peer.drains();
  peer.sends(ack(1001));
  peer.expects(ack(1).seq(1001).len(1000));
  EXPECT_EQ(counters().undone, 0u);
  peer.drains();
  peer.sends(ack(2001));
  EXPECT_EQ(counters().undone, 0u);
}

TEST_F(Undo, RFC5682_without_new_data_the_timeout_is_believed) {
  sends_ten();
  peer.at(1020_ms);
  peer.expects(ack(1).seq(1));
  peer.sends(ack(1001));
  peer.expects(ack(1).seq(1001).len(1000));
  EXPECT_EQ(counters().undone, 0u);
}

TEST_F(Undo, RFC5682_what_waited_beyond_a_gap_is_no_proof) {
  sends_ten(50'000);
  peer.at(1020_ms);
  peer.expects(ack(1).seq(1));
  peer.sends(ack(5001));  // the copy closed a gap
  EXPECT_EQ(counters().undone, 0u);
  EXPECT_LE(cc().window(), 5000u);
}

}  // namespace
}  // namespace sluice::tcp
