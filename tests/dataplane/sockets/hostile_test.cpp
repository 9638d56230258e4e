// Callers and peers who mean no good.
#include <sys/mman.h>

#include "tests/dataplane/sockets/lone_stack.hpp"

namespace sluice::test {
namespace {

// Readable zeroes that cost no memory.
class ManyBytes {
 public:
  explicit ManyBytes(std::size_t size)
      : size_(size),
        bytes_(mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)) {
  }
  ~ManyBytes() {
    if (bytes_ != MAP_FAILED) munmap(bytes_, size_);
  }
  ManyBytes(const ManyBytes&) = delete;
  ManyBytes& operator=(const ManyBytes&) = delete;
  const void* get() const { return bytes_ == MAP_FAILED ? nullptr : bytes_; }

 private:
  std::size_t size_;
  void* bytes_;
};

class Hostile : public LoneStack {
 protected:
  void gives_datagram(std::uint16_t port, const std::string& text) {
    const FlowKey flow{*IpAddress::parse(kOwn), *IpAddress::parse(kPeer), port, 4000};
    const std::vector<std::uint8_t> bytes(text.begin(), text.end());
    gives_bytes(udp_packet(flow, bytes));
  }
};

// Lengths are 64 bits wide everywhere.
TEST_F(Hostile, MoreThanFourGigabytesAreTakenInPart) {
  constexpr std::size_t kMore = (std::size_t{1} << 32) + 5;
  const ManyBytes many(kMore);
  if (many.get() == nullptr) GTEST_SKIP() << "no address space for so much";
  const Connection made = connects();
  const ssize_t taken = sluice_send(host.get(), made.handle, many.get(), kMore, 0);
  EXPECT_GT(taken, 10'000);
  const int datagrams = host.socket(AF_INET, SOCK_DGRAM);
  const Address to = peer();
  EXPECT_EQ(sluice_sendto(host.get(), datagrams, many.get(), kMore, 0, to.get(), to.length),
            -EMSGSIZE);
}

TEST_F(Hostile, AReceiverMayOfferMoreThanFourGigabytes) {
  const Connection made = connects();
  gives(made.flow, wire::kAck, made.theirs, made.ours, "text");
  std::array<char, 4> text{};
  EXPECT_EQ(sluice_recv(host.get(), made.handle, nullptr, std::size_t{1} << 32, MSG_TRUNC),
            -EINVAL);
  iovec pieces[2] = {{text.data(), 2}, {text.data() + 2, 2}};
  msghdr message{};
  message.msg_iov = pieces;
  message.msg_iovlen = 2;
  EXPECT_EQ(sluice_recvmsg(host.get(), made.handle, &message, 0), 4);
  EXPECT_EQ(std::string(text.data(), 4), "text");
}

// Peers who never finish their handshake leave half of the connections to others.
TEST(HostilePeers, AFloodOfSynsLeavesRoom) {
  sluice_config config = make_config("192.0.2.1");
  config.max_connections = 20;
  Host host(config);
  const int listener = host.socket();
  ASSERT_EQ(host.bind(listener, {"192.0.2.1", 80}), 0);
  ASSERT_EQ(host.listen(listener, 1000), 0);
  FlowKey flow{*IpAddress::parse("192.0.2.1"), *IpAddress::parse("203.0.113.9"), 80, 0};
  for (std::uint16_t port = 1; port <= 100; ++port) {
    flow.remote_port = port;
    TcpText syn;
    syn.flags = wire::kSyn;
    const PacketBytes packet = tcp_packet(flow, syn);
    const PacketBytes ip(packet.begin() + wire::kVirtioNetHeaderSize, packet.end());
    host.input(ip, kSecond);
  }
  EXPECT_EQ(host.output(kSecond).size(), 10U);
  EXPECT_EQ(host.connect(host.socket(), {"203.0.113.9", 80}), -EINPROGRESS);
}

// Options and text fit, whatever is lost on the way (RFC 791: 68 bytes cross every network whole).
TEST(SmallestMtu, HoldsEveryPacket) {
  constexpr std::size_t kText = 3000;
  sluice_config config = make_config("192.0.2.1");
  config.mtu = 68;
  Host client(config);
  config.addresses = "192.0.2.2";
  Host server(config);
  const int listener = server.socket();
  ASSERT_EQ(server.bind(listener, {"192.0.2.2", 80}), 0);
  ASSERT_EQ(server.listen(listener), 0);
  const int from = client.socket();
  ASSERT_EQ(client.connect(from, {"192.0.2.2", 80}), -EINPROGRESS);
  int to = -1;
  std::uint32_t packets = 0;
  const auto carry = [&packets](Host& source, Host& target, std::uint64_t now) {
    for (const PacketBytes& packet : source.output(now)) {
      EXPECT_LE(packet.size(), 68U);
      if (++packets % 7 != 0) target.input(packet, now);
    }
  };
  std::array<std::size_t, 2> received{};
  for (std::uint64_t now = kSecond; now < 600 * kSecond; now += 10 * kMillisecond) {
    carry(client, server, now);
    carry(server, client, now);
    for (Host* const host : {&client, &server}) sluice_advance(host->get(), now);
    if (to < 0 && (to = server.accept(listener)) >= 0) {
      EXPECT_EQ(client.send(from, std::string(kText, 'a')), static_cast<ssize_t>(kText));
      EXPECT_EQ(server.send(to, std::string(kText, 'b')), static_cast<ssize_t>(kText));
    }
    received[0] += server.recv(to).size();
    received[1] += client.recv(from).size();
  }
  EXPECT_EQ(received, (std::array<std::size_t, 2>{kText, kText}));
}

// Datagrams that nobody reads never take what a connection lives from.
TEST_F(Hostile, AFloodOfDatagramsStopsNoConnection) {
  const Connection made = connects();
  takes();
  for (std::uint16_t port = 1; port <= 500; ++port) {
    const int handle = host.socket(AF_INET, SOCK_DGRAM);
    ASSERT_EQ(host.bind(handle, {kOwn, port}), 0);
    EXPECT_EQ(host.set(handle, SOL_SOCKET, SO_RCVBUF, 1 << 20), 0);
  }
  const std::string text(60'000, 'x');
  for (int round = 0; round < 4; ++round) {
    for (std::uint16_t port = 1; port <= 500; ++port) {
      gives_datagram(port, round % 2 == 0 ? text : text.substr(0, 1000));
    }
  }
  gives(made.flow, wire::kAck, made.theirs, made.ours, "still there");
  EXPECT_EQ(host.recv(made.handle), "still there");
  EXPECT_EQ(host.send(made.handle, "so am I"), 7);
  EXPECT_EQ(takes_one().payload(), "so am I");
}

// A handle is used again at once, and what its last owner was to be told is nobody's.
TEST_F(Hostile, ASocketThatTakesAnothersHandleHearsNothingOfIt) {
  static int told;
  told = 0;
  const Connection first = connects();
  const Connection second = connects();
  takes();
  sluice_advance(host.get(), now);
  struct Context {
    Hostile& test;
    int other;
  } context{*this, second.handle};
  const auto replaces = [](sluice_stack* stack, int, int, void* given) {
    const Context& with = *static_cast<Context*>(given);
    EXPECT_EQ(sluice_close(stack, with.other), 0);
    EXPECT_EQ(sluice_socket(stack, AF_INET, SOCK_STREAM, 0), with.other);
  };
  const auto counts = [](sluice_stack*, int, int, void*) { ++told; };
  EXPECT_EQ(sluice_set_callback(host.get(), first.handle, replaces, &context), 0);
  EXPECT_EQ(sluice_set_callback(host.get(), second.handle, counts, nullptr), 0);
  EXPECT_EQ(sluice_advance(host.get(), now), 0);
  EXPECT_EQ(told, 0);
  EXPECT_EQ(sluice_set_callback(host.get(), first.handle, nullptr, nullptr), 0);
}

// The last instant that there is: deadlines behind it overflow nothing.
TEST_F(Hostile, TimeEndsWithoutHarm) {
  const Connection made = connects();
  EXPECT_EQ(host.set(made.handle, SOL_SOCKET, SO_KEEPALIVE, 1), 0);
  EXPECT_EQ(host.send(made.handle, "text"), 4);
  now = (std::uint64_t{1} << 62) - 1;
  EXPECT_EQ(sluice_advance(host.get(), now), 0);
  takes();
  EXPECT_GE(sluice_next_deadline(host.get()), now);
  EXPECT_EQ(host.connect(host.socket(), peer()), -EINPROGRESS);
  EXPECT_TRUE(takes_one().has(wire::kSyn));
  EXPECT_GT(sluice_next_deadline(host.get()), now);
}

}  // namespace
}  // namespace sluice::test
