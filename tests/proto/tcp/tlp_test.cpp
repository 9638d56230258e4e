// The tail loss probe (RFC 8985 7).
#include "tests/support/peer.hpp"

namespace sluice::tcp {
namespace {

using namespace test;

class TailProbes : public Conversation {
 protected:
  TailProbes() {
    peer.says.sack = true;
    peer.settings.max_payload_bytes = 0;
    peer.settings.congestion = Algorithm::newreno;
  }
  // A round trip of 20 ms.
  void connects() {
    peer.opens();
    peer.expects(syn_ack());
    peer.after(20_ms);
    peer.sends(ack(1));
  }
  const ConnectionCounters& counters() { return peer.connection().counters(); }
};

TEST_F(TailProbes, RFC8985_R8985_14_R8985_16_after_two_round_trips_the_last_segment_again) {
  connects();
  app.sends(5000);
  peer.drains();
  peer.at(62_ms);  // 20 + 2 * 20 + 2
  peer.expects(psh_ack().seq(4001).len(1000));
  peer.nothing();
  EXPECT_EQ(counters().tail_probes, 1u);
}

TEST_F(TailProbes, RFC9293_MUST_16_the_probe_leaves_room_for_sack_blocks) {
  connects();
  app.sends(5000);
  peer.drains();
  peer.sends(data(10).seq(101));
  peer.expects(ack(1));
  peer.at(62_ms);
  peer.expects(psh_ack().seq(4013).len(988).gso(0));  // 12 for a block
}

TEST_F(TailProbes, RFC8985_R8985_16_a_new_segment_if_there_is_one) {
  connects();
  app.sends(20'000);
  EXPECT_EQ(peer.drains(), 10u);
  peer.at(62_ms);
  peer.expects(ack(1).seq(10'001).len(1000));  // beyond the congestion window
  peer.nothing();
}

TEST_F(TailProbes, RFC8985_R8985_14_a_single_segment_may_be_acknowledged_late) {
  connects();
  app.sends(1000);
  peer.drains();
  peer.at(260_ms);  // 20 + 2 * 20 + 200
  peer.expects(psh_ack().seq(1).len(1000));
}

TEST_F(TailProbes, RFC8985_R8985_14_never_later_than_the_timer) {
  peer.settings.min_rto = 50_ms;
  connects();
  app.sends(1000);
  peer.drains();
  peer.at(90_ms);  // the timeout: 20 + 20 + 50
  peer.expects(psh_ack().seq(1).len(1000));
  EXPECT_EQ(counters().timeouts, 0u);
  EXPECT_EQ(counters().tail_probes, 1u);
}

TEST_F(TailProbes, RFC8985_R8985_17_then_the_retransmission_timer) {
  connects();
  app.sends(5000);
  peer.drains();
  peer.at(62_ms);
  peer.expects(psh_ack().seq(4001));
  peer.at(1062_ms);
  peer.expects(ack(1).seq(1).len(1000));
  EXPECT_EQ(counters().timeouts, 1u);
}

TEST_F(TailProbes, RFC8985_R8985_15_no_second_probe_without_a_new_round_trip) {
  connects();
  app.sends(5000);
  peer.drains();
  peer.at(62_ms);
  peer.expects(psh_ack().seq(4001));
  peer.at(1_s);
  EXPECT_EQ(counters().tail_probes, 1u);
}

TEST_F(TailProbes, RFC8985_R8985_13_not_while_something_is_known_to_be_missing) {
  connects();
  app.sends(5000);
  peer.drains();
  peer.after(20_ms);
  peer.sends(ack(1).sack({{1001, 2001}}));
  peer.ignores_for(500_ms);
  EXPECT_EQ(counters().tail_probes, 0u);
}

TEST_F(TailProbes, RFC8985_R8985_13_not_without_sack) {
  peer.says.sack = false;
  connects();
  app.sends(5000);
  peer.drains();
  peer.at(1_s);
  EXPECT_EQ(counters().tail_probes, 0u);
}

TEST_F(TailProbes, RFC8985_R8985_16_the_probe_tells_of_a_lost_tail) {
  connects();
  app.sends(5000);
  peer.drains();
  peer.at(62_ms);
  peer.expects(psh_ack().seq(4001));
  peer.after(20_ms);
  peer.sends(ack(1001).sack({{4001, 5001}}));
  peer.ignores_for(10_ms);
  EXPECT_EQ(counters().fast_retransmits, 1u);
  EXPECT_EQ(counters().retransmitted, 3u);  // the probe, and what PRR lets go
  EXPECT_EQ(counters().timeouts, 0u);
}

TEST_F(TailProbes, RFC8985_R8985_16_the_last_segment_goes_with_its_fin) {
  connects();
  app.sends(4500);
  app.shuts_down();
  peer.drains();
  peer.at(62_ms);
  peer.expects(fin_ack().flag(wire::kPsh).seq(4001).len(500));
}

// The peer's ACK repeats an old timestamp while there is a gap.
TEST_F(TailProbes, RFC8985_R8985_4_beyond_a_gap_the_copy_counts_whatever_the_echo) {
  peer.says.timestamps = true;
  connects();
  const std::uint32_t early = peer.our_ts(20_ms);
  app.sends(5 * 988);
  peer.drains();
  peer.at(62_ms);
  peer.expects(psh_ack().seq(1 + 4 * 988));
  peer.after(20_ms);
  peer.sends(ack(1 + 2 * 988).ecr(early).sack({{1 + 4 * 988, 1 + 5 * 988}}));
  peer.expects(ack(1).seq(1 + 2 * 988));
  EXPECT_EQ(counters().fast_retransmits, 1u);
  EXPECT_EQ(counters().timeouts, 0u);
}

TEST_F(TailProbes, RFC8985_R8985_18_a_probe_that_repaired_a_loss_reduces_the_window) {
  connects();
  app.sends(5000);
  peer.drains();
  peer.after(20_ms);
  peer.sends(ack(4001));
  peer.ignores_for(250_ms);
  EXPECT_EQ(counters().tail_probes, 1u);
  const std::uint32_t before = peer.connection().congestion().window();
  peer.sends(ack(5001));  // the copy alone
  EXPECT_EQ(peer.connection().congestion().window(), before);
  app.sends(1000);
  peer.drains();
  peer.after(20_ms);
  peer.sends(ack(6001));  // beyond the probe, and nobody has said that it came twice
  EXPECT_LT(peer.connection().congestion().window(), before);
}

TEST_F(TailProbes, RFC8985_R8985_18_one_that_came_twice_does_not) {
  connects();
  app.sends(5000);
  peer.drains();
  peer.after(20_ms);
  peer.sends(ack(4001));
  peer.ignores_for(250_ms);
  const std::uint32_t before = peer.connection().congestion().window();
  peer.sends(ack(5001));
  peer.sends(ack(5001).sack({{4001, 5001}}));
  app.sends(1000);
  peer.drains();
  peer.after(20_ms);
  peer.sends(ack(6001));
  EXPECT_GE(peer.connection().congestion().window(), before);
}

TEST_F(TailProbes, RFC8985_R8985_12_a_recovery_forgets_the_probe) {
  connects();
  app.sends(5000);
  peer.drains();
  peer.at(62_ms);
  peer.expects(psh_ack().seq(4001));
  peer.after(20_ms);
  peer.sends(ack(1001).sack({{4001, 5001}}));
  peer.ignores_for(10_ms);
  peer.sends(ack(5001));
  const std::uint32_t reduced = peer.connection().congestion().window();
  app.sends(2000);
  peer.drains();
  peer.after(20_ms);
  peer.sends(ack(7001));
  EXPECT_GE(peer.connection().congestion().window(), reduced);
}

// A peer that knows no D-SACK.
TEST_F(TailProbes, RFC8985_R8985_18_nor_does_one_that_a_bare_duplicate_answers) {
  connects();
  app.sends(5000);
  peer.drains();
  peer.after(20_ms);
  peer.sends(ack(4001));
  peer.ignores_for(250_ms);
  const std::uint32_t before = peer.connection().congestion().window();
  peer.sends(ack(5001));
  peer.sends(ack(5001));
  app.sends(1000);
  peer.drains();
  peer.after(20_ms);
  peer.sends(ack(6001));
  EXPECT_GE(peer.connection().congestion().window(), before);
}

// RFC 3168 R3168-5: after any reduction.
TEST_F(TailProbes, RFC8985_R8985_18_the_reduction_is_told_with_cwr) {
  peer.asks_for_ecn = true;
  peer.opens();
  peer.expects(syn_ack().flag(wire::kEce));
  peer.after(20_ms);
  peer.sends(ack(1));
  app.sends(5000);
  peer.drains();
  peer.after(20_ms);
  peer.sends(ack(4001));
  peer.ignores_for(250_ms);
  peer.sends(ack(5001));
  app.sends(1000);
  peer.expects(psh_ack().seq(5001));
  peer.after(20_ms);
  peer.sends(ack(6001));
  app.sends(1000);
  peer.expects(psh_ack().seq(6001).flag(wire::kCwr));
}

}  // namespace
}  // namespace sluice::tcp
