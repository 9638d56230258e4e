// Reading and writing.
#include <gtest/gtest.h>

#include "tests/dataplane/coroutine/coroutine_fixture.hpp"

namespace sluice::co {
namespace {

using std::chrono::milliseconds;

class CoStream : public CoEngine {
 protected:
  Task<> write_much(Stream stream) {
    const Guest guest(*this);
    const ByteVector bytes = pattern_bytes(8'000'000);
    began_.tell(true);
    outcome_.tell((co_await stream.write(Bytes(bytes))).outcome());
  }
  Task<> read_in_time(Stream stream) {
    const Guest guest(*this);
    outcome_.tell((co_await stream.read().within(Duration::milliseconds(50))).outcome());
    auto bytes = co_await stream.read().within(Duration::seconds(10));
    outcome_.tell(bytes.outcome());
    co_await stream.write("well");
  }
  Task<> read_unless(Stream stream) {
    const Guest guest(*this);
    began_.tell(true);
    outcome_.tell((co_await stream.read().unless(canceller_)).outcome());
    outcome_.tell((co_await stream.read().unless(canceller_)).outcome());
  }
  Task<> read_slowly(Stream stream) {
    const Guest guest(*this);
    co_await stream.read().within(Duration::seconds(100));
  }
  Task<> limit_reader(Stream stream) {
    const Guest guest(*this);
    auto result = co_await read_slowly(std::move(stream)).within(Duration::milliseconds(20));
    outcome_.tell(result.outcome());
  }
  Task<> read_beside(Stream& stream) { outcome_.tell((co_await stream.read()).outcome()); }
  Task<> read_twice(Stream stream) {
    Task<> other = read_beside(stream);
    other.start();
    outcome_.tell((co_await stream.read()).outcome());
    co_await other;
  }
  Task<> close_under_reader(Stream stream) {
    Task<> other = read_beside(stream);
    other.start();
    co_await sleep(Duration::milliseconds(5));
    stream.close();
    co_await other;
    outcome_.tell((co_await stream.read()).outcome());
    outcome_.tell((co_await stream.write("x")).outcome());
  }
  Task<> half_close(Stream stream) {
    co_await stream.write("bye");
    stream.shutdown_send();
    outcome_.tell((co_await stream.write("more")).outcome());
    co_await collect(std::move(stream));
  }
  Task<> after_the_end(Stream stream) {
    outcome_.tell((co_await stream.read()).outcome());
    outcome_.tell((co_await stream.read()).outcome());
    outcome_.tell((co_await stream.write("x")).outcome());
    gone_.tell(stream.raw() == nullptr);
  }

  Told<bool> began_;
  Told<bool> gone_;
};

TEST_F(CoStream, Echoes) {
  serve_each(7, [this](Stream stream) { return echo(std::move(stream)); });
  EXPECT_TRUE(echoes(kEngineSide, 7, 3'000'000));
  EXPECT_TRUE(comes_true([this] { return guests_ == 0; })) << "the task ends with its connection";
}

TEST_F(CoStream, ReadGivesEverythingAndThenTheEnd) {
  serve_each(9, [this](Stream stream) { return collect(std::move(stream)); });
  KernelTcp client(kEngineSide, 9);
  ASSERT_TRUE(client.send_all(pattern_bytes(2'000'000)));
  client.shutdown_send();
  EXPECT_TRUE(received_.wait() == pattern_bytes(2'000'000));
  EXPECT_EQ(outcome_.wait(), Outcome::end);
  EXPECT_TRUE(client.is_at_end()) << "what goes closes its stream";
}

TEST_F(CoStream, WriteWaitsForAPeerThatDoesNotRead) {
  serve_each(9, [this](Stream stream) { return write_much(std::move(stream)); });
  KernelTcp client(kEngineSide, 9, 65'536);
  ASSERT_TRUE(began_.wait());
  std::this_thread::sleep_for(milliseconds(100));
  EXPECT_EQ(outcome_.count(), 0u);
  EXPECT_TRUE(client.receive(8'000'000) == pattern_bytes(8'000'000));
  EXPECT_EQ(outcome_.wait(), Outcome::ok);
}

TEST_F(CoStream, WriteEndsWithItsConnection) {
  serve_each(9, [this](Stream stream) { return write_much(std::move(stream)); });
  {
    KernelTcp client(kEngineSide, 9, 65'536);
    ASSERT_TRUE(began_.wait());
    client.reset_on_close();
  }
  EXPECT_EQ(outcome_.wait(), Outcome::reset);
}

TEST_F(CoStream, ReadInTimeOrNot) {
  serve_each(9, [this](Stream stream) { return read_in_time(std::move(stream)); });
  KernelTcp client(kEngineSide, 9);
  EXPECT_EQ(outcome_.wait(), Outcome::timeout);
  ASSERT_TRUE(client.send_all(pattern_bytes(10)));
  EXPECT_EQ(outcome_.wait(2), Outcome::ok) << "the stream goes on";
  EXPECT_EQ(client.receive(4), (ByteVector{'w', 'e', 'l', 'l'}));
}

TEST_F(CoStream, ReadIsCancelledByAToken) {
  serve_each(9, [this](Stream stream) { return read_unless(std::move(stream)); });
  KernelTcp client(kEngineSide, 9);
  ASSERT_TRUE(began_.wait());
  ASSERT_TRUE(engine_.post(0, [this] { canceller_.cancel(); }));
  EXPECT_EQ(outcome_.wait(), Outcome::cancelled);
  EXPECT_EQ(outcome_.wait(2), Outcome::cancelled);
  EXPECT_TRUE(client.is_at_end());
}

TEST_F(CoStream, ADestroyedTaskLetsGoOfItsStream) {
  serve_each(9, [this](Stream stream) { return limit_reader(std::move(stream)); });
  KernelTcp client(kEngineSide, 9);
  EXPECT_EQ(outcome_.wait(), Outcome::timeout);
  EXPECT_TRUE(client.is_at_end());
  EXPECT_TRUE(comes_true([this] { return guests_ == 0; }));
}

TEST_F(CoStream, OnlyOneMayReadAtATime) {
  serve_each(9, [this](Stream stream) { return read_twice(std::move(stream)); });
  KernelTcp client(kEngineSide, 9);
  EXPECT_EQ(outcome_.wait(), Outcome::busy);
  ASSERT_TRUE(client.send_all(pattern_bytes(1)));
  EXPECT_EQ(outcome_.wait(2), Outcome::ok);
}

TEST_F(CoStream, ClosingWakesWhoeverReads) {
  serve_each(9, [this](Stream stream) { return close_under_reader(std::move(stream)); });
  KernelTcp client(kEngineSide, 9);
  for (std::size_t i = 1; i <= 3; ++i) EXPECT_EQ(outcome_.wait(i), Outcome::closed);
  EXPECT_TRUE(client.is_at_end());
}

TEST_F(CoStream, HalfClose) {
  serve_each(9, [this](Stream stream) { return half_close(std::move(stream)); });
  KernelTcp client(kEngineSide, 9);
  EXPECT_EQ(client.receive_to_end(), (ByteVector{'b', 'y', 'e'}));
  EXPECT_EQ(outcome_.wait(), Outcome::closed);
  ASSERT_TRUE(client.send_all(pattern_bytes(1000)));
  client.shutdown_send();
  EXPECT_EQ(received_.wait(), pattern_bytes(1000));
}

TEST_F(CoStream, AResetIsToldToEveryWaitFromThenOn) {
  serve_each(9, [this](Stream stream) { return after_the_end(std::move(stream)); });
  { KernelTcp(kEngineSide, 9).reset_on_close(); }
  for (std::size_t i = 1; i <= 3; ++i) EXPECT_EQ(outcome_.wait(i), Outcome::reset);
  EXPECT_TRUE(gone_.wait());
}

}  // namespace
}  // namespace sluice::co
