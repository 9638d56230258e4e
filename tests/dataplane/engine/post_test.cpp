#include <gtest/gtest.h>

#include <atomic>

#include "tests/dataplane/engine/engine_fixture.hpp"

namespace sluice {
namespace {

class EnginePost : public EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    if (IsSkipped()) return;
    serve(engine_, 9, talk_);
    engine_.start();
  }

  TalkingEvents talk_;  // outlive the engine
  EchoEvents echo_;
  Engine engine_{small_config()};
};

TEST_F(EnginePost, WorkForAStreamRunsOnItsCore) {
  KernelTcp client(kEngineSide, 9);
  const StreamId id = talk_.opened.wait();
  Told<std::thread::id> core;
  ASSERT_TRUE(engine_.post(0, [&] { core.tell(std::this_thread::get_id()); }));
  Told<std::thread::id> worked_on;
  ASSERT_TRUE(engine_.post(id, [&](Stream& stream) {
    worked_on.tell(std::this_thread::get_id());
    stream.send(pattern_bytes(1000));
  }));
  EXPECT_EQ(client.receive(1000), pattern_bytes(1000));
  EXPECT_EQ(worked_on.wait(), core.wait());
  EXPECT_NE(core.wait(), std::this_thread::get_id());
}

TEST_F(EnginePost, WorkFromManyThreadsAllRuns) {
  KernelTcp client(kEngineSide, 9);
  const StreamId id = talk_.opened.wait();
  constexpr int kThreads = 4;
  constexpr int kEach = 2000;
  int ran = 0;  // touched on the stream's core only
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kEach; ++i) {
        while (!engine_.post(id, [&ran](Stream&) { ++ran; })) std::this_thread::yield();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(comes_true([&] {  // work of different threads runs in any order
    Told<int> answer;
    engine_.post(id, [&](Stream&) { answer.tell(ran); });
    return answer.wait() == kThreads * kEach;
  }));
}

TEST_F(EnginePost, WorkForAStreamThatIsGoneNeverRuns) {
  StreamId id;
  {
    KernelTcp client(kEngineSide, 9);
    id = talk_.opened.wait();
    client.reset_on_close();
  }
  EXPECT_EQ(talk_.closed.wait(), CloseReason::reset);
  KernelTcp other(kEngineSide, 9);  // may live in the same slot
  const StreamId next = talk_.opened.wait(2);
  EXPECT_NE(id, next);
  std::atomic<int> gone{0};
  Told<bool> lives;
  ASSERT_TRUE(engine_.post(id, [&](Stream&) { ++gone; }));
  ASSERT_TRUE(engine_.post(next, [&](Stream&) { lives.tell(true); }));
  EXPECT_TRUE(lives.wait());
  EXPECT_EQ(gone, 0);
}

TEST_F(EnginePost, WorkMayEndItsStream) {
  KernelTcp client(kEngineSide, 9);
  const StreamId id = talk_.opened.wait();
  ASSERT_TRUE(engine_.post(id, [](Stream& stream) { stream.abort(); }));
  EXPECT_EQ(talk_.closed.wait(), CloseReason::aborted);
  EXPECT_TRUE(client.receive(1).empty());
  EXPECT_EQ(client.error(), ECONNRESET);
}

TEST_F(EnginePost, WithoutSuchAWorkerIsRefused) {
  EXPECT_FALSE(engine_.post(kMaxWorkers, [] {}));
  EXPECT_FALSE(engine_.post(StreamId{kMaxWorkers, 0, 1}, [](Stream&) {}));
  EXPECT_TRUE(engine_.post(StreamId{0, UINT32_MAX, 1}, [](Stream&) { FAIL(); }));
}

TEST_F(EnginePost, AfterStopIsRefused) {
  engine_.stop();
  EXPECT_FALSE(engine_.post(0, [] {}));
  EXPECT_FALSE(engine_.post(StreamId{0, 0, 1}, [](Stream&) {}));
}

TEST_F(EnginePost, WorkMayPostMoreWork) {
  Told<int> steps;
  std::function<void(int)> step = [&](int left) {
    steps.tell(left);
    if (left > 0) engine_.post(0, [&step, left] { step(left - 1); });
  };
  ASSERT_TRUE(engine_.post(0, [&] { step(100); }));
  steps.wait(101);
  EXPECT_EQ(steps.count(), 101u);
}

TEST_F(EnginePost, StatsFromOtherThreadsWhileTrafficRuns) {
  serve(engine_, 7, echo_);
  std::atomic<bool> done{false};
  std::vector<std::thread> watchers;
  for (int i = 0; i < 3; ++i) {
    watchers.emplace_back([&] {
      std::uint64_t before = 0;
      while (!done) {
        const EngineStats stats = engine_.stats();
        EXPECT_GE(stats.shard.bytes_in, before);
        before = stats.shard.bytes_in;
      }
    });
  }
  EXPECT_TRUE(echoes(kEngineSide, 7, 5'000'000));
  done = true;
  for (std::thread& watcher : watchers) watcher.join();
  EXPECT_EQ(engine_.stats().shard.bytes_in, 5'000'000u);
}

TEST_F(EnginePost, StatsAndPostsWhileStopping) {
  std::atomic<bool> done{false};
  std::vector<std::thread> others;
  for (int i = 0; i < 2; ++i) {
    others.emplace_back([&] {
      while (!done) {
        engine_.stats();
        engine_.post(0, [] {});
        engine_.is_running();
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
    });
  }
  for (int round = 0; round < 5; ++round) {
    engine_.stop();
    engine_.start();
  }
  done = true;
  for (std::thread& other : others) other.join();
}

}  // namespace
}  // namespace sluice
