#include <gmock/gmock.h>

#include <atomic>

#include "tests/dataplane/engine/engine_fixture.hpp"

namespace sluice {
namespace {

using testing::HasSubstr;

class EngineListen : public EngineTest {
 protected:
  EchoEvents echo_;  // outlives the engine
  Engine engine_{small_config()};
};

TEST_F(EngineListen, TwiceOnAPortIsRefused) {
  serve(engine_, 7, echo_);
  EXPECT_THAT(error_of([&] { serve(engine_, 7, echo_); }), HasSubstr("port 7 is taken"));
  engine_.start();
  EXPECT_THAT(error_of([&] { serve(engine_, 7, echo_); }), HasSubstr("port 7 is taken"));
  EXPECT_TRUE(echoes(kEngineSide, 7));
}

TEST_F(EngineListen, OnPortZeroIsRefused) {
  EXPECT_THAT(error_of([&] { serve(engine_, 0, echo_); }), HasSubstr("port 0"));
}

TEST_F(EngineListen, WhileRunningServesAtOnce) {
  engine_.start();
  serve(engine_, 7, echo_);
  EXPECT_TRUE(echoes(kEngineSide, 7));
}

TEST_F(EngineListen, ExactAddressGoesBeforeAny) {
  TalkingEvents exact(pattern_bytes(10, 1));
  TalkingEvents any(pattern_bytes(10, 2));
  Engine engine(small_config());
  serve(engine, 9, any);
  engine.listen({.address = IpAddress::parse("10.0.5.7"), .port = 9}, always(exact));
  engine.start();
  KernelTcp to_exact("10.0.5.7", 9);
  KernelTcp to_any("10.0.5.8", 9);
  EXPECT_EQ(to_exact.receive(10), pattern_bytes(10, 1));
  EXPECT_EQ(to_any.receive(10), pattern_bytes(10, 2));
}

TEST_F(EngineListen, OnNobodysPortIsRefused) {
  engine_.start();
  EXPECT_EQ(KernelTcp(kEngineSide, 7).error(), ECONNREFUSED);
  EXPECT_EQ(engine_.stats().shard.resets_sent, 1u);
}

TEST_F(EngineListen, AnAcceptorMayRefuse) {
  engine_.listen({.address = {}, .port = 7}, [](Stream&) { return nullptr; });
  engine_.start();
  KernelTcp client(kEngineSide, 7);
  if (client.error() == 0) client.receive(1);  // unless the RST came before connect() was back
  EXPECT_EQ(client.error(), ECONNRESET);
  EXPECT_EQ(engine_.stats().shard.accepted, 0u);
  EXPECT_TRUE(comes_true([&] { return engine_.stats().shard.connections == 0; }));
}

TEST_F(EngineListen, ClosedListenerRefusesButItsConnectionsGoOn) {
  engine_.start();
  Listener listener = serve(engine_, 7, echo_);
  KernelTcp client(kEngineSide, 7);
  ASSERT_TRUE(client.send_all(pattern_bytes(1000)));
  ASSERT_EQ(client.receive(1000), pattern_bytes(1000));
  listener.close();
  EXPECT_TRUE(comes_true([] { return KernelTcp(kEngineSide, 7).error() == ECONNREFUSED; }));
  ASSERT_TRUE(client.send_all(pattern_bytes(1000, 2)));
  EXPECT_EQ(client.receive(1000), pattern_bytes(1000, 2));
  serve(engine_, 7, echo_);  // and the port is free again
  EXPECT_TRUE(echoes(kEngineSide, 7));
}

TEST_F(EngineListen, ClosedBeforeStartStaysClosed) {
  Listener listener = serve(engine_, 7, echo_);
  listener.close();
  listener.close();
  engine_.start();
  EXPECT_EQ(KernelTcp(kEngineSide, 7).error(), ECONNREFUSED);
}

TEST_F(EngineListen, FromACallbackWorks) {
  std::atomic<bool> done{false};
  engine_.start();
  ASSERT_TRUE(engine_.post(0, [&] {
    serve(engine_, 7, echo_);
    done = true;
  }));
  EXPECT_TRUE(comes_true([&] { return done.load(); }));
  EXPECT_TRUE(echoes(kEngineSide, 7));
}

// Connections past max_connections get nothing, and the engine serves the others.
TEST_F(EngineListen, PastTheConnectionLimitIsDroppedAndCounted) {
  Config config = small_config();
  config.max_connections = 4;
  Engine engine(config);
  serve(engine, 7, echo_);
  engine.start();
  std::vector<KernelTcp> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back(kEngineSide, 7);
    ASSERT_EQ(clients.back().error(), 0);
  }
  std::thread fifth([] { EXPECT_TRUE(echoes(kEngineSide, 7, 100)); });  // once there is room
  const auto limit = static_cast<std::size_t>(DropReason::connection_limit);
  EXPECT_TRUE(comes_true([&] { return engine.stats().shard.drops[limit] > 0; }));
  for (KernelTcp& client : clients) {
    EXPECT_TRUE(client.send_all(pattern_bytes(100)));
    EXPECT_EQ(client.receive(100), pattern_bytes(100));
  }
  clients.clear();
  fifth.join();
}

}  // namespace
}  // namespace sluice
