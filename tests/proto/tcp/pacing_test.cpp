// Sending at a rate, and what is measured for it: RTT, delivery rate.
#include "proto/tcp/min_rtt.hpp"
#include "proto/tcp/pacer.hpp"
#include "tests/support/peer.hpp"

namespace sluice::tcp {
namespace {

using namespace test;

constexpr Instant at(std::int64_t ms) {
  return Instant() + Duration::milliseconds(ms);
}

Pacer paced_at(std::uint64_t rate) {
  Pacer pacer;
  pacer.set_rate(rate);
  return pacer;
}

TEST(PacerTable, a_quantum_is_a_millisecond_of_the_rate_within_bounds) {
  EXPECT_EQ(paced_at(10'000'000).quantum(1000), 10'000u);
  EXPECT_EQ(paced_at(10'000).quantum(1000), 2000u);
  EXPECT_EQ(paced_at(10'000'000'000).quantum(1000), 65'536u);
}

TEST(PacerTable, the_next_goes_when_the_last_has_had_its_time) {
  Pacer pacer;
  pacer.on_sent(1000, at(10));
  EXPECT_TRUE(pacer.may_send(at(10)));  // no rate
  pacer.set_rate(100'000);
  pacer.on_sent(1000, at(10));
  EXPECT_FALSE(pacer.may_send(at(14)));
  EXPECT_TRUE(pacer.may_send(at(20)));
}

TEST(PacerTable, a_late_timer_is_made_up_for_and_a_long_silence_is_not) {
  Pacer pacer = paced_at(100'000);
  pacer.on_sent(1000, at(1000));
  EXPECT_EQ(pacer.next(), at(1005));
  pacer.on_sent(1000, at(1007));
  EXPECT_EQ(pacer.next(), at(1015));
}

TEST(MinRttTable, RFC8985_R8985_3_the_shortest_is_forgotten_after_a_while) {
  MinRtt least;
  EXPECT_EQ(least.get(), Duration());
  least.on_sample(20_ms, at(0));
  least.on_sample(30_ms, at(1000));
  EXPECT_EQ(least.get(), 20_ms);
  least.on_sample(30_ms, at(160'000));
  EXPECT_EQ(least.get(), 20_ms);
  least.on_sample(30_ms, at(320'000));
  EXPECT_EQ(least.get(), 30_ms);
}

TEST(RateTable, the_rate_is_what_arrives_between_two_acknowledgements) {
  RateSampler rate;
  SendStamp first = rate.stamp(1000, 0, at(0));
  SendStamp second = rate.stamp(1000, 1000, at(5));
  rate.on_delivered(1000, &first, 1_ms, at(20));
  const RateSample sample = rate.on_delivered(1000, &second, 1_ms, at(30));
  EXPECT_EQ(sample.delivered_bytes, 2000u);
  EXPECT_EQ(sample.interval, 30_ms);
  EXPECT_EQ(sample.tx_in_flight, 2000u);
  EXPECT_FALSE(sample.is_app_limited);
}

TEST(RateTable, what_was_sent_while_the_application_had_no_more_is_marked) {
  RateSampler rate;
  const SendStamp first = rate.stamp(1000, 0, at(0));
  rate.on_app_limited(1000);
  const SendStamp second = rate.stamp(1000, 1000, at(1));
  EXPECT_FALSE(rate.on_delivered(1000, &first, 1_ms, at(10)).is_app_limited);
  EXPECT_TRUE(rate.on_delivered(1000, &second, 1_ms, at(11)).is_app_limited);
  const SendStamp third = rate.stamp(1000, 0, at(12));
  EXPECT_FALSE(rate.on_delivered(1000, &third, 1_ms, at(20)).is_app_limited);
}

TEST(RateTable, an_interval_below_the_shortest_round_trip_is_none) {
  RateSampler rate;
  const SendStamp stamp = rate.stamp(1000, 0, at(0));
  EXPECT_EQ(rate.on_delivered(1000, &stamp, 10_ms, at(5)).interval, Duration());
}

TEST(RateTable, losses_meanwhile_are_told) {
  RateSampler rate;
  const SendStamp stamp = rate.stamp(1000, 0, at(0));
  rate.on_lost(3000);
  EXPECT_EQ(rate.on_delivered(1000, &stamp, 1_ms, at(5)).lost_bytes, 3000u);
}

class Pacing : public Conversation {
 protected:
  // A round trip of 20 ms, which sets BBR's rate, and 10,000 bytes that have arrived.
  void connects() {
    peer.settings.congestion = Algorithm::bbr;
    peer.says.sack = true;
    peer.opens();
    peer.expects(syn_ack());
    peer.after(20_ms);
    peer.sends(ack(1));
    app.sends(10'000);
    peer.ignores_for(20_ms);
    peer.sends(ack(10'001));
  }
};

TEST_F(Pacing, segments_leave_one_after_the_other) {
  connects();
  ASSERT_GT(peer.connection().congestion().pacing_rate(), 0u);
  app.sends(10'000);
  const std::uint32_t at_once = peer.drains();
  EXPECT_LT(peer.connection().snd_nxt(), peer.our_iss + 20'001u);
  EXPECT_GT(at_once, 0u);
  EXPECT_FALSE(peer.connection().deadline().is_never());
  EXPECT_GT(peer.connection().deadline(), peer.now());
  EXPECT_GT(peer.ignores_for(20_ms), 1u);
  EXPECT_EQ(peer.connection().snd_nxt(), peer.our_iss + 20'001u);
}

TEST_F(Pacing, acknowledgements_do_not_wait) {
  connects();
  app.sends(10'000);
  peer.drains();
  peer.sends(data(100));
  EXPECT_GT(peer.drains(), 0u);
}

TEST_F(Pacing, a_fin_behind_the_last_segment_waits_no_longer_than_it) {
  connects();
  app.sends(1000);
  EXPECT_EQ(peer.drains(), 1u);
  app.shuts_down();
  peer.nothing();
  const Instant due = peer.connection().deadline();
  ASSERT_LT(due, peer.now() + 10_ms);
  peer.at(due - Peer::kStart);
  peer.expects(fin_ack().seq(11'001));
}

TEST_F(Pacing, without_a_rate_nothing_waits) {
  peer.connects();
  app.sends(10'000);
  peer.drains();
  EXPECT_EQ(peer.connection().snd_nxt(), peer.our_iss + 10'001u);
}

}  // namespace
}  // namespace sluice::tcp
