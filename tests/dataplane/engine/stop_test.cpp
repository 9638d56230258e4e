#include <gmock/gmock.h>

#include <algorithm>

#include "tests/dataplane/engine/engine_fixture.hpp"

namespace sluice {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::AllOf;
using testing::Ge;
using testing::Lt;

class EngineStop : public EngineTest {
 protected:
  static Duration stopping_time(Engine& engine) {
    const auto begin = steady_clock::now();
    engine.stop();
    return Duration::nanoseconds((steady_clock::now() - begin).count());
  }
};

TEST_F(EngineStop, BytesSentBeforeItArriveAndThenTheFin) {
  TalkingEvents talk(pattern_bytes(800'000));  // fits the send buffer, not the peer's window
  Config config = small_config();
  config.drain_timeout = Duration::seconds(5);
  Engine engine(config);
  serve(engine, 9, talk);
  engine.start();
  KernelTcp client(kEngineSide, 9, 16'384);
  talk.opened.wait();
  ByteVector got;
  std::thread reader([&] {
    std::this_thread::sleep_for(milliseconds(100));  // stop() comes first
    got = client.receive_to_end();
    EXPECT_EQ(client.error(), 0) << "a FIN, no RST";
    client.shutdown_send();
  });
  engine.stop();
  reader.join();
  EXPECT_TRUE(got == pattern_bytes(800'000)) << got.size();
}

TEST_F(EngineStop, APeerThatDoesNotReadIsResetAfterDrainTimeout) {
  TalkingEvents talk(pattern_bytes(900'000));
  Config config = small_config();
  config.drain_timeout = Duration::milliseconds(300);
  Engine engine(config);
  serve(engine, 9, talk);
  engine.start();
  KernelTcp client(kEngineSide, 9, 4096);
  talk.opened.wait();
  EXPECT_THAT(stopping_time(engine),
              AllOf(Ge(Duration::milliseconds(300)), Lt(Duration::milliseconds(2000))));
  EXPECT_EQ(talk.closed.wait(), CloseReason::aborted);
  const ByteVector rest = client.receive_to_end();
  EXPECT_LT(rest.size(), 900'000u);
  EXPECT_EQ(client.error(), ECONNRESET);
}

TEST_F(EngineStop, AnIdlePeerThatDoesNotCloseIsResetAfterDrainTimeout) {
  EchoEvents echo;
  Config config = small_config();
  config.drain_timeout = Duration::milliseconds(200);
  Engine engine(config);
  serve(engine, 7, echo);
  engine.start();
  KernelTcp client(kEngineSide, 7);
  ASSERT_TRUE(client.send_all(pattern_bytes(10)));
  ASSERT_EQ(client.receive(10), pattern_bytes(10));
  EXPECT_THAT(stopping_time(engine),
              AllOf(Ge(Duration::milliseconds(200)), Lt(Duration::milliseconds(2000))));
}

// At best: where other tests end their devices, ending ours may take a moment.
TEST_F(EngineStop, WithoutConnectionsIsQuick) {
  Engine engine(small_config());
  Duration shortest = Duration::seconds(60);
  for (int i = 0; i < 10 && shortest >= Duration::milliseconds(400); ++i) {
    engine.start();
    shortest = std::min(shortest, stopping_time(engine));
  }
  EXPECT_LT(shortest, Duration::milliseconds(400));
}

TEST_F(EngineStop, NewConnectionsAreNotTakenWhileDraining) {
  EchoEvents echo;
  Config config = small_config();
  config.drain_timeout = Duration::milliseconds(400);
  Engine engine(config);
  serve(engine, 7, echo);
  engine.start();
  KernelTcp holds(kEngineSide, 7);
  ASSERT_TRUE(holds.send_all(pattern_bytes(10)));
  ASSERT_EQ(holds.receive(10), pattern_bytes(10));
  std::thread late([&holds] {
    EXPECT_TRUE(holds.is_at_end()) << "draining begins with a FIN";
    EXPECT_NE(KernelTcp(kEngineSide, 7).error(), 0);
  });
  engine.stop();
  late.join();
  EXPECT_EQ(engine.stats().shard.accepted, 1u);
}

TEST_F(EngineStop, DestructionStops) {
  TalkingEvents talk;
  {
    Engine engine(small_config());
    serve(engine, 9, talk);
    engine.start();
    const KernelTcp client(kEngineSide, 9);
    talk.opened.wait();
  }
  EXPECT_EQ(talk.closed.count(), 1u);
}

// Every stream hears its end, also those that only stopping ends.
TEST_F(EngineStop, EveryStreamHearsItsEnd) {
  TalkingEvents talk;
  Config config = small_config();
  config.drain_timeout = Duration::milliseconds(100);
  Engine engine(config);
  serve(engine, 9, talk);
  engine.start();
  std::vector<KernelTcp> clients;
  for (int i = 0; i < 20; ++i) clients.emplace_back(kEngineSide, 9);
  talk.opened.wait(20);
  engine.stop();
  EXPECT_EQ(talk.closed.count(), 20u);
  EXPECT_EQ(engine.stats().shard.connections, 0u);
}

}  // namespace
}  // namespace sluice
