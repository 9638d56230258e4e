// What becomes of tasks when the engine stops, and what waiting costs.
#include <gtest/gtest.h>

#include "tests/dataplane/coroutine/coroutine_fixture.hpp"
#include "tests/support/allocations.hpp"

namespace sluice::co {
namespace {

class CoStop : public CoEngine {
 protected:
  Task<> sleep_long() {
    const Guest guest(*this);
    began_.tell(true);
    outcome_.tell((co_await sleep(Duration::seconds(100))).outcome());
  }
  Task<> never_listens() {
    const Guest guest(*this);
    began_.tell(true);
    while (true) co_await sleep(Duration::seconds(100));
  }
  Task<> accept_one() {
    const Guest guest(*this);
    Listener listener(engine_, {.port = 11});
    began_.tell(true);
    outcome_.tell((co_await listener.accept()).outcome());
  }
  Task<> write_much(Stream stream) {
    const Guest guest(*this);
    const ByteVector bytes = pattern_bytes(8'000'000);
    began_.tell(true);
    outcome_.tell((co_await stream.write(Bytes(bytes))).outcome());
  }
  Task<> connect_again_and_again() {
    const Guest guest(*this);
    began_.tell(true);
    while (true) co_await connect(engine_, to(kKernelSide, 9000));
  }
  Task<> talk_counted(Stream stream) {
    std::uint64_t before = 0;
    for (int round = 0; round < 1000; ++round) {
      auto bytes = co_await stream.read().within(Duration::seconds(10)).unless(canceller_);
      if (!bytes) break;
      co_await stream.write(std::move(*bytes));
      if (round == 100) before = test::allocations.made;  // what is made once has been made
    }
    made_.tell(test::allocations.made - before);
  }

  Told<bool> began_;
  Told<std::uint64_t> made_;
};

TEST_F(CoStop, ThoseThatSleepAcceptAndWriteAreTold) {
  run([this] { return sleep_long(); });
  run([this] { return accept_one(); });
  serve_each(9, [this](Stream stream) { return write_much(std::move(stream)); });
  KernelTcp client(kEngineSide, 9, 65'536);
  began_.wait(3);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  engine_.stop();
  ASSERT_EQ(outcome_.count(), 3u);
  for (std::size_t i = 1; i <= 3; ++i) EXPECT_EQ(outcome_.wait(i), Outcome::stopped);
  EXPECT_EQ(guests_, 0);
}

TEST_F(CoStop, ThoseThatReadHearTheirConnectionsEnd) {
  serve_each(9, [this](Stream stream) { return collect(std::move(stream)); });
  const KernelTcp client(kEngineSide, 9);
  EXPECT_TRUE(comes_true([this] { return guests_ == 1; }));
  engine_.stop();
  EXPECT_EQ(guests_, 0);
  EXPECT_EQ(outcome_.wait(), Outcome::stopped);
}

TEST_F(CoStop, ReadersMayFinishWhileItDrains) {
  engine_.stop();
  Config config = small_config();
  config.drain_timeout = Duration::seconds(10);
  Engine engine(config);
  engine.start();
  co::serve(engine, {.port = 9}, [this](Stream stream) { return collect(std::move(stream)); });
  KernelTcp client(kEngineSide, 9);
  EXPECT_TRUE(comes_true([this] { return guests_ == 1; }));
  std::thread peer([&client] {
    EXPECT_TRUE(client.is_at_end());
    EXPECT_TRUE(client.send_all(pattern_bytes(1000)));
    client.shutdown_send();
  });
  engine.stop();
  peer.join();
  EXPECT_EQ(received_.wait(), pattern_bytes(1000));
  EXPECT_EQ(outcome_.wait(), Outcome::end);
}

TEST_F(CoStop, ThoseThatDoNotListenAreDestroyed) {
  run([this] { return never_listens(); });
  run([this] { return connect_again_and_again(); });
  began_.wait(2);
  engine_.stop();
  EXPECT_EQ(guests_, 0);
}

TEST_F(CoStop, StartedAgainItServesAgain) {
  serve_each(7, [this](Stream stream) { return echo(std::move(stream)); });
  EXPECT_TRUE(echoes(kEngineSide, 7));
  engine_.stop();
  engine_.start();
  EXPECT_TRUE(echoes(kEngineSide, 7));
}

TEST_F(CoStop, WaitingAllocatesNothing) {
  co::serve(engine_, {.port = 7},
            [this](Stream stream) { return talk_counted(std::move(stream)); });
  KernelTcp client(kEngineSide, 7);
  const ByteVector bytes = pattern_bytes(100);
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(client.send_all(bytes));
    ASSERT_EQ(client.receive(100).size(), 100u);
  }
  EXPECT_EQ(made_.wait(), 0u);
  EXPECT_EQ(made_.count(), 1u);
}

}  // namespace
}  // namespace sluice::co
