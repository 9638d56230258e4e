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
  peer.expects(ack(1).seq(1).len(1000));
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
  peer.expects(ack(1).seq(1).len(1000));
}

TEST_F(RackLoss, RFC8985_R8985_9_what_was_sent_later_is_not_lost) {
  sends_ten();
  peer.after(10_ms);
  peer.sends(ack(1).sack({{2001, 5001}}));
  peer.expects(ack(1).seq(1).len(1000));
  peer.sends(ack(1).sack({{2001, 6001}}));
  peer.sends(ack(1).sack({{2001, 7001}}));
  peer.expects(ack(1).seq(1001).len(1000));
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
  peer.expects(ack(1).seq(1).len(1000));
  peer.ignores_for(1_ms);
  peer.sends(ack(1).sack({{1001, 10'001}}));
  peer.expects(ack(1).seq(10'001).len(1000));
  peer.drains();
  peer.ignores_for(20_ms);
  peer.sends(ack(1).sack({{1001, 11'001}}));  // sent after the retransmission
  peer.expects(ack(1).seq(1).len(1000));
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

TEST_F(RackLoss, RFC6675_R6675_14_what_is_sacked_after_a_timeout_is_not_sent_again) {
  sends_ten();
  peer.ignores_for(2_s);
  peer.sends(ack(2001).sack({{3001, 10'001}}));
  peer.expects(ack(1).seq(2001).len(1000));
  peer.nothing();
}

}  // namespace
}  // namespace sluice::tcp
