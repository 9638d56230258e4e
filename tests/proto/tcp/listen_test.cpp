// LISTEN and CLOSED (RFC 9293 3.10.7.1, 3.10.7.2), and TIME-WAIT.
#include "proto/tcp/listen.hpp"

#include "tests/support/peer.hpp"

namespace sluice::tcp {
namespace {

using namespace test;

wire::TcpHeader header_with(int bits, std::uint32_t seq = 1000, std::uint32_t ack = 5000) {
  wire::TcpHeader header;
  header.source_port = 4000;
  header.destination_port = 80;
  header.flags = static_cast<std::uint8_t>(bits);
  header.sequence = seq;
  header.acknowledgment = ack;
  return header;
}

// --- CLOSED -------------------------------------------------------------------------------------

TEST(Closed, RFC9293_SA_C1_a_reset_is_not_answered) {
  EXPECT_FALSE(make_reset(header_with(wire::kRst), 0, {}));
  EXPECT_FALSE(make_reset(header_with(wire::kRst | wire::kAck), 10, {}));
}

TEST(Closed, RFC9293_SA_C2_R9293_6_without_ack_the_reset_acknowledges) {
  const auto reset = make_reset(header_with(wire::kSyn | wire::kFin, 0xffff'ffff), 10, {});
  ASSERT_TRUE(reset);
  EXPECT_EQ(reset->flags, wire::kRst | wire::kAck);
  EXPECT_EQ(reset->sequence, 0u);
  EXPECT_EQ(reset->acknowledgment, 11u);
  EXPECT_EQ(reset->source_port, 80);
  EXPECT_EQ(reset->destination_port, 4000);
}

TEST(Closed, RFC9293_SA_C3_R9293_6_with_ack_the_reset_stands_there) {
  const auto reset = make_reset(header_with(wire::kSyn | wire::kAck), 10, {});
  ASSERT_TRUE(reset);
  EXPECT_EQ(reset->flags, wire::kRst);
  EXPECT_EQ(reset->sequence, 5000u);
  EXPECT_EQ(reset->acknowledgment, 0u);
}

TEST(Closed, RFC7323_R7323_18_the_reset_echoes_the_timestamp) {
  wire::TcpHeader header = header_with(wire::kAck);
  EXPECT_FALSE(make_reset(header, 0, {})->options.has_timestamps);
  header.options.has_timestamps = true;
  header.options.ts_value = 77;
  header.options.ts_echo = 88;
  const auto reset = make_reset(header, 0, {});
  EXPECT_TRUE(reset->options.has_timestamps);
  EXPECT_EQ(reset->options.ts_value, 0u);
  EXPECT_EQ(reset->options.ts_echo, 77u);
}

// --- LISTEN -------------------------------------------------------------------------------------

TEST(Listen, RFC9293_SA_L1_a_reset_is_ignored) {
  EXPECT_EQ(on_segment_in_listen(header_with(wire::kRst), {}), ListenAction::drop);
  EXPECT_EQ(on_segment_in_listen(header_with(wire::kRst | wire::kSyn), {}), ListenAction::drop);
  EXPECT_EQ(on_segment_in_listen(header_with(wire::kRst | wire::kAck), {}), ListenAction::drop);
}

TEST(Listen, RFC9293_SA_L2_an_ack_is_reset) {
  EXPECT_EQ(on_segment_in_listen(header_with(wire::kAck), {}), ListenAction::reset);
  EXPECT_EQ(on_segment_in_listen(header_with(wire::kAck | wire::kSyn), {}), ListenAction::reset);
  EXPECT_EQ(on_segment_in_listen(header_with(wire::kAck | wire::kFin), {}), ListenAction::reset);
}

TEST(Listen, RFC9293_SA_L3_a_syn_is_accepted) {
  EXPECT_EQ(on_segment_in_listen(header_with(wire::kSyn), {}), ListenAction::accept);
  EXPECT_EQ(on_segment_in_listen(header_with(wire::kSyn | wire::kFin), {}), ListenAction::accept);
}

TEST(Listen, RFC9293_SA_L4_SA_25_all_else_is_dropped) {
  EXPECT_EQ(on_segment_in_listen(header_with(0), {}), ListenAction::drop);
  EXPECT_EQ(on_segment_in_listen(header_with(wire::kFin), {}), ListenAction::drop);
  EXPECT_EQ(on_segment_in_listen(header_with(wire::kPsh), {}), ListenAction::drop);
}

class Opening : public Conversation {};

TEST_F(Opening, RFC9293_SA_L3_a_syn_brings_a_syn_ack) {
  peer.opens();
  EXPECT_EQ(peer.state(), State::syn_received);
  peer.expects(syn_ack().seq(0).ack(1));
  peer.nothing();
  EXPECT_TRUE(peer.connection().was_passive());
}

// --- TIME-WAIT ----------------------------------------------------------------------------------

class TimeWaitTable : public ::testing::Test {
 protected:
  TimeWaitTable() {
    rest.snd_nxt = Seq(5000);
    rest.rcv_nxt = Seq(2000);
    rest.rcv_wnd = 1000;
    rest.window_field = 10;
  }
  TimeWait::Action on(int bits, std::uint32_t seq, std::optional<std::uint32_t> ts = {}) {
    wire::TcpHeader header = header_with(bits, seq);
    header.options.has_timestamps = ts.has_value();
    header.options.ts_value = ts.value_or(0);
    return rest.on_segment(make_segment(header, {}), {});
  }
  TimeWait rest;
};
using Action = TimeWait::Action;

TEST_F(TimeWaitTable, RFC9293_SA_22_SA_31_a_repeated_fin_restarts) {
  EXPECT_EQ(on(wire::kFin | wire::kAck, 1999), Action::restart);
}

TEST_F(TimeWaitTable, RFC9293_SA_3_a_fin_that_is_no_repetition_does_not_restart) {
  EXPECT_EQ(on(wire::kFin | wire::kAck, 1000), Action::acknowledge);
  EXPECT_EQ(on(wire::kFin | wire::kAck, 2000), Action::acknowledge);
}

TEST_F(TimeWaitTable, RFC9293_SA_6_SA_9_only_the_exact_reset_ends_it) {
  EXPECT_EQ(on(wire::kRst, 2000), Action::forget);
  EXPECT_EQ(on(wire::kRst, 2001), Action::none);
  EXPECT_EQ(on(wire::kRst, 1999), Action::none);
}

TEST_F(TimeWaitTable, RFC9293_MAY_2_a_syn_above_the_old_sequence_space_reopens) {
  EXPECT_EQ(on(wire::kSyn, 2001), Action::reopen);
  EXPECT_EQ(on(wire::kSyn, 1990), Action::acknowledge);
  EXPECT_EQ(on(wire::kSyn | wire::kAck, 9000), Action::acknowledge);
  EXPECT_GT(rest.minimum_iss(), rest.snd_nxt);
}

TEST_F(TimeWaitTable, RFC9293_SA_4_SHLD_4_a_syn_with_a_newer_timestamp_reopens) {
  rest.timestamps_on = true;
  rest.ts_recent = 100;
  EXPECT_EQ(on(wire::kSyn, 10, 101), Action::reopen);
  EXPECT_EQ(on(wire::kSyn, 9000, 99), Action::acknowledge);
  EXPECT_EQ(on(wire::kSyn, 9000, 100), Action::reopen);  // RFC 6191: then the sequence decides
  EXPECT_EQ(on(wire::kSyn, 10, 100), Action::acknowledge);
  EXPECT_EQ(on(wire::kSyn, 9000), Action::reopen);
}

TEST_F(TimeWaitTable, RFC7323_R7323_15_an_old_timestamp_is_answered) {
  rest.timestamps_on = true;
  rest.ts_recent = 100;
  EXPECT_EQ(on(wire::kFin | wire::kAck, 1999, 99), Action::acknowledge);
  EXPECT_EQ(on(wire::kFin | wire::kAck, 1999, 100), Action::restart);
}

TEST_F(TimeWaitTable, RFC9293_SA_3_what_is_not_acceptable_is_answered) {
  EXPECT_EQ(on(wire::kAck, 2000), Action::none);
  EXPECT_EQ(on(wire::kAck, 1999), Action::acknowledge);
  EXPECT_EQ(on(wire::kAck, 9000), Action::acknowledge);
}

TEST_F(TimeWaitTable, the_ack_says_what_the_connection_said_last) {
  rest.timestamps_on = true;
  rest.ts_offset = 7;
  rest.ts_recent = 100;
  const wire::TcpHeader header = rest.next_ack(Instant::from_ns(3'000'000));
  EXPECT_EQ(header.sequence, 5000u);
  EXPECT_EQ(header.acknowledgment, 2000u);
  EXPECT_EQ(header.flags, wire::kAck);
  EXPECT_EQ(header.window, 10);
  EXPECT_EQ(header.options.ts_value, 10u);
  EXPECT_EQ(header.options.ts_echo, 100u);
}

}  // namespace
}  // namespace sluice::tcp
