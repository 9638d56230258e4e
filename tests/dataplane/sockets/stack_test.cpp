// The stack as a whole: configuration, packets, time, offloads, statistics, hostile calls.
#include "proto/wire/checksum.hpp"
#include "tests/dataplane/sockets/lone_stack.hpp"

namespace sluice::test {
namespace {

// --- configuration
// ----------------------------------------------------------------------------------

TEST(StackConfig, HasTwoProfiles) {
  sluice_config config;
  EXPECT_EQ(sluice_config_init(&config, sizeof config, "linux"), 0);
  EXPECT_EQ(config.size, sizeof config);
  EXPECT_EQ(config.addresses, nullptr);
  EXPECT_EQ(config.syn_retries, 6U);
  EXPECT_EQ(config.min_rto_us, 200'000U);
  EXPECT_EQ(sluice_config_init(&config, sizeof config, "strict"), 0);
  EXPECT_EQ(config.min_rto_us, 1'000'000U);
  EXPECT_EQ(config.quick_acks, 0U);
  EXPECT_EQ(sluice_config_init(&config, sizeof config, "bsd"), -EINVAL);
  EXPECT_EQ(sluice_config_init(&config, sizeof config, nullptr), -EINVAL);
  EXPECT_EQ(sluice_config_init(nullptr, sizeof config, "linux"), -EINVAL);
  for (const std::size_t size : {0, 3, 7, 9, 20, 31}) {  // the last cut a pointer in two
    EXPECT_EQ(sluice_config_init(&config, size, "linux"), -EINVAL) << size;
  }
}

TEST(StackConfig, OfAnOlderCallerIsFilledUp) {
  std::array<std::uint8_t, 64> room;
  room.fill(0xaa);
  auto* const config = reinterpret_cast<sluice_config*>(room.data());
  const std::size_t size = offsetof(sluice_config, max_memory);
  EXPECT_EQ(sluice_config_init(config, size, "linux"), 0);
  EXPECT_EQ(room[size], 0xaa);
  config->addresses = "192.0.2.1";
  sluice_stack* stack = nullptr;
  EXPECT_EQ(sluice_stack_create(config, &stack), 0) << sluice_config_problem(config);
  EXPECT_EQ(sluice_stack_destroy(stack), 0);
}

struct Mistake {
  std::string_view name;
  void (*make)(sluice_config& config);
};

TEST(StackConfig, NamesWhatIsWrong) {
  const std::array mistakes{
      Mistake{"addresses", [](sluice_config& c) { c.addresses = nullptr; }},
      Mistake{"addresses", [](sluice_config& c) { c.addresses = ""; }},
      Mistake{"addresses", [](sluice_config& c) { c.addresses = "192.0.2.1/24"; }},
      Mistake{"addresses", [](sluice_config& c) { c.addresses = "224.0.0.1"; }},
      Mistake{"addresses", [](sluice_config& c) { c.addresses = "127.0.0.1"; }},
      Mistake{"mtu", [](sluice_config& c) { c.mtu = 67; }},
      Mistake{"mtu", [](sluice_config& c) { c.mtu = 65'536; }},
      Mistake{"mtu", [](sluice_config& c) { c.addresses = "2001:db8::1", c.mtu = 1279; }},
      Mistake{"max_sockets", [](sluice_config& c) { c.max_sockets = 0; }},
      Mistake{"max_connections", [](sluice_config& c) { c.max_connections = 0; }},
      Mistake{"max_memory", [](sluice_config& c) { c.max_memory = 1000; }},
      Mistake{"strict", [](sluice_config& c) { c.strict = 2; }},
      Mistake{"segmentation_offload", [](sluice_config& c) { c.segmentation_offload = 1; }},
      Mistake{"ttl", [](sluice_config& c) { c.ttl = 0; }},
      Mistake{"first_ephemeral_port", [](sluice_config& c) { c.first_ephemeral_port = 0; }},
      Mistake{"last_ephemeral_port", [](sluice_config& c) { c.last_ephemeral_port = 5; }},
      Mistake{"sack", [](sluice_config& c) { c.sack = 2; }},
      Mistake{"ecn", [](sluice_config& c) { c.ecn = 3; }},
      Mistake{"window_scale", [](sluice_config& c) { c.window_scale = 15; }},
      Mistake{"congestion", [](sluice_config& c) { c.congestion = "vegas"; }},
      Mistake{"congestion", [](sluice_config& c) { c.congestion = nullptr; }},
      Mistake{"initial_window", [](sluice_config& c) { c.initial_window = 0; }},
      Mistake{"receive_buffer", [](sluice_config& c) { c.receive_buffer = 100; }},
      Mistake{"max_receive_buffer", [](sluice_config& c) { c.max_receive_buffer = 5000; }},
      Mistake{"min_rto_us", [](sluice_config& c) { c.min_rto_us = 0; }},
      Mistake{"max_rto_us", [](sluice_config& c) { c.max_rto_us = 1; }},
      Mistake{"delayed_ack_us", [](sluice_config& c) { c.delayed_ack_us = 500'000; }},
      Mistake{"keepalive_probes", [](sluice_config& c) { c.keepalive_probes = 0; }},
  };
  for (const Mistake& mistake : mistakes) {
    sluice_config config = make_config("192.0.2.1");
    EXPECT_STREQ(sluice_config_problem(&config), "");
    mistake.make(config);
    const std::string problem = sluice_config_problem(&config);
    EXPECT_TRUE(problem.starts_with(std::string(mistake.name) + ":")) << problem;
    sluice_stack* stack = reinterpret_cast<sluice_stack*>(1);
    EXPECT_EQ(sluice_stack_create(&config, &stack), -EINVAL);
    EXPECT_EQ(stack, nullptr);
  }
}

TEST(StackConfig, NothingIsNoConfiguration) {
  sluice_stack* stack = nullptr;
  sluice_config config = make_config("192.0.2.1");
  EXPECT_EQ(sluice_stack_create(nullptr, &stack), -EINVAL);
  EXPECT_EQ(sluice_stack_create(&config, nullptr), -EINVAL);
  config.size = 0;
  EXPECT_EQ(sluice_stack_create(&config, &stack), -EINVAL);
  EXPECT_STRNE(sluice_config_problem(nullptr), "");
  EXPECT_STRNE(sluice_config_problem(&config), "");
  EXPECT_EQ(sluice_stack_destroy(nullptr), 0);
}

TEST(StackConfig, ASeedRepeatsEverything) {
  const auto syn = [](std::uint64_t seed) {
    sluice_config config = make_config("192.0.2.1");
    config.seed = seed;
    Host host{config};
    EXPECT_EQ(host.connect(host.socket(), {"203.0.113.9", 80}), -EINPROGRESS);
    return host.output(kSecond).at(0);
  };
  EXPECT_EQ(syn(7), syn(7));
  EXPECT_NE(syn(7), syn(8));
  EXPECT_NE(syn(0), syn(0));  // from the kernel
}

TEST(StackConfig, SecretsAreTheCallers) {
  std::array<std::uint8_t, 48> secrets;
  const auto syn = [&secrets](std::uint8_t value) {
    secrets.fill(value);
    sluice_config config = make_config("192.0.2.1");
    config.secrets = secrets.data();
    Host host{config};
    const int handle = host.socket();
    EXPECT_EQ(host.bind(handle, {"192.0.2.1", 4000}), 0);
    EXPECT_EQ(host.connect(handle, {"203.0.113.9", 80}), -EINPROGRESS);
    return host.output(kSecond).at(0);
  };
  EXPECT_EQ(syn(1), syn(1));
  EXPECT_NE(syn(1), syn(2));
}

TEST(StackConfig, TwoStacksShareNothing) {
  Host first{make_config("192.0.2.1")};
  Host second{make_config("192.0.2.1")};
  EXPECT_EQ(first.bind(first.socket(), {"192.0.2.1", 80}), 0);
  EXPECT_EQ(second.bind(second.socket(), {"192.0.2.1", 80}), 0);
}

// --- any address
// ------------------------------------------------------------------------------------

class StackAny : public LoneStack {
 protected:
  StackAny() { EXPECT_EQ(sluice_stack_create(&config_, &any_), 0); }
  ~StackAny() override { sluice_stack_destroy(any_); }
  sluice_config config_ = make_config("any");
  sluice_stack* any_ = nullptr;
};

TEST_F(StackAny, AnswersFromWhateverIsAsked) {
  const int listener = sluice_socket(any_, AF_INET, SOCK_STREAM, 0);
  const Address everywhere("0.0.0.0", 80);
  ASSERT_EQ(sluice_bind(any_, listener, everywhere.get(), everywhere.length), 0);
  ASSERT_EQ(sluice_listen(any_, listener, 5), 0);
  for (const char* asked : {"192.0.2.1", "198.51.100.77"}) {
    const FlowKey flow{*IpAddress::parse(asked), *IpAddress::parse(kPeer), 80, 6000};
    TcpText text;
    text.flags = wire::kSyn;
    const PacketBytes bytes = tcp_packet(flow, text);
    ASSERT_EQ(sluice_input(any_, bytes.data() + wire::kVirtioNetHeaderSize,
                           bytes.size() - wire::kVirtioNetHeaderSize, now),
              0);
    PacketBytes answer(2000);
    const ssize_t length = sluice_output(any_, answer.data(), answer.size(), now);
    ASSERT_GT(length, 0);
    answer.resize(static_cast<std::size_t>(length));
    wire::Packet packet;
    ASSERT_EQ(wire::parse_packet(answer, {}, packet), DropReason::none);
    EXPECT_EQ(packet.source.to_string(), asked);
  }
}

TEST_F(StackAny, ConnectsFromAnAddressThatIsBound) {
  const int handle = sluice_socket(any_, AF_INET, SOCK_STREAM, 0);
  const Address there = peer();
  EXPECT_EQ(sluice_connect(any_, handle, there.get(), there.length), -ENETUNREACH);
  const Address own("198.51.100.77", 0);
  EXPECT_EQ(sluice_bind(any_, handle, own.get(), own.length), 0);
  EXPECT_EQ(sluice_connect(any_, handle, there.get(), there.length), -EINPROGRESS);
}

TEST(StackAnyAndSome, ConnectsFromTheOneThatIsNamed) {
  Host host{make_config("any 192.0.2.7")};
  const int handle = host.socket();
  EXPECT_EQ(host.connect(handle, {"203.0.113.9", 80}), -EINPROGRESS);
  EXPECT_TRUE(host.local_name(handle).starts_with("192.0.2.7:"));
}

// --- packets and time
// -------------------------------------------------------------------------------

class StackPackets : public LoneStack {};

TEST_F(StackPackets, ThatAreNoGoodAreCounted) {
  const std::array<std::uint8_t, 60> junk{0x45};
  EXPECT_EQ(sluice_input(host.get(), junk.data(), junk.size(), now), 0);
  EXPECT_EQ(sluice_input(host.get(), junk.data(), 0, now), 0);
  const PacketBytes large(65'536);
  EXPECT_EQ(sluice_input(host.get(), large.data(), large.size(), now), -EINVAL);
  EXPECT_EQ(sluice_input(host.get(), nullptr, 10, now), -EINVAL);
  EXPECT_EQ(sluice_input(nullptr, junk.data(), 10, now), -EINVAL);
  sluice_stats stats{};
  stats.size = sizeof stats;
  EXPECT_EQ(sluice_stack_stats(host.get(), &stats), 0);
  EXPECT_EQ(stats.packets_dropped, 2U);
}

TEST_F(StackPackets, ABufferThatIsTooSmallLosesNothing) {
  EXPECT_EQ(host.connect(host.socket(), peer()), -EINPROGRESS);
  std::array<std::uint8_t, 2000> buffer{};
  EXPECT_EQ(sluice_output(host.get(), buffer.data(), 59, now), -EMSGSIZE);
  EXPECT_EQ(sluice_output(host.get(), buffer.data(), 0, now), -EMSGSIZE);
  EXPECT_EQ(sluice_output(host.get(), nullptr, 2000, now), -EINVAL);
  EXPECT_EQ(sluice_output(host.get(), buffer.data(), buffer.size(), now), 60);
  EXPECT_EQ(sluice_output(host.get(), buffer.data(), buffer.size(), now), 0);
}

TEST_F(StackPackets, TimeNeverGoesBack) {
  EXPECT_EQ(host.connect(host.socket(), peer()), -EINPROGRESS);
  takes();
  const std::uint64_t deadline = sluice_next_deadline(host.get());
  EXPECT_GT(deadline, now);
  EXPECT_EQ(sluice_advance(host.get(), 5), 0);
  EXPECT_EQ(sluice_next_deadline(host.get()), deadline);
  EXPECT_EQ(sluice_advance(host.get(), std::uint64_t{1} << 62), -EINVAL);
  EXPECT_EQ(sluice_advance(nullptr, 5), -EINVAL);
  EXPECT_EQ(sluice_next_deadline(nullptr), UINT64_MAX);
}

TEST_F(StackPackets, AnIdleStackHasNoDeadline) {
  EXPECT_EQ(sluice_next_deadline(host.get()), UINT64_MAX);
  listens();
  EXPECT_EQ(sluice_next_deadline(host.get()), UINT64_MAX);
}

TEST_F(StackPackets, AreCountedBothWays) {
  const Connection made = connects();
  gives(made.flow, wire::kAck, made.theirs, made.ours, "hello");
  EXPECT_EQ(host.send(made.handle, "world!"), 6);
  takes();
  gives(made.flow, wire::kAck, made.theirs + 5, made.ours + 6);
  sluice_stats stats{};
  stats.size = sizeof stats;
  ASSERT_EQ(sluice_stack_stats(host.get(), &stats), 0);
  EXPECT_EQ(stats.packets_in, 3U);
  EXPECT_EQ(stats.bytes_in, 5U);
  EXPECT_EQ(stats.bytes_out, 6U);
  EXPECT_EQ(stats.sockets, 1U);
  EXPECT_EQ(stats.connections, 1U);
  EXPECT_GT(stats.memory, 0U);
  EXPECT_EQ(sluice_stack_stats(host.get(), nullptr), -EINVAL);
  EXPECT_EQ(sluice_stack_stats(nullptr, &stats), -EINVAL);
}

TEST_F(StackPackets, HandlesAreTheSmallestThatAreFree) {
  EXPECT_EQ(host.socket(), 0);
  EXPECT_EQ(host.socket(), 1);
  EXPECT_EQ(host.socket(), 2);
  EXPECT_EQ(host.close(1), 0);
  EXPECT_EQ(host.close(0), 0);
  EXPECT_EQ(host.socket(), 0);
  EXPECT_EQ(host.socket(), 1);
  EXPECT_EQ(host.socket(), 3);
  EXPECT_EQ(host.close(-1), -EBADF);
  EXPECT_EQ(host.close(INT32_MAX), -EBADF);
}

TEST_F(StackPackets, SocketsAreOfKnownKinds) {
  EXPECT_EQ(sluice_socket(host.get(), AF_UNIX, SOCK_STREAM, 0), -EAFNOSUPPORT);
  EXPECT_EQ(sluice_socket(host.get(), AF_INET, SOCK_RAW, 0), -ESOCKTNOSUPPORT);
  EXPECT_EQ(sluice_socket(host.get(), AF_INET, 99, 0), -EINVAL);
  EXPECT_EQ(sluice_socket(host.get(), AF_INET, SOCK_STREAM, IPPROTO_UDP), -EPROTONOSUPPORT);
  EXPECT_EQ(sluice_socket(host.get(), AF_INET, SOCK_DGRAM, IPPROTO_TCP), -EPROTONOSUPPORT);
  EXPECT_GE(sluice_socket(host.get(), AF_INET, SOCK_STREAM | SOCK_NONBLOCK, IPPROTO_TCP), 0);
  EXPECT_GE(sluice_socket(host.get(), AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_UDP), 0);
  EXPECT_EQ(sluice_socket(nullptr, AF_INET, SOCK_STREAM, 0), -EINVAL);
}

TEST_F(StackPackets, LyingStructsAreRefused) {
  const Connection made = connects();
  msghdr message{};
  message.msg_iovlen = 3;
  EXPECT_EQ(sluice_sendmsg(host.get(), made.handle, &message, 0), -EINVAL);
  EXPECT_EQ(sluice_recvmsg(host.get(), made.handle, &message, 0), -EINVAL);
  EXPECT_EQ(sluice_sendmsg(host.get(), made.handle, nullptr, 0), -EINVAL);
  iovec pieces[2] = {{&message, SIZE_MAX / 2}, {&message, SIZE_MAX / 2}};
  message.msg_iov = pieces;
  message.msg_iovlen = 2;
  EXPECT_EQ(sluice_sendmsg(host.get(), made.handle, &message, 0), -EINVAL);
  message.msg_iovlen = SIZE_MAX;
  EXPECT_EQ(sluice_sendmsg(host.get(), made.handle, &message, 0), -EINVAL);
  message.msg_iovlen = 0;
  message.msg_controllen = 16;
  EXPECT_EQ(sluice_sendmsg(host.get(), made.handle, &message, 0), -EINVAL);
  EXPECT_EQ(sluice_send(host.get(), made.handle, nullptr, 5, 0), -EINVAL);
  EXPECT_EQ(sluice_send(host.get(), made.handle, &message, SIZE_MAX, 0), -EINVAL);
  EXPECT_EQ(sluice_recv(host.get(), made.handle, nullptr, 5, 0), -EINVAL);
  EXPECT_EQ(sluice_send(host.get(), made.handle, nullptr, 0, 0), 0);
}

// --- offloads
// ---------------------------------------------------------------------------------------

class StackOffload : public ::testing::Test {
 protected:
  static sluice_config offloading() {
    sluice_config config = make_config("192.0.2.1");
    config.checksum_offload = config.segmentation_offload = 1;
    return config;
  }
  static sluice_offload empty() {
    sluice_offload offload{};
    offload.size = sizeof offload;
    return offload;
  }
  // Both stacks' packets, until none is left; those from the client as they are.
  void settles() {
    for (bool moved = true; moved;) {
      moved = false;
      for (sluice_offload offload = empty();;) {
        PacketBytes packet(65'535);
        const ssize_t length =
            sluice_output_offload(client.get(), packet.data(), packet.size(), &offload, now);
        ASSERT_GE(length, 0);
        if (length == 0) break;
        packet.resize(static_cast<std::size_t>(length));
        sent.push_back({packet, offload});
        ASSERT_EQ(sluice_input_offload(server.get(), packet.data(), packet.size(), &offload, now),
                  0);
        moved = true;
      }
      for (const PacketBytes& packet : server.output(now)) {
        client.input(packet, now);
        moved = true;
      }
      now += kMillisecond;
      sluice_advance(client.get(), now);
      sluice_advance(server.get(), now);
    }
  }
  void opens() {
    const int listener = server.socket();
    ASSERT_EQ(server.bind(listener, {"198.51.100.2", 80}), 0);
    ASSERT_EQ(server.listen(listener), 0);
    from = client.socket();
    ASSERT_EQ(client.connect(from, {"198.51.100.2", 80}), -EINPROGRESS);
    settles();
    to = server.accept(listener);
    ASSERT_GE(to, 0);
    sent.clear();
  }

  struct Sent {
    PacketBytes packet;
    sluice_offload offload;
  };
  std::uint64_t now = kSecond;
  Host client{offloading()};
  Host server{make_config("198.51.100.2")};
  std::vector<Sent> sent;
  int from = -1;
  int to = -1;
};

TEST_F(StackOffload, SuperSegmentsCrossWhole) {
  opens();
  const std::string text(14'000, 'x');
  ASSERT_EQ(client.send(from, text), 14'000);
  settles();
  ASSERT_FALSE(sent.empty());
  const sluice_offload& facts = sent[0].offload;
  EXPECT_EQ(facts.gso_type, SLUICE_GSO_TCP_IPV4);
  EXPECT_EQ(facts.gso_size, 1448);
  EXPECT_EQ(facts.checksum, SLUICE_CHECKSUM_PARTIAL);
  EXPECT_EQ(facts.checksum_start, 20);
  EXPECT_EQ(facts.checksum_offset, 16);
  EXPECT_EQ(facts.header_length, 52);
  EXPECT_GT(sent[0].packet.size(), 10'000U);
  EXPECT_EQ(server.recv(to), text);
}

TEST_F(StackOffload, PlainOutputIsCutAndComplete) {
  opens();
  ASSERT_EQ(client.send(from, std::string(14'000, 'x')), 14'000);
  const std::vector<PacketBytes> packets = client.output(now);
  ASSERT_EQ(packets.size(), 10U);
  for (const PacketBytes& packet : packets) {
    EXPECT_LE(packet.size(), 1500U);
    wire::Packet parsed;
    EXPECT_EQ(wire::parse_packet(packet, {}, parsed), DropReason::none);
    server.input(packet, now);
  }
  EXPECT_EQ(server.recv(to).size(), 14'000U);
}

TEST_F(StackOffload, BothFormsMayBeMixed) {
  opens();
  ASSERT_EQ(client.send(from, std::string(14'000, 'x')), 14'000);
  PacketBytes packet(2000);
  const ssize_t length = sluice_output(client.get(), packet.data(), packet.size(), now);
  ASSERT_EQ(length, 1500);
  server.input({packet.begin(), packet.begin() + length}, now);
  settles();
  EXPECT_EQ(server.recv(to).size(), 14'000U);
}

TEST_F(StackOffload, ImpossibleFactsAreRefusedOrDropped) {
  const std::array<std::uint8_t, 60> packet{0x45};
  sluice_offload offload = empty();
  offload.checksum = 9;
  sluice_stack* const stack = client.get();
  EXPECT_EQ(sluice_input_offload(stack, packet.data(), 60, &offload, now), -EINVAL);
  offload.checksum = SLUICE_CHECKSUM_PARTIAL;
  offload.gso_type = 3;
  EXPECT_EQ(sluice_input_offload(stack, packet.data(), 60, &offload, now), -EINVAL);
  offload.gso_type = SLUICE_GSO_UDP;
  offload.checksum_start = 65'535;
  EXPECT_EQ(sluice_input_offload(stack, packet.data(), 60, &offload, now), 0);
  offload.size = 1;
  EXPECT_EQ(sluice_input_offload(stack, packet.data(), 60, &offload, now), -EINVAL);
  EXPECT_EQ(sluice_input_offload(stack, packet.data(), 60, nullptr, now), -EINVAL);
}

TEST_F(StackOffload, SeveralDatagramsArriveAsOne) {
  const int handle = server.socket(AF_INET, SOCK_DGRAM);
  ASSERT_EQ(server.bind(handle, {"198.51.100.2", 53}), 0);
  const std::string text = "aaabbbcc";
  const FlowKey flow{*IpAddress::parse("198.51.100.2"), *IpAddress::parse("192.0.2.1"), 53, 7};
  PacketBytes bytes =
      udp_packet(flow, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  sluice_offload offload = empty();
  offload.checksum = SLUICE_CHECKSUM_PARTIAL;
  offload.gso_type = SLUICE_GSO_UDP;
  offload.gso_size = 3;
  offload.checksum_start = 20;
  offload.checksum_offset = 6;
  ASSERT_EQ(sluice_input_offload(server.get(), bytes.data() + wire::kVirtioNetHeaderSize,
                                 bytes.size() - wire::kVirtioNetHeaderSize, &offload, now),
            0);
  EXPECT_EQ(server.recv(handle), "aaa");
  EXPECT_EQ(server.recv(handle), "bbb");
  EXPECT_EQ(server.recv(handle), "cc");
}

}  // namespace
}  // namespace sluice::test
