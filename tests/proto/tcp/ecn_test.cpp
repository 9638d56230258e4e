// Explicit congestion notification (RFC 3168).
#include "tests/support/peer.hpp"

namespace sluice::tcp {
namespace {

using namespace test;

constexpr std::uint8_t kEct0 = 2;
constexpr std::uint8_t kNotEct = 0;

class Ecn3168 : public Conversation {
 protected:
  Ecn3168() {
    peer.settings.max_payload_bytes = 0;
    peer.settings.congestion = Algorithm::newreno;
  }
  // The peer opens and asks for ECN.
  void connects() {
    peer.asks_for_ecn = true;
    peer.opens();
    peer.expects(syn_ack().flag(wire::kEce));
    peer.sends(ack(1));
    EXPECT_TRUE(peer.connection().ecn_on());
  }
};

TEST_F(Ecn3168, RFC3168_R3168_2_R3168_3_a_peer_that_asks_is_answered) {
  peer.asks_for_ecn = true;
  peer.opens();
  peer.expects(syn_ack().flag(wire::kEce));
  EXPECT_EQ(peer.last_ecn(), kNotEct);
}

TEST_F(Ecn3168, RFC3168_R3168_2_not_when_it_is_off) {
  peer.settings.ecn = Ecn::off;
  peer.asks_for_ecn = true;
  peer.opens();
  peer.expects(syn_ack());
  EXPECT_FALSE(peer.connection().ecn_on());
}

TEST_F(Ecn3168, RFC3168_R3168_2_we_ask_and_the_peer_agrees) {
  peer.settings.ecn = Ecn::ask;
  peer.called();
  peer.expects(syn().flag(wire::kEce | wire::kCwr));
  peer.agrees_to_ecn = true;
  peer.answers();
  EXPECT_TRUE(peer.connection().ecn_on());
}

TEST_F(Ecn3168, RFC3168_R3168_2_we_ask_and_the_peer_does_not) {
  peer.settings.ecn = Ecn::ask;
  peer.called();
  peer.expects(syn().flag(wire::kEce | wire::kCwr));
  peer.answers();
  EXPECT_FALSE(peer.connection().ecn_on());
  peer.expects(ack(1));
  app.sends(10);
  peer.expects(psh_ack());
  EXPECT_EQ(peer.last_ecn(), kNotEct);
}

TEST_F(Ecn3168, RFC3168_R3168_4_a_syn_that_nobody_answers_goes_without) {
  peer.settings.ecn = Ecn::ask;
  peer.called();
  peer.expects(syn().flag(wire::kEce | wire::kCwr));
  peer.at(1_s);
  peer.expects(syn());
}

TEST_F(Ecn3168, RFC3168_R3168_1_R3168_8_R3168_9_new_data_is_marked_and_nothing_else) {
  connects();
  app.sends(1000);
  peer.expects(psh_ack().len(1000));
  EXPECT_EQ(peer.last_ecn(), kEct0);
  peer.at(1_s);
  peer.expects(psh_ack().len(1000));  // again
  EXPECT_EQ(peer.last_ecn(), kNotEct);
  peer.sends(data(10));
  peer.expects(ack(11));
  EXPECT_EQ(peer.last_ecn(), kNotEct);
}

TEST_F(Ecn3168, RFC3168_R3168_10_probes_are_not_marked) {
  connects();
  peer.sends(ack(1).win(0));
  app.sends(100);
  peer.nothing();
  peer.at(1_s);
  peer.expects(ack(1).seq(1).len(1));
  EXPECT_EQ(peer.last_ecn(), kNotEct);
}

TEST_F(Ecn3168, RFC3168_R3168_5_an_echo_halves_the_window_once) {
  connects();
  app.sends(30'000);
  EXPECT_EQ(peer.drains(), 10u);
  for (std::uint32_t i = 1; i <= 5; ++i) peer.sends(ack(1 + i * 1000).flag(wire::kEce));
  EXPECT_EQ(peer.connection().congestion().window(), 5000u);
  EXPECT_EQ(peer.connection().counters().fast_retransmits, 0u);
}

TEST_F(Ecn3168, RFC3168_R3168_5_an_echo_is_no_loss) {
  for (const bool sack : {false, true}) {
    Peer other;
    App writer(other);
    other.settings.max_payload_bytes = 0;
    other.says.sack = sack;
    other.asks_for_ecn = true;
    other.opens();
    other.drains();
    other.sends(ack(1));
    writer.sends(30'000);
    other.drains();
    for (std::uint32_t i = 1; i <= 9; ++i) {
      other.sends(ack(1 + i * 1000).flag(wire::kEce));
      other.drains();
    }
    EXPECT_EQ(other.connection().counters().retransmitted, 0u) << sack;
  }
}

TEST_F(Ecn3168, RFC3168_R3168_5_a_loss_in_the_same_window_is_repaired_and_halves_nothing) {
  for (const bool sack : {false, true}) {
    Peer other;
    App writer(other);
    other.settings.max_payload_bytes = 0;
    other.settings.congestion = Algorithm::newreno;
    other.says.sack = sack;
    other.asks_for_ecn = true;
    other.opens();
    other.drains();
    other.sends(ack(1));
    writer.sends(10'000);
    other.drains();
    other.ignores_for(1_ms);
    other.sends(ack(1001).flag(wire::kEce));
    EXPECT_EQ(other.connection().congestion().ssthresh(), 5000u);
    for (std::uint32_t i = 3; i <= 9; ++i) {
      Said duplicate = ack(1001);
      if (sack) duplicate.sack({{2001, i * 1000 + 1}});
      other.sends(duplicate);
      other.drains();
    }
    EXPECT_EQ(other.connection().counters().retransmitted, 1u) << sack;
    EXPECT_EQ(other.connection().counters().fast_retransmits, 1u) << sack;
    EXPECT_EQ(other.connection().congestion().ssthresh(), 5000u);
    other.sends(ack(10'001));
  }
}

TEST_F(Ecn3168, RFC8985_R8985_13_a_tail_is_probed_after_a_mark) {
  peer.says.sack = true;
  connects();
  app.sends(10'000);
  peer.drains();
  peer.sends(ack(1001).flag(wire::kEce));
  peer.drains();
  peer.ignores_for(500_ms);
  EXPECT_EQ(peer.connection().counters().tail_probes, 1u);
}

TEST_F(Ecn3168, RFC3168_R3168_5_the_first_new_segment_says_that_we_slowed_down) {
  connects();
  app.sends(30'000);
  peer.drains();
  peer.sends(ack(8001).flag(wire::kEce));
  peer.expects(ack(1).seq(10'001).flag(wire::kCwr));
  peer.expects(ack(1).seq(11'001));
  peer.drains();
}

TEST_F(Ecn3168, RFC3168_R3168_5_the_cwr_is_in_no_super_segment) {
  peer.settings.max_payload_bytes = 60'000;
  connects();
  app.sends(30'000);
  peer.drains();
  peer.sends(ack(8001).flag(wire::kEce));
  peer.expects(ack(1).seq(10'001).len(1000).flag(wire::kCwr));
}

TEST_F(Ecn3168, RFC3168_R3168_5_an_echo_in_the_next_window_counts_again) {
  connects();
  app.sends(60'000);
  peer.drains();
  peer.sends(ack(8001).flag(wire::kEce));
  peer.drains();
  const std::uint32_t nxt = distance(peer.our_iss, peer.connection().snd_nxt());
  peer.sends(ack(10'001).flag(wire::kEce));  // the CWR has not been heard yet
  peer.drains();
  EXPECT_EQ(peer.connection().congestion().ssthresh(), 5000u);
  peer.sends(ack(nxt));
  peer.drains();
  peer.sends(ack(nxt + 1000).flag(wire::kEce));
  EXPECT_LT(peer.connection().congestion().ssthresh(), 5000u);
}

TEST_F(Ecn3168, RFC3168_R3168_7_a_mark_is_echoed_until_cwr) {
  connects();
  peer.sends_marked(data(100));
  peer.expects(ack(101).flag(wire::kEce));
  peer.sends(data(100));
  peer.expects(ack(201).flag(wire::kEce));
  app.sends(10);
  peer.expects(psh_ack().flag(wire::kEce));
  peer.sends(data(100).flag(wire::kCwr));
  peer.expects(ack(301));
}

TEST_F(Ecn3168, RFC3168_R3168_7_a_mark_with_the_cwr_counts_anew) {
  connects();
  peer.sends_marked(data(100));
  peer.expects(ack(101).flag(wire::kEce));
  peer.sends_marked(data(100).flag(wire::kCwr));
  peer.expects(ack(201).flag(wire::kEce));
}

TEST_F(Ecn3168, RFC3168_R3168_9_a_mark_on_what_is_out_of_window_is_ignored) {
  connects();
  peer.sends(data(100));
  peer.expects(ack(101));
  peer.sends_marked(data(100).seq(1));
  peer.expects(ack(101));
}

TEST_F(Ecn3168, RFC3168_R3168_3_without_an_agreement_marks_mean_nothing) {
  peer.connects();
  peer.sends_marked(data(100));
  peer.expects(ack(101));
  app.sends(5000);
  peer.drains();
  peer.sends(ack(1001).flag(wire::kEce));
  EXPECT_GE(peer.connection().congestion().window(), 10'000u);
}

}  // namespace
}  // namespace sluice::tcp
