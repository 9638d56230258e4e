// Whom a shard answers, and that a flood of answers leaves room for connections.
#include "tests/dataplane/shard/shard_fixture.hpp"
#include "tests/support/fragments.hpp"

namespace sluice::test {
namespace {

constexpr std::uint16_t kPort = 5678;  // of udp_packet()
const std::array<std::uint8_t, 5> kBytes{1, 2, 3, 4, 5};

wire::IcmpHeader icmp_of(std::uint8_t type) {
  wire::IcmpHeader icmp;
  icmp.type = type;
  return icmp;
}

class ShardAnswers : public ShardTest {
 protected:
  void SetUp() override {
    ShardOptions options = shard_options();
    options.frames = &frames_;
    make(options);
  }
  // The first fragment of an ICMP message to us, of which nothing else comes in time.
  void gives_first_fragment(const FlowKey& flow, std::uint8_t type) {
    const std::vector<std::uint8_t> payload(64);
    const PacketBytes message = icmp_packet(flow.remote, flow.local, icmp_of(type), payload);
    const ByteVector whole(message.begin() + wire::kVirtioNetHeaderSize, message.end());
    const ByteVector piece =
        flow.local.is_v4() ? fragment_v4(whole, {0, 48}) : fragment_v6(whole, {0, 48}, 7);
    Frame* const frame = frames_.take();
    std::copy(piece.begin(), piece.end(), frame->data);
    const Slice ip(*frame, 0, static_cast<std::uint32_t>(piece.size()));
    EXPECT_TRUE(shard().join(ip, host().now()).empty());
    host().passes(Duration::seconds(61));
    EXPECT_EQ(host().dropped(DropReason::fragment_timeout), ++timeouts_);
  }

 private:
  FramePool frames_{4, wire::kVirtioNetHeaderSize + 65'535};
  std::uint64_t timeouts_ = 0;
};

TEST_F(ShardAnswers, RFC1122_R1122_4_SaysThatAFragmentHasWaitedInVain) {
  gives_first_fragment(v4_flow(), wire::icmp_v4::kEcho);
  EXPECT_EQ(host().takes_one().packet.icmp.type, wire::icmp_v4::kTimeExceeded);
  gives_first_fragment(v6_flow(), wire::icmp_v6::kEcho);
  EXPECT_EQ(host().takes_one().packet.icmp.type, wire::icmp_v6::kTimeExceeded);
}

TEST_F(ShardAnswers, NoErrorFollowsOnAnError) {  // RFC 1122 3.2.2, RFC 4443 2.4 (e)
  for (const auto type : {wire::icmp_v4::kUnreachable, wire::icmp_v4::kTimeExceeded}) {
    gives_first_fragment(v4_flow(), type);
    EXPECT_TRUE(host().is_silent());
  }
  for (const auto type : {wire::icmp_v6::kUnreachable, wire::icmp_v6::kTimeExceeded}) {
    gives_first_fragment(v6_flow(), type);
    EXPECT_TRUE(host().is_silent());
  }
}

TEST_F(ShardAnswers, NoErrorGoesToAnAddressOfOurs) {
  FlowKey flow = v4_flow();
  for (const char* const remote : {"10.0.5.7", "10.0.5.0", "10.0.5.255"}) {
    flow.remote = *IpAddress::parse(remote);
    gives_first_fragment(flow, wire::icmp_v4::kEcho);
    EXPECT_TRUE(host().is_silent()) << remote;
    EXPECT_EQ(host().gives(udp_packet(flow.remote, flow.local, kBytes)),
              DropReason::bad_source_address);
    EXPECT_TRUE(host().is_silent()) << remote;
  }
}

// A turn takes in more than it sends: the worker's own packets, and those handed over.
TEST_F(ShardAnswers, AFloodOfResetsLeavesRoomForConnections) {
  listens();
  opens(v4_flow());
  const std::vector<std::uint8_t> bytes(50'000);
  app.stream->send(Bytes(bytes));
  TxBatch batch(64);
  int segments = 0;
  for (int turn = 0; turn < 20; ++turn) {
    for (int i = 0; i < 80; ++i) gives(v4_flow(6000, 81), text(wire::kSyn, 1));
    shard().fill(batch, host().now());
    for (TxPacket* const packet : batch.pushed()) {
      segments += packet->pieces > 0 ? 1 : 0;  // a reset has no payload
      batch.complete(*packet);
    }
    batch.forget_pushed();
  }
  EXPECT_EQ(segments, 10) << "the initial window";
  app.stream->abort();
  host().takes();
}

// --- sockets ----------------------------------------------------------------------------------

class Listener final : public DatagramEvents {
 public:
  void on_bound(DatagramSocket& bound) override { socket = &bound; }
  void on_datagram(DatagramSocket&, const Datagram&) override { ++heard; }
  DatagramSocket* socket = nullptr;
  int heard = 0;
};

// Work that the application has posted may still use its socket.
TEST_F(ShardAnswers, ASocketLivesAsLongAsTheShard) {
  Listener listener;
  host().command(BindCommand{{{}, kPort}, &listener});
  host().command(StopCommand{StopPhase::drain});
  host().command(StopCommand{StopPhase::abort});
  host().command(
      PostCommand{[&] { EXPECT_TRUE(listener.socket->send(v4_flow(), Bytes(kBytes))); }});
  EXPECT_EQ(host().takes_one().packet.udp.source_port, kPort);
  EXPECT_EQ(host().gives(udp_packet(v4_flow().remote, v4_flow().local, kBytes)), DropReason::none);
  EXPECT_EQ(listener.heard, 1);
}

}  // namespace
}  // namespace sluice::test
