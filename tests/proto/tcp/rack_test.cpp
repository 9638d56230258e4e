// RACK (RFC 8985 6): losses found by time.
#include "tests/support/peer.hpp"

namespace sluice::tcp {
namespace {

using namespace test;

class RackLoss : public Conversation {
 protected:
  RackLoss() {
    peer.says.sack = true;
    peer.settings.max_payload_bytes = 0;
    peer.settings.congestion = Algorithm::newreno;
  }
  // A round trip of 20 ms; then ten segments, a millisecond apart.
  void sends_ten() {
    peer.opens();
    peer.expects(syn_ack());
    peer.after(20_ms);
    peer.sends(ack(1));
    for (std::uint32_t i = 0; i < 10; ++i) {
      app.sends(1000);
      peer.drains();
      peer.after(1_ms);
    }
  }
  const ConnectionCounters& counters() { return peer.connection().counters(); }
};

TEST_F(RackLoss, RFC8985_R8985_7_without_reordering_three_segments_are_enough) {
  sends_ten();  // 30 ms
  peer.after(10_ms);
  peer.sends(ack(1).sack({{1001, 2001}}));
  peer.sends(ack(1).sack({{1001, 3001}}));
  EXPECT_EQ(counters().fast_retransmits, 0u);
  peer.sends(ack(1).sack({{1001, 4001}}));
  EXPECT_EQ(counters().fast_retransmits, 1u);
  peer.expects(psh_ack().seq(1).len(1000));
}

TEST_F(RackLoss, RFC8985_R8985_10_fewer_are_judged_after_a_quarter_of_the_round_trip) {
  sends_ten();
  peer.after(10_ms);  // at 40 ms; the first was sent at 20, the second at 21
  peer.sends(ack(1).sack({{1001, 2001}}));
  peer.drains();  // limited transmit
  EXPECT_EQ(counters().fast_retransmits, 0u);
  // 20 ms, and the 19 of the second, and 19 / 4.
  peer.at(43_ms);
  EXPECT_EQ(counters().fast_retransmits, 0u);
  peer.at(43'750_us);
  EXPECT_EQ(counters().fast_retransmits, 1u);
  peer.expects(psh_ack().seq(1).len(1000));
}

TEST_F(RackLoss, RFC8985_R8985_9_what_was_sent_later_is_not_lost) {
  sends_ten();
  peer.after(10_ms);
  peer.sends(ack(1).sack({{2001, 5001}}));
  peer.expects(psh_ack().seq(1).len(1000));
  peer.sends(ack(1).sack({{2001, 6001}}));
  peer.sends(ack(1).sack({{2001, 7001}}));
  peer.expects(psh_ack().seq(1001).len(1000));
  peer.ignores_for(1_ms);
  EXPECT_EQ(counters().retransmitted, 2u);  // nothing behind 7001
}

TEST_F(RackLoss, RFC8985_R8985_6_what_comes_late_but_unsent_again_is_reordering) {
  sends_ten();
  peer.after(10_ms);
  peer.sends(ack(1).sack({{1001, 3001}}));
  peer.drains();
  peer.sends(ack(3001));  // it had only been overtaken
  peer.drains();
  peer.sends(ack(3001).sack({{4001, 7001}}));
  peer.drains();
  EXPECT_EQ(counters().fast_retransmits, 0u);  // three, but they may overtake again
  peer.ignores_for(10_ms);
  EXPECT_EQ(counters().fast_retransmits, 1u);
}

TEST_F(RackLoss, RFC8985_R8985_2_a_retransmission_that_is_lost_is_found_by_what_was_sent_after_it) {
  sends_ten();
  app.sends(20'000);
  peer.after(10_ms);
  peer.sends(ack(1).sack({{1001, 5001}}));
  peer.expects(psh_ack().seq(1).len(1000));
  peer.ignores_for(1_ms);
  peer.sends(ack(1).sack({{1001, 10'001}}));
  peer.expects(ack(1).seq(10'001).len(1000));
  peer.drains();
  peer.ignores_for(20_ms);
  peer.sends(ack(1).sack({{1001, 11'001}}));  // sent after the retransmission
  peer.expects(psh_ack().seq(1).len(1000));
  EXPECT_EQ(counters().timeouts, 0u);
}

// R8985-4: an echo of a time before the retransmission is of the original.
TEST_F(RackLoss, RFC8985_R8985_4_the_ack_of_an_original_proves_nothing_about_its_copy) {
  peer.says.timestamps = true;
  sends_ten();
  peer.after(10_ms);
  const std::uint32_t early = peer.our_ts(35_ms);
  app.sends(10'000);
  peer.sends(ack(1).sack({{989, 1977}, {2965, 4941}}));
  peer.ignores_for(10_ms);
  const std::uint64_t before = counters().retransmitted;
  EXPECT_GT(before, 0u);
  peer.sends(ack(4941).ecr(early));
  peer.ignores_for(1_ms);
  EXPECT_EQ(counters().retransmitted, before);
}

TEST_F(RackLoss, RFC5681_R5681_20_a_loss_in_the_next_window_reduces_again) {
  sends_ten();
  app.sends(40'000);
  peer.after(10_ms);
  peer.sends(ack(1).sack({{1001, 10'001}}));
  peer.ignores_for(20_ms);
  EXPECT_EQ(counters().fast_retransmits, 1u);
  peer.sends(ack(10'001).sack({{11'001, 14'001}}));  // 10,001 is lost as well
  EXPECT_EQ(counters().fast_retransmits, 2u);
  EXPECT_EQ(peer.connection().congestion().ssthresh(), 2500u);
}

TEST_F(RackLoss, RFC8985_R8985_11_a_timeout_takes_what_is_old_for_lost) {
  sends_ten();
  peer.ignores_for(2_s);
  EXPECT_GE(counters().timeouts, 1u);
  EXPECT_LE(peer.connection().pipe(), 2000u);
  peer.sends(ack(1001));
  EXPECT_EQ(peer.drains(), 2u);
}

TEST_F(RackLoss, RFC6675_R6675_13_no_second_recovery_before_the_timeout_is_repaired) {
  sends_ten();
  peer.after(10_ms);
  peer.sends(ack(1).sack({{1001, 5001}}));
  EXPECT_EQ(counters().fast_retransmits, 1u);
  peer.ignores_for(2_s);
  EXPECT_GE(counters().timeouts, 1u);
  peer.sends(ack(1).sack({{1001, 9001}}));
  peer.ignores_for(50_ms);
  EXPECT_EQ(counters().fast_retransmits, 1u);
}

TEST_F(RackLoss, RFC6675_R6675_15_the_oldest_has_a_whole_timeout_again) {
  sends_ten();
  peer.after(10_ms);
  peer.sends(ack(1).sack({{1001, 10'001}}));
  peer.expects(psh_ack().seq(1).len(1000));
  EXPECT_EQ(peer.connection().deadline(), peer.now() + 1_s);
}

// RFC 8985 R8985-5: as long as the last that arrived had taken.
TEST_F(RackLoss, RFC8985_R8985_8_what_was_sent_again_in_vain_widens_the_window) {
  peer.opens();
  peer.expects(syn_ack());
  peer.after(20_ms);
  peer.sends(ack(1));
  app.sends(5000);
  peer.drains();
  peer.after(20_ms);
  peer.sends(ack(1).sack({{1001, 2001}}));
  peer.at(45_ms);  // a quarter of a round trip
  peer.expects(ack(1).seq(1).len(1000));
  peer.sends(ack(5001));
  peer.sends(ack(5001).sack({{1, 1001}}));  // it had been overtaken
  app.sends(5000);
  peer.drains();
  peer.after(20_ms);
  peer.sends(ack(5001).sack({{6001, 7001}}));
  peer.at(75_ms);  // half of one
  peer.expects(ack(1).seq(5001).len(1000));
}

TEST_F(RackLoss, RFC6675_R6675_14_what_is_sacked_after_a_timeout_is_not_sent_again) {
  sends_ten();
  peer.ignores_for(2_s);
  peer.sends(ack(2001).sack({{3001, 10'001}}));
  peer.expects(psh_ack().seq(2001).len(1000));
  peer.nothing();
}

// --- by itself ----------------------------------------------------------------------------------

class RackTable : public testing::Test {
 protected:
  RackTable() {
    rack.start(Seq(0));
    facts.snd = {Seq(0), Seq(2000), 1000, true};
    facts.min_rtt = 20_ms;
    facts.smoothed_rtt = 30_ms;
  }
  // Two segments leave at once, and the second arrives after 20 ms: how long the first may take.
  Duration window() {
    SentSegments sent(pool);
    const Instant left = Instant() + 1_s;
    SendStamp stamp;
    stamp.sent_at = left;
    sent.append(Seq(0), Seq(1000), false, 1000, stamp);
    sent.append(Seq(1000), Seq(2000), false, 1000, stamp);
    Delivery delivery(Seq(0));
    sent.sack(Seq(1000), Seq(2000), delivery);
    facts.now = left + 20_ms;
    rack.on_delivery(facts, delivery, 1000);
    const Instant then = rack.find_lost(sent, facts, false, Instant()).look_again;
    AckFacts all_acked;
    all_acked.snd = facts.snd;
    rack.on_delivery(all_acked, Delivery(Seq(0)), 0);
    return then - facts.now;
  }

  SentSegmentPool pool{16};
  Rack rack;
  AckFacts facts;
};

TEST_F(RackTable, RFC8985_R8985_8_wider_with_each_round_that_tells_of_duplicates) {
  EXPECT_EQ(window(), 5_ms);
  facts.twice = DuplicateReport{Seq(0), Seq(1000)};
  EXPECT_EQ(window(), 10_ms);
  EXPECT_EQ(window(), 10_ms);  // once a round
  facts.snd.una = Seq(2000);
  facts.snd.nxt = Seq(4000);
  window();
  facts.twice.reset();
  EXPECT_EQ(window(), 15_ms);
  for (int i = 0; i < 15; ++i) rack.on_recovery_end();
  EXPECT_EQ(window(), 15_ms);
  rack.on_recovery_end();
  EXPECT_EQ(window(), 5_ms);
}

TEST_F(RackTable, RFC8985_R8985_7_never_longer_than_a_round_trip) {
  for (std::uint32_t i = 1; i < 50; ++i) {
    facts.twice = DuplicateReport{Seq(0), Seq(1000)};
    facts.snd.una = Seq(2000 * i);
    facts.snd.nxt = Seq(2000 * i + 2000);
    window();
  }
  facts.twice.reset();
  EXPECT_EQ(window(), 30_ms);
}

}  // namespace
}  // namespace sluice::tcp
