#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <deque>
#include <set>

#include "tests/dataplane/engine/engine_fixture.hpp"
#include "tests/dataplane/engine/kernel_udp.hpp"
#include "tests/dataplane/engine/udp_events.hpp"

namespace sluice {
namespace {

using testing::Each;
using testing::Ge;
using testing::HasSubstr;
using testing::SizeIs;

constexpr const char* kEngineSideV6 = "fd05::101";
constexpr const char* kKernelSideV6 = "fd05::100";

class EngineUdp : public EngineTest {
 protected:
  static BindOptions at(std::uint16_t port, const char* address = nullptr) {
    BindOptions options;
    options.port = port;
    if (address != nullptr) options.address = IpAddress::parse(address);
    return options;
  }
  static FlowKey flow_to(const char* local, const char* remote, std::uint16_t remote_port) {
    return {*IpAddress::parse(local), *IpAddress::parse(remote), 0, remote_port};
  }
  // What the kernel gets back for `bytes`; false when that is something else, or nothing.
  static testing::AssertionResult echoes_datagram(KernelUdp& client, std::size_t size) {
    const ByteVector sent = pattern_bytes(size, size + 1);
    if (const int error = client.send(sent); error != 0) {
      return testing::AssertionFailure() << size << ": send: " << std::strerror(error);
    }
    const auto echo = client.receive();
    if (!echo) {
      return testing::AssertionFailure() << size << ": " << std::strerror(client.error());
    }
    return *echo == sent ? testing::AssertionSuccess()
                         : testing::AssertionFailure() << size << ": wrong, of " << echo->size();
  }
  static KernelUdp client_of(std::uint16_t port, const char* address = kEngineSide) {
    const bool v6 = std::string_view(address).find(':') != std::string_view::npos;
    KernelUdp client(v6 ? kKernelSideV6 : kKernelSide);
    client.connect_to(address, port);
    return client;
  }
  // Runs `work` on worker 0 and returns what it says.
  template <class Work>
  static auto on_worker(Engine& engine, Work work) {
    Told<decltype(work())> answer;
    EXPECT_TRUE(engine.post(0, [&] { answer.tell(work()); }));
    return answer.wait();
  }
};

// --- binding ----------------------------------------------------------------------------------

TEST_F(EngineUdp, ASocketBoundBeforeStartOrAfterItEchoes) {
  EchoDatagrams echo;
  Engine engine(small_config());
  EXPECT_EQ(engine.bind(at(7), echo).port, 7);
  engine.start();
  EXPECT_EQ(engine.bind(at(8), echo).port, 8);
  for (const std::uint16_t port : std::array<std::uint16_t, 2>{7, 8}) {
    KernelUdp client = client_of(port);
    EXPECT_TRUE(echoes_datagram(client, 100));
  }
}

TEST_F(EngineUdp, SocketsComeBackWithARestart) {
  Postman postman;
  Engine engine(small_config());
  engine.bind(at(9), postman);
  for (std::size_t round = 1; round <= 3; ++round) {
    engine.start();
    EXPECT_NE(postman.bound.wait(round), nullptr);
    KernelUdp client = client_of(9);
    ASSERT_EQ(client.send({1, 2, 3}), 0);
    EXPECT_EQ(postman.received.wait(round), (ByteVector{1, 2, 3}));
    engine.stop();
  }
  EXPECT_EQ(postman.bound.count(), 3u);
}

TEST_F(EngineUdp, PortZeroIsAFreeOneEachTimeAnother) {
  EchoDatagrams echo;
  Engine engine(small_config());
  engine.start();
  std::set<std::uint16_t> ports;
  for (int i = 0; i < 20; ++i) ports.insert(engine.bind(at(0), echo).port);
  EXPECT_THAT(ports, SizeIs(20));
  EXPECT_THAT(ports, Each(Ge(49'152)));
  KernelUdp client = client_of(*ports.begin());
  EXPECT_TRUE(echoes_datagram(client, 10));
}

TEST_F(EngineUdp, APortThatIsTakenIsNamed) {
  EchoDatagrams echo;
  Engine engine(small_config());
  engine.bind(at(7), echo);
  EXPECT_THAT(error_of([&] { engine.bind(at(7), echo); }), HasSubstr("UDP port 7 is taken"));
  engine.start();
  EXPECT_THAT(error_of([&] { engine.bind(at(7), echo); }), HasSubstr("UDP port 7 is taken"));
  EchoEvents tcp;
  serve(engine, 7, tcp);  // another protocol, another port
  KernelUdp client = client_of(7);
  EXPECT_TRUE(echoes_datagram(client, 100));
  EXPECT_TRUE(echoes(kEngineSide, 7));
}

TEST_F(EngineUdp, AnExactAddressComesBeforeAny) {
  EchoDatagrams echo;
  Postman postman;
  Engine engine(small_config());
  engine.bind(at(7), echo);
  engine.bind(at(7, "10.0.5.150"), postman);
  engine.start();
  KernelUdp any = client_of(7);
  EXPECT_TRUE(echoes_datagram(any, 100));
  KernelUdp exact = client_of(7, "10.0.5.150");
  ASSERT_EQ(exact.send({5}), 0);
  EXPECT_EQ(postman.received.wait(), (ByteVector{5}));
  engine.unbind(at(7, "10.0.5.150"));
  EXPECT_TRUE(echoes_datagram(exact, 100));
}

TEST_F(EngineUdp, AfterUnbindThePortIsClosedAndMayBeBoundAgain) {
  EchoDatagrams first;
  EchoDatagrams second;
  Engine engine(small_config());
  engine.start();
  const BindOptions bound = engine.bind(at(0), first);
  KernelUdp client = client_of(bound.port);
  EXPECT_TRUE(echoes_datagram(client, 100));
  engine.unbind(bound);
  client.send({1});
  EXPECT_EQ(client.receive(), std::nullopt);
  EXPECT_EQ(client.error(), ECONNREFUSED);
  engine.bind(bound, second);
  EXPECT_TRUE(echoes_datagram(client, 100));
  EXPECT_EQ(first.echoed, 1);
  EXPECT_EQ(second.echoed, 1);
}

// A callback may call the engine, also the first one of all.
class AskingEvents final : public EchoDatagrams {
 public:
  void on_bound(DatagramSocket&) override {
    posted.tell(engine->post(0, [this] { ran.tell(true); }));
  }
  Engine* engine = nullptr;
  Told<bool> posted;
  Told<bool> ran;
};

TEST_F(EngineUdp, TheEngineMayBeCalledFromOnBound) {
  AskingEvents asking;
  Engine engine(small_config());
  asking.engine = &engine;
  engine.bind(at(7), asking);
  engine.start();
  EXPECT_TRUE(asking.posted.wait());
  EXPECT_TRUE(asking.ran.wait());
}

// --- in and out -------------------------------------------------------------------------------

class EngineUdpSizes : public EngineUdp {
 protected:
  void echo_all(const char* address, const std::vector<std::size_t>& sizes, const Config& config) {
    SCOPED_TRACE(address);
    EchoDatagrams echo;
    Engine engine(config);
    engine.bind(at(7), echo);
    engine.start();
    ASSERT_TRUE(is_ipv6_heard());
    KernelUdp client = client_of(7, address);
    for (const std::size_t size : sizes) EXPECT_TRUE(echoes_datagram(client, size)) << size;
    const ShardStats stats = engine.stats().shard;
    EXPECT_EQ(stats.datagrams_in, sizes.size());
    EXPECT_EQ(stats.datagrams_out, sizes.size());
    const auto large = [](std::size_t size) { return size > 1472; };
    const auto cut = static_cast<std::uint64_t>(std::count_if(sizes.begin(), sizes.end(), large));
    EXPECT_EQ(stats.datagrams_joined, cut);
    EXPECT_GE(stats.fragments_out, 2 * cut);
  }
  const std::vector<std::size_t> v4_sizes_ = {0,    1,    1471, 1472, 1473,   1480,
                                              1481, 2952, 2953, 9000, 65'506, 65'507};
  const std::vector<std::size_t> v6_sizes_ = {0, 1, 1452, 1473, 1500, 9000, 65'486, 65'487};
};

TEST_F(EngineUdpSizes, RFC1122_R1122_14_AllSizesOfIPv4ComeBack) {
  echo_all(kEngineSide, v4_sizes_, small_config());
}

TEST_F(EngineUdpSizes, RFC8200_R8200_6_AllSizesOfIPv6ComeBack) {
  echo_all(kEngineSideV6, v6_sizes_, small_config());
}

TEST_F(EngineUdpSizes, RFC1122_R1122_11_AllSizesComeBackWithoutAnyOffload) {
  Config config = small_config();
  config.checksum = config.tso = config.uso = false;
  config.io = IoBackend::poll;
  echo_all(kEngineSide, v4_sizes_, config);
  echo_all(kEngineSideV6, v6_sizes_, config);
}

TEST_F(EngineUdp, RFC768_R768_2_DatagramsWithoutASumAreTaken) {
  Config config = small_config();
  config.checksum = config.tso = config.uso = false;
  EchoDatagrams echo;
  Engine engine(config);
  engine.bind(at(7), echo);
  engine.start();
  KernelUdp client = client_of(7);
  client.leave_sums_out();
  for (const std::size_t size : {0, 1, 1000, 5000}) EXPECT_TRUE(echoes_datagram(client, size));
}

TEST_F(EngineUdp, RFC1122_R1122_12_TheAnswerComesFromTheAddressThatWasAsked) {
  EchoDatagrams echo;
  Engine engine(small_config());
  engine.bind(at(7), echo);
  engine.start();
  ASSERT_TRUE(is_ipv6_heard());
  for (const char* const address : {"10.0.5.1", "10.0.5.200", "fd05::1:2:3:4"}) {
    KernelUdp client = client_of(7, address);  // hears this address only
    EXPECT_TRUE(echoes_datagram(client, 3000)) << address;
  }
}

// --- many datagrams in one piece ----------------------------------------------------------------

class EngineUdpPieces : public EngineUdp, public testing::WithParamInterface<bool> {
 protected:
  static Config config() {
    Config config = small_config();
    config.uso = GetParam();
    return config;
  }
  // Sends `count` datagrams and a shorter one in one call, and compares what comes back.
  static void echo_pieces(KernelUdp& client, std::size_t bytes, std::size_t count) {
    client.set_segment(static_cast<int>(bytes));
    const ByteVector all = pattern_bytes(bytes * count + bytes / 2);
    ASSERT_EQ(client.send(all), 0);
    for (std::size_t at = 0; at < all.size(); at += bytes) {
      const std::size_t end = std::min(all.size(), at + bytes);
      const auto echo = client.receive();
      ASSERT_TRUE(echo.has_value()) << at / bytes << ": " << std::strerror(client.error());
      const auto begin = all.begin();
      ASSERT_EQ(*echo, ByteVector(begin + static_cast<std::ptrdiff_t>(at),
                                  begin + static_cast<std::ptrdiff_t>(end)));
    }
  }
};

TEST_P(EngineUdpPieces, EachOfThemComesBack) {
  EchoDatagrams echo;
  Engine engine(config());
  engine.bind(at(7), echo);
  engine.start();
  if (engine.facts().uso != GetParam()) GTEST_SKIP() << "the device has no USO";
  ASSERT_TRUE(is_ipv6_heard());
  for (const char* const address : {kEngineSide, kEngineSideV6}) {
    KernelUdp client = client_of(7, address);
    echo_pieces(client, 103, 40);
    echo_pieces(client, 1200, 12);
    echo_pieces(client, 1, 7);
  }
  EXPECT_EQ(engine.stats().shard.datagrams_in, 2u * (41 + 13 + 7));
}

TEST_P(EngineUdpPieces, AndGoesBackInOnePieceAsWell) {
  EchoPieces echo;
  Engine engine(config());
  engine.bind(at(7), echo);
  engine.start();
  if (engine.facts().uso != GetParam()) GTEST_SKIP() << "the device has no USO";
  ASSERT_TRUE(is_ipv6_heard());
  for (const char* const address : {kEngineSide, kEngineSideV6}) {
    KernelUdp client = client_of(7, address);
    echo_pieces(client, 103, 40);
    echo_pieces(client, 1200, 12);
  }
  EXPECT_EQ(echo.pieces, GetParam() ? 4 : 0);
  const ShardStats stats = engine.stats().shard;
  EXPECT_EQ(stats.datagrams_out, 2u * (41 + 13));
  if (GetParam()) {
    EXPECT_LT(stats.packets_out - stats.errors_sent, 20u);
  }
}

// As much as one packet holds, however small the pieces.
TEST_P(EngineUdpPieces, TheEngineMaySendManyInOneGo) {
  Postman postman;
  std::deque<OwnBytes> sent;
  Engine engine(config());
  engine.bind(at(9), postman);
  engine.start();
  if (engine.facts().uso != GetParam()) GTEST_SKIP() << "the device has no USO";
  DatagramSocket* const socket = postman.bound.wait();
  KernelUdp server(kKernelSide);
  for (const std::size_t bytes : {1472, 509, 103}) {
    const ByteVector all = pattern_bytes(60'000, bytes);
    OwnBytes& own = sent.emplace_back(all);
    EXPECT_TRUE(on_worker(engine, [&] {
      return socket->send(flow_to(kEngineSide, kKernelSide, server.port()), own.slice(),
                          static_cast<std::uint16_t>(bytes));
    }));
    ByteVector got;
    while (got.size() < all.size()) {
      const auto datagram = server.receive();
      ASSERT_TRUE(datagram.has_value()) << bytes << ": " << got.size() << " bytes came";
      ASSERT_EQ(datagram->size(), std::min(bytes, all.size() - got.size()));
      got.insert(got.end(), datagram->begin(), datagram->end());
    }
    EXPECT_TRUE(got == all);
  }
}

INSTANTIATE_TEST_SUITE_P(Offload, EngineUdpPieces, testing::Bool(),
                         [](const auto& uso) { return uso.param ? "uso" : "none"; });

// --- closed ports -------------------------------------------------------------------------------

// RFC 4443 R4443-6
TEST_F(EngineUdp, RFC1122_R1122_10_AClosedPortIsUnreachable) {
  EchoDatagrams echo;
  Engine engine(small_config());
  engine.bind(at(7), echo);
  engine.start();
  ASSERT_TRUE(is_ipv6_heard());
  KernelUdp open = client_of(7);
  ASSERT_TRUE(echoes_datagram(open, 1)) << "all that was asked before has been answered";
  const std::uint64_t before = engine.stats().shard.errors_sent;
  for (const char* const address : {kEngineSide, kEngineSideV6}) {
    KernelUdp client = client_of(4444, address);
    ASSERT_EQ(client.send({1}), 0);
    EXPECT_EQ(client.receive(), std::nullopt);
    EXPECT_EQ(client.error(), ECONNREFUSED) << address;
  }
  EXPECT_EQ(engine.stats().shard.errors_sent, before + 2);
}

// The kernel has its own limit on what it hears; ours is seen in what we count.
TEST_F(EngineUdp, RFC4443_R4443_4_ErrorsAreLimitedInRate) {
  constexpr std::uint64_t kProbes = 2000;
  Engine engine(small_config());
  engine.start();
  const auto begin = std::chrono::steady_clock::now();
  KernelUdp client(kKernelSide);
  for (std::uint64_t i = 0; i < kProbes; ++i) client.send_to(kEngineSide, 4444, {1});
  const auto unreachable = static_cast<std::size_t>(DropReason::udp_unreachable);
  ASSERT_TRUE(comes_true([&] { return engine.stats().shard.drops[unreachable] == kProbes; }));
  const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - begin;
  const std::uint64_t sent = engine.stats().shard.errors_sent;
  EXPECT_GE(sent, 50u);
  EXPECT_LE(static_cast<double>(sent), 51 + 1000 * passed.count());
}

TEST_F(EngineUdp, RFC1122_R1122_11_ThatThePeerRefusesIsPassedToTheApplication) {
  Postman postman;
  Engine engine(small_config());
  const std::uint16_t ours = engine.bind(at(0), postman).port;
  engine.start();
  ASSERT_TRUE(is_ipv6_heard());
  DatagramSocket* const socket = postman.bound.wait();
  std::size_t refusals = 0;
  for (const auto& [local, remote] :
       {std::pair(kEngineSide, kKernelSide), std::pair(kEngineSideV6, kKernelSideV6)}) {
    FlowKey flow = flow_to(local, remote, 4445);
    const ByteVector bytes(100);
    EXPECT_TRUE(on_worker(engine, [&] { return socket->send(flow, bytes); }));
    flow.local_port = ours;
    EXPECT_EQ(postman.refused.wait(++refusals), flow);
  }
}

// --- limits -------------------------------------------------------------------------------------

TEST_F(EngineUdp, SendRefusesWhenTheQueueIsFullAndSaysWhenThereIsRoom) {
  constexpr int kMany = 3000;
  Postman postman;
  Engine engine(small_config());
  engine.bind(at(9), postman);
  engine.start();
  DatagramSocket* const socket = postman.bound.wait();
  KernelUdp server(kKernelSide);
  const FlowKey flow = flow_to(kEngineSide, kKernelSide, server.port());
  int sent = 0;  // touched on the worker only
  int refusals = 0;
  const auto send_all = [&](DatagramSocket& through) {
    while (sent < kMany) {
      std::array<std::uint8_t, 4> number;
      store_be32(number.data(), static_cast<std::uint32_t>(sent));
      if (!through.send(flow, number)) {
        ++refusals;
        return;
      }
      ++sent;
    }
  };
  postman.on_room = send_all;
  EXPECT_LT(on_worker(engine, [&] { return send_all(*socket), sent; }), kMany) << "no bound";
  for (std::uint32_t i = 0; i < kMany; ++i) {
    const auto datagram = server.receive();
    ASSERT_TRUE(datagram.has_value()) << i;
    ASSERT_EQ(datagram->size(), 4u);
    EXPECT_EQ(load_be32(datagram->data()), i) << "in order, none twice";
  }
  EXPECT_GE(postman.writable.count(), 1u);
  EXPECT_EQ(on_worker(engine, [&] { return refusals; }), static_cast<int>(postman.writable.count()))
      << "told once for each refusal";
}

TEST_F(EngineUdp, WhatCannotBeSentIsRefused) {
  Postman postman;
  Engine engine(small_config());
  engine.bind(at(9), postman);
  engine.start();
  DatagramSocket* const socket = postman.bound.wait();
  const auto sends = [&](const FlowKey& flow, std::size_t size) {
    const ByteVector bytes(size);
    return on_worker(engine, [&] { return socket->send(flow, bytes); });
  };
  const FlowKey good = flow_to(kEngineSide, kKernelSide, 4446);
  EXPECT_TRUE(sends(good, 65'507));
  EXPECT_FALSE(sends(good, 65'508));
  EXPECT_TRUE(sends(flow_to(kEngineSideV6, kKernelSideV6, 4446), 65'487));
  EXPECT_FALSE(sends(flow_to(kEngineSideV6, kKernelSideV6, 4446), 65'488));
  EXPECT_FALSE(sends(flow_to(kEngineSide, kKernelSide, 0), 1)) << "port 0";
  EXPECT_FALSE(sends(flow_to(kKernelSide, kEngineSide, 4446), 1)) << "not our address";
  EXPECT_FALSE(sends(flow_to(kEngineSide, kKernelSideV6, 4446), 1)) << "two families";
  EXPECT_FALSE(sends(flow_to(kEngineSide, "224.0.0.1", 4446), 1)) << "a group";
  EXPECT_FALSE(sends(flow_to(kEngineSide, "255.255.255.255", 4446), 1)) << "everybody";
  EXPECT_EQ(engine.stats().shard.datagrams_out, 2u);
}

}  // namespace
}  // namespace sluice
