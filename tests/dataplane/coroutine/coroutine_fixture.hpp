// Coroutines on an engine in a network namespace of its own, the kernel's sockets as their peers.
#pragma once

#include <atomic>

#include "dataplane/coroutine.hpp"
#include "tests/dataplane/engine/engine_fixture.hpp"

namespace sluice::co {

class CoEngine : public EngineTest {
 protected:
  // Counts those that live: none may be left behind.
  class Guest {
   public:
    explicit Guest(CoEngine& test) : count_(test.guests_) { ++count_; }
    ~Guest() { --count_; }
    Guest(const Guest&) = delete;
    Guest& operator=(const Guest&) = delete;

   private:
    std::atomic<int>& count_;
  };

  void SetUp() override {
    EngineTest::SetUp();
    if (!IsSkipped()) engine_.start();
  }
  void TearDown() override {
    engine_.stop();
    EXPECT_EQ(guests_, 0) << "a frame was left behind";
  }

  // Runs the task that `make` makes on core 0. (What makes it does not live as long: a coroutine
  // with captures would lose them.)
  void run(const std::function<Task<>()>& make) {
    ASSERT_TRUE(engine_.post(0, [make] { go(make()); }));
  }
  void serve_each(std::uint16_t port, std::function<Task<>(Stream)> task) {
    co::serve(engine_, {.port = port}, std::move(task));
  }
  static ConnectOptions to(const char* address, std::uint16_t port) {
    return {.remote = *IpAddress::parse(address), .port = port, .local = {}};
  }

  Task<> echo(Stream stream) {
    const Guest guest(*this);
    while (auto bytes = co_await stream.read()) co_await stream.write(std::move(*bytes));
  }
  // All that comes, and what ended it.
  Task<> collect(Stream stream) {
    const Guest guest(*this);
    ByteVector all;
    Result<Slice> bytes = co_await stream.read();
    for (; bytes; bytes = co_await stream.read()) {
      all.insert(all.end(), bytes->data(), bytes->data() + bytes->size());
    }
    received_.tell(all);
    outcome_.tell(bytes.outcome());
  }

  Told<ByteVector> received_;
  Told<Outcome> outcome_;
  std::atomic<int> guests_{0};
  Canceller canceller_;
  Engine engine_{small_config()};
};

}  // namespace sluice::co
