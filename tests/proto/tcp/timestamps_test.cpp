// RFC 7323: timestamps and PAWS.
#include "tests/support/peer.hpp"

namespace sluice::tcp {
namespace {

using namespace test;

class Timestamps : public Conversation {
 protected:
  Timestamps() { peer.says.timestamps = true; }
};

TEST_F(Timestamps, RFC7323_R7323_9_R7323_6_in_every_segment) {
  peer.connects();
  EXPECT_TRUE(peer.connection().timestamps_on());
  peer.at(5_ms);
  app.sends(10);
  peer.expects(psh_ack().ts(peer.our_ts(5_ms)).ecr(peer.ts_clock() - 5));
  app.aborts();
  peer.expects(rst_ack().ts(peer.our_ts(5_ms)));
}

TEST_F(Timestamps, RFC7323_R7323_19_the_clock_ticks_in_milliseconds) {
  peer.connects();
  peer.connection().set_nodelay(true);
  app.sends(10);
  peer.expects(psh_ack().ts(peer.our_ts(0_ms)));
  peer.after(1_ms);
  app.sends(10);
  peer.expects(psh_ack().ts(peer.our_ts(0_ms) + 1));
}

TEST_F(Timestamps, RFC7323_R7323_10_a_segment_without_is_dropped_in_silence) {
  peer.connects();
  EXPECT_EQ(peer.sends(data(10).seq(1).no_ts()), DropReason::tcp_no_timestamp);
  peer.nothing();
  EXPECT_EQ(peer.state(), State::established);
}

TEST_F(Timestamps, RFC7323_R7323_14_a_delayed_ack_echoes_the_first) {
  peer.connects();
  for (int i = 0; i < 16; ++i) {  // until ACKs are delayed
    peer.sends(data(100));
    peer.drains();
  }
  peer.after(10_ms);
  const std::uint32_t first = peer.ts_clock();
  peer.sends(data(100));
  peer.after(10_ms);
  peer.sends(data(100));
  peer.expects(ack(1801).ecr(first));
}

TEST_F(Timestamps, RFC7323_R7323_14_beyond_a_gap_the_last_in_order_then_the_filler) {
  peer.connects();
  peer.sends(data(100));
  peer.expects(ack(101).ecr(peer.ts_clock()));
  const std::uint32_t in_order = peer.ts_clock();
  peer.after(10_ms);
  peer.sends(data(100).seq(201));
  peer.expects(ack(101).ecr(in_order));
  peer.after(10_ms);
  const std::uint32_t filler = peer.ts_clock();
  peer.sends(data(100).seq(101));
  peer.expects(ack(301).ecr(filler));
}

TEST_F(Timestamps, RFC7323_R7323_15_paws_answers_and_drops_the_old) {
  peer.connects();
  const std::uint32_t now = peer.ts_clock();
  EXPECT_EQ(peer.sends(data(10).seq(1).ts(now - 1)), DropReason::tcp_paws);
  peer.expects(ack(1).len(0));
  peer.nothing();
  EXPECT_EQ(peer.sends(data(10).seq(1).ts(now - 0x7fff'ffff)), DropReason::tcp_paws);
  peer.expects(ack(1));
  EXPECT_EQ(peer.sends(data(10).seq(1).ts(now)), DropReason::none);
}

// 101 to 200 is lost; 201 to 300 has been overtaken when the lost one comes again.
TEST_F(Timestamps, RFC7323_R7323_15_a_filled_gap_makes_the_overtaken_no_older) {
  peer.connects();
  peer.sends(data(100));
  peer.expects(ack(101));
  peer.after(10_ms);
  const std::uint32_t overtaken = peer.ts_clock();
  peer.sends(data(100).seq(301));
  peer.expects(ack(101));
  peer.after(10_ms);
  peer.sends(data(100).seq(101));
  peer.expects(ack(201));
  EXPECT_EQ(peer.sends(data(100).seq(201).ts(overtaken)), DropReason::none);
  peer.expects(ack(401));
}

TEST_F(Timestamps, RFC7323_R7323_15_a_filled_gap_excuses_nobody_for_long) {
  peer.connects();
  const std::uint32_t before = peer.ts_clock();
  peer.after(10_ms);
  peer.sends(data(100).seq(201));
  peer.expects(ack(1));
  peer.sends(data(100).seq(1));
  peer.expects(ack(101));
  EXPECT_EQ(peer.sends(data(100).seq(101).ts(before - 1)), DropReason::tcp_paws);
  peer.expects(ack(101));
  peer.after(100_ms);
  EXPECT_EQ(peer.sends(data(100).seq(101).ts(before)), DropReason::tcp_paws);
}

TEST_F(Timestamps, RFC7323_R7323_15_paws_compares_modulo) {
  peer.connects();
  EXPECT_EQ(peer.sends(data(10).ts(peer.ts_clock() + 0x7fff'0000)), DropReason::none);
  EXPECT_EQ(peer.sends(data(10).ts(peer.ts_clock() + 0xfffe'0000)), DropReason::none);
}

// Half the sequence space away "before" and "behind" meet: it must not pass for text that covers
// the whole window, and its timestamp must not shut the real peer out.
TEST_F(Timestamps, RFC7323_R7323_14_a_blind_segment_half_the_space_away_changes_nothing) {
  peer.connects();
  const std::uint32_t now = peer.ts_clock();
  EXPECT_EQ(peer.sends(data(10).seq(0x8000'0000u + 404'475).ts(now + 0x7000'0000)),
            DropReason::tcp_out_of_window);
  peer.expects(ack(1).len(0));
  EXPECT_EQ(peer.sends(data(10).seq(1).ts(now)), DropReason::none);
}

TEST_F(Timestamps, RFC7323_R7323_17_a_reset_is_not_tested) {
  peer.connects();
  peer.sends(rst().ts(peer.ts_clock() - 1000));
  EXPECT_EQ(peer.connection().close_reason(), CloseReason::reset);
}

TEST_F(Timestamps, RFC7323_R7323_17_a_reset_needs_no_timestamp) {
  peer.connects();
  peer.sends(rst().no_ts());
  EXPECT_EQ(peer.connection().close_reason(), CloseReason::reset);
}

TEST_F(Timestamps, RFC7323_R7323_20_after_24_days_an_old_timestamp_is_taken) {
  peer.connects();
  const std::uint32_t start = peer.ts_clock();
  peer.ignores_for(Duration::seconds(24 * 24 * 3600 + 1));
  EXPECT_EQ(peer.sends(data(10).ts(start - 1)), DropReason::none);
  peer.expects(ack(11).ecr(start - 1));
  EXPECT_EQ(peer.sends(data(10).ts(start - 2)), DropReason::tcp_paws);
}

TEST_F(Timestamps, RFC7323_R7323_20_but_not_out_of_a_segment_that_is_refused) {
  peer.connects();
  const std::uint32_t start = peer.ts_clock();
  peer.ignores_for(Duration::seconds(24 * 24 * 3600 + 1));
  peer.sends(ack(1).seq(3'000'000).ts(start - 1'000'000));
  peer.expects(ack(1).ecr(start));
}

TEST_F(Timestamps, RFC7323_R7323_20_not_before) {
  peer.connects();
  const std::uint32_t start = peer.ts_clock();
  peer.ignores_for(Duration::seconds(23 * 24 * 3600));
  EXPECT_EQ(peer.sends(data(10).ts(start - 1)), DropReason::tcp_paws);
}

TEST_F(Timestamps, RFC7323_R7323_14_a_segment_that_is_not_acceptable_changes_nothing) {
  peer.connects();
  const std::uint32_t start = peer.ts_clock();
  peer.sends(ack(1).seq(3'000'000).ts(start + 5000));
  peer.expects(ack(1).ecr(start));
}

TEST_F(Timestamps, RFC5961_R5961_4_answers_of_paws_are_limited) {
  peer.connects();
  for (int i = 0; i < 30; ++i) peer.sends(data(10).seq(1).ts(1));
  std::uint32_t answers = peer.drains();
  for (int i = 0; i < 30; ++i) {
    peer.sends(data(10).seq(1).ts(1));
    answers += peer.drains();
  }
  EXPECT_LE(answers, 10u);
}

}  // namespace
}  // namespace sluice::tcp
