// Tables for the small values: sequence numbers, segments, states, ISNs.
#include <gtest/gtest.h>

#include "proto/tcp/isn.hpp"
#include "proto/tcp/segment.hpp"
#include "proto/tcp/state.hpp"
#include "tests/support/peer.hpp"

namespace sluice::tcp {
namespace {

TEST(Seq, RFC9293_R9293_5_compares_modulo_two_to_the_32) {
  struct Row {
    std::uint32_t a, b;
    bool less;
  };
  const Row rows[] = {{0, 1, true},
                      {1, 0, false},
                      {5, 5, false},
                      {0xffff'ffff, 0, true},
                      {0, 0xffff'ffff, false},
                      {0x7fff'fffe, 0xffff'fffd, true},
                      {0xffff'fff0, 0x7fff'ffe0, true}};
  for (const Row& row : rows) {
    EXPECT_EQ(Seq(row.a) < Seq(row.b), row.less) << row.a << " " << row.b;
    EXPECT_EQ(Seq(row.b) > Seq(row.a), row.less);
    EXPECT_EQ(Seq(row.a) >= Seq(row.b), !row.less);
    EXPECT_EQ(Seq(row.b) <= Seq(row.a), !row.less);
  }
}

TEST(Seq, adds_and_subtracts_across_the_wrap) {
  EXPECT_EQ(Seq(0xffff'fff0u) + 0x20u, Seq(0x10));
  EXPECT_EQ(Seq(0x10) - 0x20u, Seq(0xffff'fff0u));
  EXPECT_EQ(Seq(0x10) - Seq(0xffff'fff0u), 0x20);
  EXPECT_EQ(Seq(0xffff'fff0u) - Seq(0x10), -0x20);
  EXPECT_EQ(distance(Seq(0xffff'fff0u), Seq(0x10)), 0x20u);
  Seq seq(0xffff'ffffu);
  seq += 2;
  EXPECT_EQ(seq, Seq(1));
  EXPECT_EQ(max(Seq(0xffff'ffffu), Seq(3)), Seq(3));
  EXPECT_EQ(min(Seq(0xffff'ffffu), Seq(3)), Seq(0xffff'ffffu));
}

TEST(Segment, RFC9293_R9293_9_syn_and_fin_count_one_each) {
  test::TestFrames frames(64);
  const test::Stream bytes(10);
  wire::TcpHeader header;
  header.sequence = 0xffff'fffe;
  header.flags = wire::kSyn | wire::kFin;
  const Segment segment = make_segment(header, frames.slice_of(bytes));
  EXPECT_EQ(segment.length(), 12u);
  EXPECT_EQ(segment.end(), Seq(10));
}

TEST(State, names_and_groups) {
  EXPECT_EQ(state_name(State::fin_wait_1), "FIN-WAIT-1");
  EXPECT_EQ(state_name(State::listen), "LISTEN");
  EXPECT_EQ(state_name(State::closed), "CLOSED");
  EXPECT_FALSE(is_synchronized(State::syn_received));
  EXPECT_TRUE(is_synchronized(State::established));
  EXPECT_TRUE(is_synchronized(State::time_wait));
  EXPECT_FALSE(can_receive(State::close_wait));
  EXPECT_TRUE(can_receive(State::fin_wait_2));
}

FlowKey flow_to(std::uint16_t port) {
  FlowKey flow{};
  flow.remote_port = port;
  flow.local_port = 80;
  return flow;
}

// RFC 6528 R6528-1.
TEST(Isn, RFC9293_MUST_8_R9293_2_ticks_every_four_microseconds) {
  const SipKey secret{};
  const Instant now = Instant::from_ns(1'000'000'000);
  const Seq first = initial_sequence(flow_to(1000), secret, now);
  EXPECT_EQ(initial_sequence(flow_to(1000), secret, now + Duration::microseconds(4)), first + 1u);
  EXPECT_EQ(initial_sequence(flow_to(1000), secret, now + Duration::seconds(1)), first + 250'000u);
}

// RFC 6528 R6528-2.
TEST(Isn, RFC9293_MUST_9_SHLD_1_depends_on_flow_and_secret) {
  const Instant now = Instant::from_ns(1'000'000'000);
  const SipKey one{1, 2};
  const SipKey other{1, 3};
  EXPECT_NE(initial_sequence(flow_to(1000), one, now), initial_sequence(flow_to(1001), one, now));
  EXPECT_NE(initial_sequence(flow_to(1000), one, now), initial_sequence(flow_to(1000), other, now));
}

TEST(Isn, RFC7323_R7323_21_the_timestamp_offset_is_the_same_for_the_same_flow) {
  const SipKey secret{5, 6};
  EXPECT_EQ(timestamp_offset(flow_to(7), secret), timestamp_offset(flow_to(7), secret));
  EXPECT_NE(timestamp_offset(flow_to(7), secret), timestamp_offset(flow_to(8), secret));
}

}  // namespace
}  // namespace sluice::tcp
