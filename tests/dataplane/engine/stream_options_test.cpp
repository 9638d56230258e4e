// Options of streams and local ports, with several workers: who gets what, and where.
#include <gmock/gmock.h>

#include <array>
#include <deque>
#include <vector>

#include "dataplane/core.hpp"
#include "tests/dataplane/engine/engine_fixture.hpp"
#include "tests/dataplane/engine/kernel_udp.hpp"

namespace sluice {
namespace {

using testing::Each;
using testing::HasSubstr;
using testing::SizeIs;

constexpr std::uint32_t kWorkers = 4;
constexpr int kTimestamps = 12;  // bytes of each segment

class EngineOptions : public EngineTest {
 protected:
  static Config four_workers() {
    Config config = small_config();
    config.workers = kWorkers;
    config.test_offloads = false;  // other tests do, and it takes its time
    return config;
  }
  static ConnectOptions from_port(std::uint16_t local_port) {
    ConnectOptions options{.remote = *IpAddress::parse(kKernelSide), .port = 9000};
    options.local_port = local_port;
    return options;
  }
  static StreamOptions segments_of(std::uint32_t bytes) {
    StreamOptions options;
    options.max_segment = bytes;
    return options;
  }
  static FlowKey flow_from(std::uint16_t local_port) {
    return {*IpAddress::parse(kEngineSide), *IpAddress::parse(kKernelSide), local_port, 9000};
  }
  // Local ports, as many for each worker. The hash is linear and its keys are random: the owners of
  // a few ports in a row may be only two.
  std::vector<std::uint16_t> ports_of_all(std::size_t each) const {
    std::vector<std::uint16_t> ports;
    std::array<std::size_t, kWorkers> found{};
    for (std::uint16_t port = 20'000; port < 60'000 && ports.size() < each * kWorkers; ++port) {
      if (found.at(engine_.owner_of(flow_from(port)))++ < each) ports.push_back(port);
    }
    return ports;
  }
  // What the kernel may send to so many new connections, which find all workers.
  static std::vector<int> segments_seen(int connections = 24) {
    std::vector<int> seen;
    for (int i = 0; i < connections; ++i) seen.push_back(KernelTcp(kEngineSide, 7).max_segment());
    return seen;
  }

  EchoEvents echo_;  // these outlive the engine
  std::deque<TalkingEvents> talks_;
  Engine engine_{four_workers()};
};

// --- listeners --------------------------------------------------------------------------------

TEST_F(EngineOptions, AListenersAreThoseOfAllItsConnections) {
  engine_.listen({.port = 7, .stream = segments_of(700)}, always(echo_));
  engine_.start();
  EXPECT_THAT(segments_seen(), Each(700 - kTimestamps));
}

TEST_F(EngineOptions, OnceSetAllWorkersHaveThem) {
  engine_.start();
  Listener listener = serve(engine_, 7, echo_);
  EXPECT_THAT(segments_seen(), Each(1460 - kTimestamps));
  listener.set_options(segments_of(800));
  EXPECT_EQ(listener.options().stream.max_segment, 800u);
  EXPECT_THAT(segments_seen(), Each(800 - kTimestamps));
  EXPECT_TRUE(echoes(kEngineSide, 7));
}

TEST_F(EngineOptions, TheyOutliveARestart) {
  Listener listener = serve(engine_, 7, echo_);
  listener.set_options(segments_of(600));
  for (int round = 0; round < 2; ++round) {
    engine_.start();
    EXPECT_THAT(segments_seen(8), Each(600 - kTimestamps));
    engine_.stop();
  }
}

TEST_F(EngineOptions, WhoIsGoneIsNotTuned) {
  engine_.start();
  Listener listener = serve(engine_, 7, echo_);
  listener.close();
  listener.set_options(segments_of(600));
  EXPECT_EQ(KernelTcp(kEngineSide, 7).error(), ECONNREFUSED);
  serve(engine_, 7, echo_);
  EXPECT_THAT(segments_seen(4), Each(1460 - kTimestamps));
}

TEST_F(EngineOptions, ACallbackHearsOnItsCoreWhenAllHaveThem) {
  engine_.start();
  Listener listener = serve(engine_, 7, echo_);
  for (std::uint32_t core = 0; core < kWorkers; ++core) {
    const std::uint32_t bytes = 600 + core;
    Told<std::uint32_t> told;
    ASSERT_TRUE(engine_.post(core, [&] {
      listener.set_options(segments_of(bytes));
      EXPECT_TRUE(engine_.when_told([&told] { told.tell(Core::here().worker()); }));
      EXPECT_EQ(told.count(), 0u) << "not within the call";
    }));
    EXPECT_EQ(told.wait(), core);
    EXPECT_THAT(segments_seen(), Each(static_cast<int>(bytes) - kTimestamps));
  }
}

TEST_F(EngineOptions, OtherThreadsHearOnWorkerZero) {
  EXPECT_FALSE(engine_.when_told([] { ADD_FAILURE() << "the engine does not run"; }));
  engine_.start();
  Told<std::uint32_t> told;
  ASSERT_TRUE(engine_.when_told([&told] { told.tell(Core::here().worker() + 1); }));
  EXPECT_EQ(told.wait(), 1u);
}

// --- local ports ------------------------------------------------------------------------------

TEST_F(EngineOptions, ALocalPortsFlowBelongsToItsOwnerWhoeverConnects) {
  engine_.start();
  KernelListener listener(kKernelSide, 9000);
  std::deque<KernelTcp> peers;
  const std::vector<std::uint16_t> ports = ports_of_all(6);
  ASSERT_THAT(ports, SizeIs(6 * kWorkers));
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const std::uint16_t port = ports[i];
    TalkingEvents& talk = talks_.emplace_back();
    const std::uint32_t owner = engine_.owner_of(flow_from(port));
    EXPECT_EQ(engine_.worker_for(from_port(port)), owner);
    if (i % 2 == 0) {
      ASSERT_TRUE(engine_.connect(from_port(port), talk));
    } else {
      ASSERT_TRUE(engine_.post((owner + 1) % kWorkers, [this, port, &talk] {
        EXPECT_TRUE(engine_.connect(from_port(port), talk));
      }));
    }
    peers.push_back(listener.accept());
    ASSERT_EQ(peers.back().error(), 0);
    EXPECT_EQ(talk.opened.wait().worker, owner);
    Told<std::uint16_t> used;
    engine_.post(talk.opened.wait(), [&](Stream& stream) { used.tell(stream.flow().local_port); });
    EXPECT_EQ(used.wait(), port);
  }
}

TEST_F(EngineOptions, ALocalPortInUseSaysSo) {
  engine_.start();
  serve(engine_, 7, echo_);
  KernelListener listener(kKernelSide, 9000);
  TalkingEvents& first = talks_.emplace_back();
  TalkingEvents& second = talks_.emplace_back();
  ASSERT_TRUE(engine_.connect(from_port(20'000), first));
  first.opened.wait();
  ASSERT_TRUE(engine_.connect(from_port(20'000), second));
  EXPECT_THAT(second.failed.wait(1), HasSubstr("the local port is in use"));
  ASSERT_TRUE(engine_.connect(from_port(7), second));
  EXPECT_THAT(second.failed.wait(2), HasSubstr("the local port is in use"));
}

TEST_F(EngineOptions, WithoutAnAddressOfTheFamilyALocalPortFailsAsAnyOther) {
  Config config = four_workers();
  config.addresses = {*Cidr::parse("10.0.5.100/24")};
  TalkingEvents talk;
  Engine engine(config);
  engine.start();
  ConnectOptions options = from_port(20'000);
  options.remote = *IpAddress::parse("fd05::100");
  ASSERT_TRUE(engine.connect(options, talk));
  EXPECT_THAT(talk.failed.wait(), HasSubstr("no local address of that family"));
}

TEST_F(EngineOptions, OwnersStayTheSameOverRestarts) {
  std::vector<std::uint32_t> before;
  for (std::uint16_t port = 1; port < 100; ++port) {
    before.push_back(engine_.owner_of(flow_from(port)));
  }
  engine_.start();
  engine_.stop();
  engine_.start();
  for (std::uint16_t port = 1; port < 100; ++port) {
    EXPECT_EQ(engine_.owner_of(flow_from(port)), before[port - 1]);
  }
}

TEST_F(EngineOptions, DatagramsComeToTheOwnerOfTheirFlow) {
  class Owners final : public DatagramEvents {
   public:
    void on_datagram(DatagramSocket& socket, const Datagram& datagram) override {
      EXPECT_EQ(socket.worker(), engine->owner_of(datagram.flow));
      socket.send(datagram.flow, datagram.payload);
    }
    Engine* engine = nullptr;
  } owners;
  Engine engine(four_workers());
  owners.engine = &engine;
  engine.bind({.port = 7}, owners);
  engine.start();
  for (int i = 0; i < 20; ++i) {
    KernelUdp client(kKernelSide);
    client.connect_to(kEngineSide, 7);
    EXPECT_EQ(client.send({1, 2, 3}), 0);
    EXPECT_EQ(client.receive(), (ByteVector{1, 2, 3}));
  }
}

}  // namespace
}  // namespace sluice
