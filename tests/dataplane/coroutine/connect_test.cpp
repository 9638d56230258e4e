// Connecting and accepting.
#include <gtest/gtest.h>

#include <optional>

#include "tests/dataplane/coroutine/coroutine_fixture.hpp"

namespace sluice::co {
namespace {

using std::chrono::milliseconds;

class CoConnect : public CoEngine {
 protected:
  Task<> talk(ConnectOptions peer) {
    const Guest guest(*this);
    auto stream = co_await connect(engine_, peer);
    outcome_.tell(stream.outcome());
    if (!stream) co_return;
    const ByteVector bytes = pattern_bytes(100'000);
    co_await stream->write(Bytes(bytes));
    stream->shutdown_send();
    co_await collect(std::move(*stream));
  }
  Task<> try_for(ConnectOptions peer, Duration limit) {
    const Guest guest(*this);
    outcome_.tell((co_await connect(engine_, peer).within(limit)).outcome());
  }
  Task<> begin_and_cancel(ConnectOptions peer) {
    Task<> other = talk(peer);
    other.start();
    other.cancel();
    outcome_.tell(Outcome::cancelled);
    co_return;
  }
  Task<> accept_all(std::uint16_t port, std::uint32_t backlog) {
    const Guest guest(*this);
    Listener listener(engine_, {.port = port, .backlog = backlog});
    began_.tell(true);
    if (waits_for_word_) co_await sleep(Duration::seconds(100)).unless(canceller_);
    while (auto stream = co_await listener.accept()) {
      accepted_.tell(stream->raw() != nullptr);
      go(echo(std::move(*stream)));
    }
  }
  Task<> accept_in_time() {
    Listener listener(engine_, {.port = 9});
    began_.tell(true);
    auto none = co_await listener.accept().within(Duration::milliseconds(20));
    outcome_.tell(none.outcome());
    auto cancelled = co_await listener.accept().unless(canceller_);
    outcome_.tell(cancelled.outcome());
  }
  void give_word() {
    ASSERT_TRUE(engine_.post(0, [this] { canceller_.cancel(); }));
  }
  std::uint32_t connections() { return engine_.stats().shard.connections; }

  bool waits_for_word_ = false;  // before it accepts
  Told<bool> began_;
  Told<bool> accepted_;
};

TEST_F(CoConnect, TalksToAKernelListener) {
  KernelListener listener(kKernelSide, 9000);
  run([this] { return talk(to(kKernelSide, 9000)); });
  KernelTcp peer = listener.accept();
  EXPECT_TRUE(peer.receive_to_end() == pattern_bytes(100'000));
  ASSERT_TRUE(peer.send_all(pattern_bytes(50'000, 2)));
  peer.shutdown_send();
  EXPECT_EQ(outcome_.wait(), Outcome::ok);
  EXPECT_TRUE(received_.wait() == pattern_bytes(50'000, 2));
}

TEST_F(CoConnect, RefusedByThePeer) {
  run([this] { return talk(to(kKernelSide, 9000)); });
  EXPECT_EQ(outcome_.wait(), Outcome::refused);
}

TEST_F(CoConnect, WhatCannotBeginSaysSo) {
  run([this] { return talk(to("224.0.0.1", 9000)); });
  EXPECT_EQ(outcome_.wait(), Outcome::unavailable);
}

TEST_F(CoConnect, FromALocalPortThatIsThisCoresOnly) {
  engine_.stop();
  Config config = small_config();
  config.workers = 2;
  Engine engine(config);
  engine.start();
  KernelListener listener(kKernelSide, 9000);
  const auto try_from = [&](ConnectOptions peer) -> Task<> {
    outcome_.tell((co_await connect(engine, peer)).outcome());
  };
  ConnectOptions peer = to(kKernelSide, 9000);
  std::size_t tries = 0;
  for (peer.local_port = 20'000; peer.local_port < 20'010; ++peer.local_port) {
    const std::uint32_t owner = engine.worker_for(peer);
    ASSERT_TRUE(engine.post(1 - owner, [&] { go(try_from(peer)); }));
    EXPECT_EQ(outcome_.wait(++tries), Outcome::unavailable);
    ASSERT_TRUE(engine.post(owner, [&] { go(try_from(peer)); }));
    EXPECT_EQ(outcome_.wait(++tries), Outcome::ok);
  }
  engine.stop();
}

// Sent into the device of a network that has no such way back: nobody answers.
TEST_F(CoConnect, GivenUpItIsCalledOff) {
  run([this] { return try_for(to("192.0.2.1", 9000), Duration::milliseconds(30)); });
  EXPECT_TRUE(comes_true([this] { return connections() == 1 || outcome_.count() == 1; }));
  EXPECT_EQ(outcome_.wait(), Outcome::timeout);
  EXPECT_TRUE(comes_true([this] { return connections() == 0; }));
}

TEST_F(CoConnect, DestroyedBeforeItHasBegunItNeverDoes) {
  run([this] { return begin_and_cancel(to("192.0.2.1", 9000)); });
  EXPECT_EQ(outcome_.wait(), Outcome::cancelled);
  EXPECT_TRUE(comes_true([this] { return engine_.stats().shard.aborted == 1; }));
  EXPECT_EQ(connections(), 0u);
}

TEST_F(CoConnect, AcceptsOneAfterTheOther) {
  run([this] { return accept_all(7, 16); });
  ASSERT_TRUE(began_.wait());
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(echoes(kEngineSide, 7));
  EXPECT_EQ(accepted_.count(), 5u);
}

TEST_F(CoConnect, ThoseThatComeEarlyWaitToBeAccepted) {
  waits_for_word_ = true;
  run([this] { return accept_all(7, 16); });
  ASSERT_TRUE(began_.wait());
  std::vector<KernelTcp> clients;
  for (int i = 0; i < 5; ++i) clients.emplace_back(kEngineSide, 7);
  for (KernelTcp& client : clients) ASSERT_TRUE(client.send_all(pattern_bytes(10)));
  EXPECT_EQ(accepted_.count(), 0u);
  give_word();
  for (KernelTcp& client : clients) EXPECT_EQ(client.receive(10), pattern_bytes(10));
}

TEST_F(CoConnect, MoreThanTheBacklogAreReset) {
  waits_for_word_ = true;
  run([this] { return accept_all(7, 2); });
  ASSERT_TRUE(began_.wait());
  std::vector<KernelTcp> clients;
  for (int i = 0; i < 3; ++i) clients.emplace_back(kEngineSide, 7);
  EXPECT_TRUE(clients[2].receive(1).empty());
  EXPECT_EQ(clients[2].error(), ECONNRESET);
  give_word();
  ASSERT_TRUE(clients[0].send_all(pattern_bytes(10)));
  EXPECT_EQ(clients[0].receive(10), pattern_bytes(10));
}

TEST_F(CoConnect, AcceptInTimeOrNot) {
  run([this] { return accept_in_time(); });
  EXPECT_EQ(outcome_.wait(), Outcome::timeout);
  ASSERT_TRUE(engine_.post(0, [this] { canceller_.cancel(); }));
  EXPECT_EQ(outcome_.wait(2), Outcome::cancelled);
  EXPECT_TRUE(comes_true([] { return KernelTcp(kEngineSide, 9).error() == ECONNREFUSED; }))
      << "the listener went with its task";
}

TEST_F(CoConnect, ThoseThatWaitAreClosedWithTheirListener) {
  std::optional<Listener> listener(std::in_place, engine_, ListenOptions{.port = 9});
  KernelTcp client(kEngineSide, 9);
  ASSERT_EQ(client.error(), 0);
  EXPECT_TRUE(comes_true([this] { return engine_.stats().shard.accepted == 1; }));
  listener.reset();
  EXPECT_TRUE(client.is_at_end());
}

TEST_F(CoConnect, EveryCoreAcceptsItsOwn) {
  engine_.stop();
  Config config = small_config();
  config.workers = 2;
  Engine engine(config);
  engine.start();
  Listener listener(engine, {.port = 7});
  const auto accept_here = [&listener, this]() -> Task<> {
    while (auto stream = co_await listener.accept()) go(echo(std::move(*stream)));
  };
  for (std::uint32_t core = 0; core < 2; ++core) {
    ASSERT_TRUE(engine.post(core, [&accept_here] { go(accept_here()); }));
  }
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(echoes(kEngineSide, 7, 1000));
  engine.stop();
}

}  // namespace
}  // namespace sluice::co
