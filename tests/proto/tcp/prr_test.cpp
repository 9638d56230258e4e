// Proportional rate reduction (RFC 9937).
#include "proto/tcp/prr.hpp"

#include "tests/support/peer.hpp"

namespace sluice::tcp {
namespace {

using namespace test;

constexpr std::uint32_t kMss = 1000;

TEST(PrrTable, RFC9937_R9937_9_the_first_ack_always_lets_a_segment_go) {
  Prr prr;
  prr.start(10'000, 20'000, 0);
  prr.update(100, 17'000, false, kMss);
  EXPECT_EQ(prr.window(), 18'000u);
}

TEST(PrrTable, RFC9937_R9937_7_sends_in_proportion_to_what_is_delivered) {
  Prr prr;
  prr.start(10'000, 20'000, 0);
  prr.update(2000, 17'000, false, kMss);
  EXPECT_EQ(prr.window(), 18'000u);
  prr.on_sent(1000);
  prr.update(2000, 16'000, false, kMss);  // 4000 delivered: 2000 may have gone
  EXPECT_EQ(prr.window(), 17'000u);
  prr.on_sent(1000);
  prr.update(1000, 16'000, false, kMss);
  EXPECT_EQ(prr.window(), 16'500u);
}

TEST(PrrTable, RFC9937_R9937_8_below_the_target_no_more_than_is_delivered) {
  Prr prr;
  prr.start(10'000, 20'000, 0);
  prr.update(1000, 4000, false, kMss);
  EXPECT_EQ(prr.window(), 5000u);
  prr.on_sent(1000);
  prr.update(1000, 4000, false, kMss);
  EXPECT_EQ(prr.window(), 5000u);
}

TEST(PrrTable, RFC9937_R9937_5_R9937_8_a_safe_ack_lets_one_more_go) {
  Prr prr;
  prr.start(10'000, 20'000, 0);
  prr.update(1000, 4000, true, kMss);
  EXPECT_EQ(prr.window(), 6000u);
}

TEST(PrrTable, RFC9937_R9937_8_never_beyond_the_target) {
  Prr prr;
  prr.start(10'000, 20'000, 0);
  prr.update(20'000, 9500, true, kMss);
  EXPECT_EQ(prr.window(), 10'500u);  // the first segment
  prr.on_sent(1000);
  prr.update(20'000, 9500, true, kMss);
  EXPECT_EQ(prr.window(), 10'000u);
}

TEST(PrrTable, an_empty_path_never_stands_still) {
  Prr prr;
  prr.start(10'000, 20'000, 0);
  prr.on_sent(5000);
  prr.update(1, 0, false, kMss);
  EXPECT_EQ(prr.window(), 1000u);
}

// Seventeen were out; eight were acknowledged just before, with no turn to send in between.
TEST(PrrTable, RFC9937_R9937_2_what_came_in_the_same_burst_counts_as_delivered) {
  Prr prr;
  prr.start(12'000, 17'000, 8000);
  prr.update(3000, 5000, false, kMss);
  EXPECT_EQ(prr.window(), 12'000u);
}

class Reduction : public Conversation {
 protected:
  Reduction() {
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
  // Twenty segments are out; the first is lost, the others arrive one by one. How many segments
  // that lets go.
  std::uint32_t loses_the_first(bool sack) {
    peer.says.sack = sack;
    peer.settings.initial_window_segments = 20;
    connects();
    app.sends(100'000);
    EXPECT_EQ(peer.drains(), 20u);
    peer.after(20_ms);
    std::uint32_t sent = 0;
    for (std::uint32_t i = 1; i < 20; ++i) {
      Said said = ack(1);
      if (sack) said.sack({{1001, 1001 + i * 1000}});
      peer.sends(said);
      sent += peer.drains();
    }
    return sent;
  }
  const CongestionControl& cc() { return peer.connection().congestion(); }
};

TEST_F(Reduction, RFC9937_R9937_7_a_flight_is_halved_in_one_round_trip) {
  const std::uint32_t sent = loses_the_first(true);
  EXPECT_GE(sent, 9u);
  EXPECT_LE(sent, 12u);  // half of 20, and limited transmit's two
  EXPECT_EQ(cc().ssthresh(), 10'000u);
  EXPECT_LE(peer.connection().pipe(), 12'000u);
}

TEST_F(Reduction, RFC9937_R9937_3_without_sack_duplicates_count) {
  const std::uint32_t sent = loses_the_first(false);
  EXPECT_GE(sent, 9u);
  EXPECT_LE(sent, 12u);
  EXPECT_EQ(cc().ssthresh(), 10'000u);
}

TEST_F(Reduction, RFC9937_R9937_11_it_ends_with_the_new_window) {
  loses_the_first(true);
  peer.sends(ack(distance(peer.our_iss, peer.connection().snd_nxt())));
  EXPECT_EQ(cc().window(), 10'000u);
  EXPECT_EQ(peer.drains(), 10u);
}

TEST_F(Reduction, RFC9937_R9937_8_a_great_loss_is_repaired_no_faster_than_it_drains) {
  peer.says.sack = true;
  peer.settings.initial_window_segments = 20;
  connects();
  app.sends(100'000);
  peer.drains();
  peer.after(20_ms);
  peer.sends(ack(1).sack({{17'001, 18'001}}));
  peer.sends(ack(1).sack({{17'001, 19'001}}));
  const std::uint64_t before = peer.connection().counters().retransmitted;
  peer.sends(ack(1).sack({{17'001, 20'001}}));  // the other 17 are lost
  EXPECT_LE(peer.drains(), 3u);
  EXPECT_GT(peer.connection().counters().retransmitted, before);
}

// A worker takes in all that has arrived before it sends: a window that crossed the path as one
// burst is answered by a burst, and little of it is in flight once the loss shows.
TEST_F(Reduction, RFC9438_R9438_10_a_burst_of_acks_does_not_make_the_flight_look_small) {
  peer.settings.congestion = Algorithm::cubic;
  peer.says.sack = true;
  peer.settings.initial_window_segments = 20;
  connects();
  app.sends(100'000);
  EXPECT_EQ(peer.drains(), 20u);
  peer.after(20_ms);
  peer.sends(ack(15'001));
  const std::uint32_t window = cc().window();
  for (std::uint32_t i = 1; i <= 3; ++i) {
    peer.sends(ack(15'001).sack({{16'001, 16'001 + i * 1000}}));
  }
  EXPECT_EQ(cc().ssthresh(), window * 7 / 10);
  peer.drains();
  EXPECT_GE(peer.connection().pipe(), 15'000u);  // as much as has been delivered
}

TEST_F(Reduction, RFC5681_R5681_16_false_duplicates_do_not_open_the_flood) {
  peer.connects();
  app.sends(100'000);
  peer.drains();
  std::uint32_t sent = 0;
  for (int i = 0; i < 200; ++i) {
    peer.sends(ack(1));
    sent += peer.drains();
  }
  EXPECT_LE(sent, 15u);
}

}  // namespace
}  // namespace sluice::tcp
