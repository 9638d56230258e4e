// What an application chooses for a stream: before its first packet, and later.
#include "tests/dataplane/shard/shard_fixture.hpp"

namespace sluice::test {
namespace {

StreamOptions chosen() {
  StreamOptions options;
  options.max_segment = 600;
  options.receive_buffer = 6'000;
  options.send_buffer = 30'000;
  options.traffic_class = 0x2b;
  options.congestion = tcp::Algorithm::bbr;
  return options;
}

class StreamOptionsTest : public ShardTest {
 protected:
  void listens_with(const StreamOptions& options) {
    ListenCommand listen;
    listen.options.port = 80;
    listen.options.stream = options;
    listen.acceptor = [this](Stream&) { return &app; };
    host().command(std::move(listen));
  }
  SentPacket answer_to_syn(const FlowKey& flow) {
    EXPECT_EQ(gives(flow, text(wire::kSyn, 1000)), DropReason::none);
    return host().takes_one();
  }
  // Connects to the peer's port 5000 with `options`; returns what was sent.
  std::vector<SentPacket> connects(const ConnectOptions& options) {
    host().command(ConnectCommand{options, &app});
    return host().takes();
  }
  static ConnectOptions to_peer(std::uint16_t local_port = 0) {
    ConnectOptions options{v4_flow().remote, 5000, {}};
    options.local_port = local_port;
    return options;
  }
};

TEST_F(StreamOptionsTest, AListenersConnectionsHaveThemFromTheSynAckOn) {
  listens_with(chosen());
  const SentPacket answer = answer_to_syn(v4_flow());
  EXPECT_EQ(answer.packet.tcp.options.mss, 600);
  EXPECT_EQ(answer.packet.tcp.window, 6'000);
  EXPECT_EQ(answer.packet.traffic_class, 0x28) << "without the bits of ECN";
  gives(v4_flow(), text(wire::kAck, 1001, answer.packet.tcp.sequence + 1));
  const StreamStats stats = app.stream->stats();
  EXPECT_EQ(stats.congestion, "bbr");
  EXPECT_EQ(stats.receive_buffer, 6'000U);
  EXPECT_EQ(stats.send_buffer, 30'000U);
}

TEST_F(StreamOptionsTest, ConnectBeginsWithThem) {
  ConnectOptions options = to_peer();
  options.stream = chosen();
  const std::vector<SentPacket> sent = connects(options);
  ASSERT_EQ(sent.size(), 1U);
  const wire::Packet& syn = sent[0].packet;
  EXPECT_EQ(syn.tcp.flags, wire::kSyn);
  EXPECT_EQ(syn.tcp.options.mss, 600);
  EXPECT_EQ(syn.tcp.options.window_scale, 0) << "6,000 bytes can be told without";
  EXPECT_EQ(syn.tcp.window, 6'000);
  EXPECT_EQ(syn.traffic_class, 0x28);
}

TEST_F(StreamOptionsTest, OnlyConnectionsThatComeLaterAreTuned) {
  listens_with({});
  EXPECT_EQ(answer_to_syn(v4_flow(1)).packet.tcp.options.mss, 1460);
  TuneCommand tune;
  tune.options.port = 80;
  tune.options.stream.max_segment = 500;
  host().command(tune);
  EXPECT_EQ(answer_to_syn(v4_flow(2)).packet.tcp.options.mss, 500);
  EXPECT_EQ(answer_to_syn(v6_flow(3)).packet.tcp.options.mss, 500);
  tune.options.stream = {};
  host().command(tune);
  EXPECT_EQ(answer_to_syn(v4_flow(4)).packet.tcp.options.mss, 1460);
}

TEST_F(StreamOptionsTest, TuningNobodyChangesNothing) {
  listens_with({});
  TuneCommand tune;
  tune.options.stream.max_segment = 500;
  tune.options.port = 81;
  host().command(tune);
  tune.options.port = 80;
  tune.options.address = v4_flow().local;
  host().command(tune);
  EXPECT_EQ(answer_to_syn(v4_flow()).packet.tcp.options.mss, 1460);
}

TEST_F(StreamOptionsTest, WhatIsOutOfBoundsIsBroughtIn) {
  StreamOptions odd;
  odd.max_segment = 1;
  odd.receive_buffer = 1;
  odd.send_buffer = UINT32_MAX;
  odd.traffic_class = 0xff;
  listens_with(odd);
  const SentPacket answer = answer_to_syn(v4_flow());
  EXPECT_EQ(answer.packet.tcp.options.mss, 48);
  EXPECT_EQ(answer.packet.tcp.window, kLeastBufferBytes);
  EXPECT_EQ(answer.packet.traffic_class, 0xfc);
  gives(v4_flow(), text(wire::kAck, 1001, answer.packet.tcp.sequence + 1));
  EXPECT_EQ(app.stream->stats().send_buffer, kMostBufferBytes);
}

// --- local ports ------------------------------------------------------------------------------

TEST_F(StreamOptionsTest, TheLocalPortIsTheOneAskedFor) {
  const std::vector<SentPacket> sent = connects(to_peer(4711));
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].packet.tcp.source_port, 4711);
  EXPECT_EQ(sent[0].packet.tcp.destination_port, 5000);
}

TEST_F(StreamOptionsTest, ALocalPortInUseIsRefused) {
  listens();
  EXPECT_TRUE(connects(to_peer(80)).empty()) << "somebody listens there";
  EXPECT_EQ(connects(to_peer(4711)).size(), 1U);
  EXPECT_TRUE(connects(to_peer(4711)).empty()) << "to the same peer";
  ConnectOptions other = to_peer(4711);
  other.port = 5001;
  EXPECT_EQ(connects(other).size(), 1U) << "another flow";
  EXPECT_EQ(app.heard, "failed(the local port is in use) failed(the local port is in use)");
}

// --- later ------------------------------------------------------------------------------------

TEST_F(StreamOptionsTest, SettersReachTheNextPacket) {
  listens();
  opens(v4_flow());
  app.stream->set_traffic_class(0x51);
  app.stream->set_max_segment(100);
  app.stream->set_nodelay(true);
  app.stream->send(Bytes(std::vector<std::uint8_t>(150)));
  const std::vector<SentPacket> said = host().takes();
  ASSERT_EQ(said.size(), 2U);
  EXPECT_EQ(said[0].packet.payload_length, 100);
  EXPECT_EQ(said[1].packet.payload_length, 50);
  EXPECT_EQ(said[0].packet.traffic_class, 0x50);
}

TEST_F(StreamOptionsTest, NagleGivesWayAtOnce) {
  listens();
  opens(v4_flow());
  app.stream->send(Bytes(std::vector<std::uint8_t>(10)));
  EXPECT_EQ(host().takes().size(), 1U);
  app.stream->send(Bytes(std::vector<std::uint8_t>(10)));
  EXPECT_TRUE(host().is_silent()) << "Nagle waits for the ACK";
  app.stream->set_nodelay(true);
  EXPECT_EQ(host().takes().size(), 1U);
}

TEST_F(StreamOptionsTest, BuffersAreOfTheSizeThatWasSet) {
  listens();
  opens(v4_flow());
  app.stream->set_send_buffer(10'000);
  app.stream->set_receive_buffer(1);
  EXPECT_EQ(app.stream->stats().send_buffer, 10'000U);
  EXPECT_EQ(app.stream->stats().receive_buffer, kLeastBufferBytes);
  EXPECT_EQ(app.stream->send(Bytes(std::vector<std::uint8_t>(20'000))), 10'000U);
}

TEST_F(StreamOptionsTest, TheLowWaterMarkHoldsBackWhatCannotGo) {
  listens();
  const std::uint32_t ours = opens(v4_flow());
  app.stream->set_unsent_low_water(1000);
  const std::vector<std::uint8_t> bytes(1 << 20);
  std::uint32_t taken = app.stream->send(Bytes(bytes));
  host().takes();
  taken += app.stream->send(Bytes(bytes));
  host().takes();
  EXPECT_LT(taken, 200'000U);
  EXPECT_EQ(app.stream->send_space(), 0U);
  app.stream->set_unsent_low_water(0);
  EXPECT_GT(app.stream->send_space(), 200'000U);
  gives(v4_flow(), text(wire::kRst, 1001, ours));
}

// --- how it stands ----------------------------------------------------------------------------

TEST_F(StreamOptionsTest, StatsAndSnapshotTellOfTheSameConnection) {
  listens();
  const std::uint32_t ours = opens(v4_flow());
  const StreamStats idle = app.stream->stats();
  EXPECT_EQ(idle.state, tcp::State::established);
  EXPECT_EQ(idle.in_flight, 0U);
  app.stream->send(Bytes(std::vector<std::uint8_t>(300)));
  host().takes();
  EXPECT_EQ(app.stream->stats().in_flight, 300U);
  tcp::Snapshot snapshot = app.stream->snapshot();
  EXPECT_EQ(snapshot.state, tcp::State::established);
  EXPECT_EQ(snapshot.unacked, 1U);
  EXPECT_EQ(snapshot.bytes_acked, 0U);
  host().passes(Duration::milliseconds(10));
  gives(v4_flow(), text(wire::kAck, 1001, ours + 300));
  EXPECT_EQ(app.stream->stats().in_flight, 0U);
  snapshot = app.stream->snapshot();
  EXPECT_EQ(snapshot.bytes_acked, 300U);
  EXPECT_EQ(snapshot.unacked, 0U);
  EXPECT_EQ(snapshot.rtt.us(), app.stream->stats().smoothed_rtt_us);
  EXPECT_GT(snapshot.rtt, Duration());
}

TEST_F(StreamOptionsTest, AStreamKnowsWhenItBegan) {
  listens();
  const std::uint32_t ours = half_opens(v4_flow());
  const Instant syn_at = host().now();
  host().passes(Duration::milliseconds(300));
  gives(v4_flow(), text(wire::kAck, 1001, ours + 1));
  EXPECT_EQ(app.stream->began(), syn_at);
}

}  // namespace
}  // namespace sluice::test
