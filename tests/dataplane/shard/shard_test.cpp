// What a shard does with packets, one behaviour a test.
#include "tests/dataplane/shard/shard_fixture.hpp"

namespace sluice::test {
namespace {

const std::array<std::uint8_t, 5> kBytes{1, 2, 3, 4, 5};

// --- echo -------------------------------------------------------------------------------------

TEST_F(ShardTest, AnswersAnEchoOfEitherFamily) {  // RFC 1122 R1122-8
  for (const FlowKey& flow : {v4_flow(), v6_flow()}) {
    const bool v4 = flow.local.is_v4();
    wire::IcmpHeader echo;
    echo.type = v4 ? wire::icmp_v4::kEcho : wire::icmp_v6::kEcho;
    echo.rest = 0x12345678;
    EXPECT_EQ(host().gives(icmp_packet(flow.remote, flow.local, echo, kBytes)), DropReason::none);
    const SentPacket reply = host().takes_one();  // its sum has been verified
    EXPECT_EQ(reply.packet.icmp.type, v4 ? wire::icmp_v4::kEchoReply : wire::icmp_v6::kEchoReply);
    EXPECT_EQ(reply.packet.icmp.rest, 0x12345678U);
    EXPECT_EQ(reply.packet.source, flow.local);
    EXPECT_EQ(reply.packet.destination, flow.remote);
    EXPECT_TRUE(std::equal(kBytes.begin(), kBytes.end(), reply.payload().begin()));
  }
  EXPECT_EQ(shard().stats().echo_replies, 2U);
}

TEST_F(ShardTest, CountsTheRepliesThatFindNoRoom) {
  ShardOptions options = shard_options();
  options.max_replies = 2;
  make(options);
  wire::IcmpHeader echo;
  echo.type = wire::icmp_v4::kEcho;
  const FlowKey flow = v4_flow();
  for (int i = 0; i < 5; ++i) host().gives(icmp_packet(flow.remote, flow.local, echo, kBytes));
  EXPECT_EQ(host().takes().size(), 2U);
  EXPECT_EQ(shard().stats().replies_dropped, 3U);
}

// --- who is answered --------------------------------------------------------------------------

TEST_F(ShardTest, ResetsWhatNobodyExpects) {  // RFC 9293 SA-C2, SA-C3
  EXPECT_EQ(gives(v4_flow(), text(wire::kSyn, 1000)), DropReason::no_listener);
  SentPacket reset = host().takes_one();
  EXPECT_EQ(reset.packet.tcp.flags, wire::kRst | wire::kAck);
  EXPECT_EQ(reset.packet.tcp.sequence, 0U);
  EXPECT_EQ(reset.packet.tcp.acknowledgment, 1001U);
  EXPECT_EQ(reset.packet.tcp.destination_port, 5000);
  EXPECT_EQ(gives(v6_flow(), text(wire::kAck, 1000, 77, "xy")), DropReason::no_listener);
  reset = host().takes_one();
  EXPECT_EQ(reset.packet.tcp.flags, wire::kRst);
  EXPECT_EQ(reset.packet.tcp.sequence, 77U);
  EXPECT_EQ(gives(v4_flow(), text(wire::kRst, 1000)), DropReason::no_listener);
  EXPECT_TRUE(host().is_silent());  // RFC 9293 SA-C1
  EXPECT_EQ(shard().stats().resets_sent, 2U);
}

TEST_F(ShardTest, IsSilentForWhatIsNotForUs) {
  listens();
  const auto from_to = [](std::string_view from, std::string_view to) {
    return FlowKey{*IpAddress::parse(to), *IpAddress::parse(from), 80, 5000};
  };
  const struct {
    FlowKey flow;
    DropReason reason;
  } cases[] = {
      {from_to("192.0.2.7", "10.0.5.100"), DropReason::not_for_us},
      {from_to("192.0.2.7", "10.0.5.0"), DropReason::not_for_us},
      {from_to("192.0.2.7", "10.0.5.255"), DropReason::not_for_us},
      {from_to("192.0.2.7", "10.9.9.9"), DropReason::not_for_us},
      {from_to("2001:db8::7", "fd05::"), DropReason::not_for_us},
      {from_to("192.0.2.7", "224.0.0.1"), DropReason::multicast},
      {from_to("192.0.2.7", "255.255.255.255"), DropReason::multicast},
      {from_to("2001:db8::7", "ff02::1"), DropReason::multicast},
      {from_to("10.0.5.101", "10.0.5.101"), DropReason::land_attack},
      {from_to("10.0.5.102", "10.0.5.101"), DropReason::bad_source_address},
      {from_to("fd05::7", "fd05::101"), DropReason::bad_source_address},
      {from_to("10.0.5.255", "10.0.5.101"), DropReason::bad_source_address},
      {from_to("10.0.5.0", "10.0.5.101"), DropReason::bad_source_address},
      {from_to("127.0.0.1", "10.0.5.101"), DropReason::bad_source_address},
      {from_to("224.0.0.9", "10.0.5.101"), DropReason::bad_source_address},
  };
  for (const auto& [flow, reason] : cases) {
    EXPECT_EQ(gives(flow, text(wire::kSyn, 1)), reason) << flow.local.to_string();
    EXPECT_TRUE(host().is_silent());
  }
  EXPECT_EQ(shard().connections(), 0U);
}

TEST_F(ShardTest, TheKernelsOwnAddressMayTalkToUs) {
  listens();
  FlowKey flow = v4_flow();
  flow.remote = *IpAddress::parse("10.0.5.100");
  opens(flow);
  EXPECT_EQ(app.heard, "open");
}

TEST_F(ShardTest, NamesWhatItHasNoUseFor) {
  const FlowKey flow = v4_flow();
  wire::IcmpHeader icmp;
  icmp.type = wire::icmp_v4::kSourceQuench;  // RFC 9293 MUST-55
  EXPECT_EQ(host().gives(icmp_packet(flow.remote, flow.local, icmp, kBytes)),
            DropReason::unhandled_icmp);
  icmp.type = wire::icmp_v4::kUnreachable;
  EXPECT_EQ(host().gives(icmp_packet(flow.remote, flow.local, icmp, kBytes)),
            DropReason::bad_icmp_header);
  EXPECT_TRUE(host().is_silent());
}

// --- limits -----------------------------------------------------------------------------------

TEST_F(ShardTest, TheBacklogIsBounded) {
  listens(80, 2);
  half_opens(v4_flow(5000));
  half_opens(v4_flow(5001));
  EXPECT_EQ(shard().stats().half_open, 2U);
  EXPECT_EQ(gives(v4_flow(5002), text(wire::kSyn, 1)), DropReason::backlog_full);
  EXPECT_EQ(gives(v4_flow(5000), text(wire::kRst, 1001)), DropReason::none);
  host().takes();
  half_opens(v4_flow(5002));
}

TEST_F(ShardTest, ConnectionsAreBounded) {
  ShardOptions options = shard_options();
  options.max_connections = 3;
  make(options);
  listens();
  for (std::uint16_t port = 1; port <= 3; ++port) opens(v4_flow(port));
  EXPECT_EQ(gives(v4_flow(4), text(wire::kSyn, 1)), DropReason::connection_limit);
  EXPECT_TRUE(host().is_silent());
  Witness late;
  host().command(ConnectCommand{{v4_flow().remote, 80, {}}, &late});
  EXPECT_EQ(late.heard, "failed(the connection limit is reached)");
}

TEST_F(ShardTest, NullFromTheAcceptorRefuses) {
  listens();
  accepts = false;
  const std::uint32_t ours = half_opens(v4_flow()) + 1;
  EXPECT_EQ(gives(v4_flow(), text(wire::kAck, 1001, ours)), DropReason::none);
  const SentPacket reset = host().takes_one();
  EXPECT_TRUE(reset.packet.tcp.has(wire::kRst));
  EXPECT_EQ(reset.packet.tcp.sequence, ours);
  EXPECT_EQ(app.heard, "");
  EXPECT_EQ(shard().connections(), 0U);
  EXPECT_EQ(shard().stats().accepted, 0U);
  EXPECT_EQ(shard().stats().aborted, 1U);
}

// --- connecting -------------------------------------------------------------------------------

TEST_F(ShardTest, ConnectsAndIsRefused) {
  host().command(ConnectCommand{{v6_flow().remote, 443, {}}, &app});
  const SentPacket syn = host().takes_one();
  EXPECT_EQ(syn.packet.tcp.flags, wire::kSyn);
  EXPECT_EQ(syn.packet.source, *IpAddress::parse("fd05::101"));
  EXPECT_EQ(syn.packet.tcp.destination_port, 443);
  const FlowKey flow = v6_flow(443, syn.packet.tcp.source_port);
  gives(flow, text(wire::kRst | wire::kAck, 0, syn.packet.tcp.sequence + 1));
  EXPECT_TRUE(host().is_silent());
  EXPECT_EQ(app.heard, "closed(refused)");
  EXPECT_EQ(shard().stats().refused, 1U);
  EXPECT_EQ(shard().connections(), 0U);
}

TEST_F(ShardTest, SaysWhyItCannotConnect) {
  const auto reason = [this](std::string_view to, std::uint16_t port, std::string_view from = {}) {
    Witness witness;
    ConnectOptions options{*IpAddress::parse(to), port, IpAddress::parse(from)};
    host().command(ConnectCommand{options, &witness});
    return witness.heard;
  };
  EXPECT_EQ(reason("224.0.0.1", 80), "failed(no such remote address)");  // RFC 9293 MUST-46
  EXPECT_EQ(reason("0.0.0.0", 80), "failed(no such remote address)");
  EXPECT_EQ(reason("192.0.2.7", 0), "failed(no such remote address)");
  EXPECT_EQ(reason("192.0.2.7", 80, "fd05::101"), "failed(no such remote address)");
  EXPECT_EQ(reason("192.0.2.7", 80, "10.0.5.100"), "failed(no local address of that family)");
  EXPECT_EQ(shard().connections(), 0U);
  EXPECT_TRUE(host().is_silent());
}

// --- TIME-WAIT --------------------------------------------------------------------------------

TEST_F(ShardTest, TimeWaitAnswersAndExpires) {
  listens();
  const std::uint32_t ours = waits(v4_flow());
  EXPECT_EQ(app.heard, "open closed(closed)");
  EXPECT_EQ(gives(v4_flow(), text(wire::kFin | wire::kAck, 1001, ours)), DropReason::none);
  EXPECT_EQ(host().takes_one().packet.tcp.acknowledgment, 1002U);
  host().passes(Duration::seconds(59));
  EXPECT_EQ(shard().stats().time_waits, 1U) << "the FIN began the wait anew";
  host().passes(Duration::seconds(2));
  EXPECT_EQ(shard().stats().time_waits, 0U);
  EXPECT_EQ(gives(v4_flow(), text(wire::kAck, 1002, ours)), DropReason::no_listener);
  EXPECT_TRUE(host().takes_one().packet.tcp.has(wire::kRst));
}

TEST_F(ShardTest, TimeWaitLetsANewIncarnationIn) {  // RFC 9293 MAY-2
  listens();
  const std::uint32_t ours = waits(v4_flow());
  EXPECT_EQ(gives(v4_flow(), text(wire::kSyn, 900)), DropReason::none) << "an old SYN";
  EXPECT_EQ(host().takes_one().packet.tcp.flags, wire::kAck);
  EXPECT_EQ(gives(v4_flow(), text(wire::kSyn, 5000)), DropReason::none);
  const SentPacket answer = host().takes_one();
  EXPECT_EQ(answer.packet.tcp.flags, wire::kSyn | wire::kAck);
  EXPECT_GT(static_cast<std::int32_t>(answer.packet.tcp.sequence - ours), 65'535);
  EXPECT_EQ(shard().stats().time_waits, 0U);
}

TEST_F(ShardTest, TheOldestTimeWaitMakesRoom) {
  ShardOptions options = shard_options();
  options.max_time_waits = 1;
  make(options);
  listens();
  waits(v4_flow(1));
  waits(v4_flow(2));
  EXPECT_EQ(shard().stats().time_wait_recycled, 1U);
  EXPECT_EQ(gives(v4_flow(1), text(wire::kAck, 1002, 1)), DropReason::no_listener);
  host().takes();
}

// --- ICMP errors ------------------------------------------------------------------------------

class IcmpErrorTest : public ShardTest {
 protected:
  // One segment of 1000 bytes is in flight, the shard's MTU is 1500.
  PacketBytes in_flight(const FlowKey& flow) {
    listens();
    opens(flow);
    const std::vector<std::uint8_t> bytes(1000);
    app.stream->send(Bytes(bytes));
    return host().takes_one().bytes;
  }
  DropReason complains(const FlowKey& flow, std::uint8_t type, std::uint8_t code,
                       const PacketBytes& about, std::uint32_t rest = 0) {
    const wire::IcmpHeader icmp{type, code, rest};
    return host().gives(
        icmp_packet(*IpAddress::parse(flow.local.is_v4() ? "192.0.2.254" : "2001:db8::fe"),
                    flow.local, icmp, quote_of(about)));
  }
};

TEST_F(IcmpErrorTest, PacketTooBigShrinksTheSegments) {  // RFC 1191, RFC 8201
  for (const FlowKey& flow : {v4_flow(), v6_flow()}) {
    const bool v4 = flow.local.is_v4();
    const PacketBytes sent = in_flight(flow);
    const std::uint32_t mtu = v4 ? 600 : 1280;
    EXPECT_EQ(complains(flow, v4 ? 3 : 2, v4 ? 4 : 0, sent, mtu), DropReason::none);
    EXPECT_EQ(app.stream->snapshot().snd_mss, v4 ? 560U : 1220U);
    for (const SentPacket& again : host().takes()) {
      EXPECT_LE(again.bytes.size(), wire::kVirtioNetHeaderSize + mtu);
    }
    app.stream->abort();
    host().takes();
  }
}

TEST_F(IcmpErrorTest, WhatIsNotInFlightIsForged) {  // RFC 5927 R5927-1
  PacketBytes sent = in_flight(v4_flow());
  const std::size_t sequence = wire::kVirtioNetHeaderSize + 24;
  store_be32(&sent[sequence], load_be32(&sent[sequence]) + 100'000);
  EXPECT_EQ(complains(v4_flow(), 3, 4, sent, 600), DropReason::icmp_out_of_window);
  store_be16(&sent[sequence - 4], 81);  // another port
  EXPECT_EQ(complains(v4_flow(), 3, 4, sent, 600), DropReason::icmp_unknown_flow);
}

TEST_F(IcmpErrorTest, AHardErrorEndsAnAttemptAndNothingElse) {  // RFC 9293 SHLD-26, RFC 5927
  EXPECT_EQ(complains(v4_flow(), 3, 3, in_flight(v4_flow())), DropReason::none);
  EXPECT_EQ(app.stream->stats().state, tcp::State::established);
  Witness attempt;
  host().command(ConnectCommand{{v4_flow().remote, 81, {}}, &attempt});
  const PacketBytes syn = host().takes_one().bytes;
  EXPECT_EQ(complains(v4_flow(), 11, 0, syn), DropReason::none) << "time exceeded is soft";
  EXPECT_EQ(attempt.heard, "");
  EXPECT_EQ(complains(v4_flow(), 3, 3, syn), DropReason::none);
  EXPECT_TRUE(host().is_silent());
  EXPECT_EQ(attempt.heard, "closed(refused)");
}

// --- stopping and closing listeners -----------------------------------------------------------

TEST_F(ShardTest, AClosedListenerLeavesEstablishedConnections) {
  listens();
  const std::uint32_t ours = opens(v4_flow(1));
  half_opens(v4_flow(2));
  UnlistenCommand unlisten;
  unlisten.options.port = 80;
  host().command(unlisten);
  const SentPacket reset = host().takes_one();
  EXPECT_EQ(reset.packet.tcp.destination_port, 2);
  EXPECT_TRUE(reset.packet.tcp.has(wire::kRst));
  EXPECT_EQ(gives(v4_flow(3), text(wire::kSyn, 1)), DropReason::no_listener);
  host().takes();
  EXPECT_EQ(gives(v4_flow(1), text(wire::kAck, 1001, ours, "hello")), DropReason::none);
  EXPECT_EQ(app.text, "hello");
}

TEST_F(ShardTest, StopsInPhases) {
  listens();
  const std::uint32_t ours = opens(v4_flow(1));
  half_opens(v4_flow(2));
  host().command(StopCommand{StopPhase::drain});
  const std::vector<SentPacket> said = host().takes();
  ASSERT_EQ(said.size(), 2U);
  EXPECT_EQ(said[0].packet.tcp.flags, wire::kFin | wire::kAck);
  EXPECT_TRUE(said[1].packet.tcp.has(wire::kRst));
  EXPECT_EQ(gives(v4_flow(3), text(wire::kSyn, 1)), DropReason::no_listener);
  host().takes();
  Witness late;
  host().command(ConnectCommand{{v4_flow().remote, 80, {}}, &late});
  EXPECT_EQ(late.heard, "failed(the engine is stopping)");
  gives(v4_flow(1), text(wire::kAck, 1001, ours + 1));
  EXPECT_EQ(shard().connections(), 1U) << "the peer may go on";
  host().command(StopCommand{StopPhase::abort});
  EXPECT_TRUE(host().takes_one().packet.tcp.has(wire::kRst));
  EXPECT_EQ(app.heard, "open closed(aborted)");
  EXPECT_EQ(shard().connections(), 0U);
}

}  // namespace
}  // namespace sluice::test
