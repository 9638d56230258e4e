#include <gmock/gmock.h>

#include "tests/dataplane/engine/engine_fixture.hpp"

namespace sluice {
namespace {

using testing::HasSubstr;

class EngineConnect : public EngineTest {
 protected:
  static ConnectOptions to(const char* address, std::uint16_t port) {
    return {.remote = *IpAddress::parse(address), .port = port, .local = {}};
  }

  TalkingEvents talk_;  // outlives the engine
  Engine engine_{small_config()};
};

TEST_F(EngineConnect, ExchangesBytesWithAKernelListener) {
  engine_.start();
  KernelListener listener(kKernelSide, 9000);
  TalkingEvents talk(pattern_bytes(3'000'000, 1));
  talk.closes_when_sent = true;
  ASSERT_TRUE(engine_.connect(to(kKernelSide, 9000), talk));
  KernelTcp peer = listener.accept();
  ASSERT_EQ(peer.error(), 0);
  EXPECT_TRUE(peer.receive_to_end() == pattern_bytes(3'000'000, 1));
  EXPECT_EQ(peer.error(), 0);
  ASSERT_TRUE(peer.send_all(pattern_bytes(3'000'000, 2)));
  peer.shutdown_send();
  EXPECT_TRUE(talk.received.wait() == pattern_bytes(3'000'000, 2));
  EXPECT_EQ(talk.closed.wait(), CloseReason::normal);
  EXPECT_EQ(engine_.stats().shard.connected, 1u);
}

TEST_F(EngineConnect, UsesTheAddressAskedFor) {
  engine_.start();
  KernelListener listener(kKernelSide, 9000);
  ConnectOptions options = to(kKernelSide, 9000);
  options.local = IpAddress::parse("10.0.5.200");
  Told<FlowKey> flow;
  ASSERT_TRUE(engine_.connect(options, talk_));
  KernelTcp peer = listener.accept();
  ASSERT_TRUE(engine_.post(talk_.opened.wait(), [&](Stream& stream) { flow.tell(stream.flow()); }));
  EXPECT_EQ(flow.wait().local, *IpAddress::parse("10.0.5.200"));
  EXPECT_EQ(flow.wait().remote, *IpAddress::parse(kKernelSide));
  EXPECT_EQ(flow.wait().remote_port, 9000);
}

TEST_F(EngineConnect, ManyAtOnceUsePortsOfTheirOwn) {
  engine_.start();
  KernelListener listener(kKernelSide, 9000);
  constexpr std::size_t kMany = 50;
  std::vector<KernelTcp> peers;
  for (std::size_t i = 0; i < kMany; ++i) {
    ASSERT_TRUE(engine_.connect(to(kKernelSide, 9000), talk_));
    peers.push_back(listener.accept());
    ASSERT_EQ(peers.back().error(), 0);
  }
  talk_.opened.wait(kMany);
  EXPECT_EQ(talk_.opened.count(), kMany);
  EXPECT_EQ(engine_.stats().shard.connections, kMany);
}

TEST_F(EngineConnect, RefusedByThePeerEndsAsRefused) {
  engine_.start();
  ASSERT_TRUE(engine_.connect(to(kKernelSide, 9000), talk_));
  EXPECT_EQ(talk_.closed.wait(), CloseReason::refused);
  EXPECT_EQ(talk_.opened.count(), 0u);
  EXPECT_EQ(engine_.stats().shard.refused, 1u);
}

TEST_F(EngineConnect, GivesUpAfterConnectTimeout) {
  Config config = small_config();
  config.tcp.connect_timeout = Duration::milliseconds(300);
  config.tcp.initial_rto = Duration::milliseconds(200);
  Engine engine(config);
  engine.start();
  // Sent into the device of a network that has no such way back: nobody answers.
  ASSERT_TRUE(engine.connect(to("192.0.2.1", 9000), talk_));
  EXPECT_EQ(talk_.closed.wait(), CloseReason::timed_out);
}

TEST_F(EngineConnect, ResetWhileOpenEndsAsReset) {
  engine_.start();
  KernelListener listener(kKernelSide, 9000);
  ASSERT_TRUE(engine_.connect(to(kKernelSide, 9000), talk_));
  {
    KernelTcp peer = listener.accept();
    peer.reset_on_close();
    talk_.opened.wait();
  }
  EXPECT_EQ(talk_.closed.wait(), CloseReason::reset);
}

TEST_F(EngineConnect, RFC9293_MUST_46_WhatCannotBeginSaysWhy) {
  engine_.start();
  std::size_t count = 0;
  const auto why = [&](const ConnectOptions& options) {
    EXPECT_TRUE(engine_.connect(options, talk_));
    return talk_.failed.wait(++count);
  };
  EXPECT_THAT(why(to("224.0.0.1", 9000)), HasSubstr("no such remote address"));
  EXPECT_THAT(why(to("255.255.255.255", 9000)), HasSubstr("no such remote address"));
  EXPECT_THAT(why(to("0.0.0.0", 9000)), HasSubstr("no such remote address"));
  EXPECT_THAT(why(to("ff02::1", 9000)), HasSubstr("no such remote address"));
  EXPECT_THAT(why(to(kKernelSide, 0)), HasSubstr("no such remote address"));
  ConnectOptions foreign = to(kKernelSide, 9000);
  foreign.local = IpAddress::parse("192.0.2.77");
  EXPECT_THAT(why(foreign), HasSubstr("no local address"));
  foreign.local = IpAddress::parse("fd05::7");
  EXPECT_THAT(why(foreign), HasSubstr("no such remote address"));
  EXPECT_EQ(engine_.stats().shard.connections, 0u);
  EXPECT_EQ(engine_.stats().shard.connected, 0u);
}

TEST_F(EngineConnect, AddressFamilyThatWeDoNotHave) {
  Config config = small_config();
  config.addresses = {*Cidr::parse("10.0.5.100/24")};
  Engine engine(config);
  engine.start();
  ASSERT_TRUE(engine.connect(to("fd05::100", 9000), talk_));
  EXPECT_THAT(talk_.failed.wait(), HasSubstr("no local address of that family"));
}

TEST_F(EngineConnect, PastTheLimitSaysSo) {
  Config config = small_config();
  config.max_connections = 1;
  Engine engine(config);
  engine.start();
  KernelListener listener(kKernelSide, 9000);
  ASSERT_TRUE(engine.connect(to(kKernelSide, 9000), talk_));
  talk_.opened.wait();
  ASSERT_TRUE(engine.connect(to(kKernelSide, 9000), talk_));
  EXPECT_THAT(talk_.failed.wait(), HasSubstr("connection limit"));
}

TEST_F(EngineConnect, WhenNotRunningNothingHappens) {
  EXPECT_FALSE(engine_.connect(to(kKernelSide, 9000), talk_));
  engine_.start();
  engine_.stop();
  EXPECT_FALSE(engine_.connect(to(kKernelSide, 9000), talk_));
  EXPECT_EQ(talk_.failed.count() + talk_.closed.count(), 0u);
}

TEST_F(EngineConnect, FromACallbackWorks) {
  engine_.start();
  KernelListener listener(kKernelSide, 9000);
  ASSERT_TRUE(engine_.post(0, [this] { engine_.connect(to(kKernelSide, 9000), talk_); }));
  KernelTcp peer = listener.accept();
  EXPECT_EQ(peer.error(), 0);
}

}  // namespace
}  // namespace sluice
