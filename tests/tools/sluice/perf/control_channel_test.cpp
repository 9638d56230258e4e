// The control connection, the kernel's sockets at its other end.
#include "tools/sluice/perf/control_channel.hpp"

#include <gtest/gtest.h>

#include "tests/dataplane/coroutine/coroutine_fixture.hpp"
#include "tools/sluice/perf/cookie.hpp"
#include "tools/sluice/perf/document.hpp"

namespace sluice::perf {
namespace {

using co::Result;
using co::Stream;
using co::Task;

// What the engine's side has read: one line for each thing.
class ControlChannelTest : public co::CoEngine {
 public:
  static constexpr std::uint32_t kMaxBytes = 100;

  void say(const std::string& what) { said_.tell(what); }
  template <class T>
  void say_end(const Result<T>& result) {
    said_.tell("! " + std::string(co::outcome_name(result.outcome())));
  }

  // A cookie, and then states and documents in turns.
  Task<> listen_to(Stream stream) {
    const Guest guest(*this);
    auto cookie = co_await read_exactly(stream, kCookieBytes);
    if (!cookie) co_return say_end(cookie);
    say(std::string(cookie_in(*cookie)));
    ControlChannel channel(std::move(stream));
    while (true) {
      auto state = co_await channel.read_state();
      if (!state) co_return say_end(state);
      say(std::to_string(static_cast<int>(*state)));
      try {
        auto document = co_await channel.read_document(kMaxBytes);
        if (!document) co_return say_end(document);
        say(*document);
      } catch (const BadDocument& error) {
        co_return say(error.what());
      }
    }
  }
  Task<> listen_to_error(Stream stream) {
    const Guest guest(*this);
    ControlChannel channel(std::move(stream));
    auto state = co_await channel.read_state();
    auto error = co_await channel.read_error();
    if (!error) co_return say_end(error);
    say(std::to_string(static_cast<int>(*state)) + ' ' +
        error_text(error->code, error->system_errno));
  }
  Task<> wait_in_vain(Stream stream) {
    const Guest guest(*this);
    ControlChannel channel(std::move(stream));
    say_end(flat(co_await channel.read_state().within(Duration::milliseconds(20))));
    say_end(flat(co_await channel.read_document(kMaxBytes).unless(canceller_)));
    auto state = flat(co_await channel.read_state().within(Duration::seconds(10)));
    say(std::to_string(static_cast<int>(*state)));
  }
  Task<> talk(Stream stream) {
    const Guest guest(*this);
    ControlChannel channel(std::move(stream));
    co_await channel.write_state(State::exchange_results);
    co_await channel.write_document("{}");
    co_await channel.write_error(ErrorCode::stream_listen, EADDRINUSE);
  }

  void serve(Task<> (ControlChannelTest::*task)(Stream)) {
    serve_each(5201, [this, task](Stream stream) { return (this->*task)(std::move(stream)); });
  }
  static KernelTcp connect() { return {kEngineSide, 5201}; }
  static ByteVector bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

  Told<std::string> said_;
};

const std::string kTwoMessages =
    cookie_message("ours") + std::string("\x09\0\0\0\x03{1}\xff\0\0\0\0", 13);

TEST_F(ControlChannelTest, ReadsWhatComesInOneSegment) {
  serve(&ControlChannelTest::listen_to);
  KernelTcp peer = connect();
  ASSERT_TRUE(peer.send_all(bytes_of(kTwoMessages)));
  EXPECT_EQ(said_.wait(1), "ours");
  EXPECT_EQ(said_.wait(2), "9");
  EXPECT_EQ(said_.wait(3), "{1}");
  EXPECT_EQ(said_.wait(4), "-1");
  EXPECT_EQ(said_.wait(5), "");
  EXPECT_EQ(said_.count(), 5U);
}

TEST_F(ControlChannelTest, ReadsWhatComesAByteAtATime) {
  serve(&ControlChannelTest::listen_to);
  KernelTcp peer = connect();
  peer.set_nodelay();
  for (const char byte : kTwoMessages) {
    ASSERT_TRUE(peer.send_all({static_cast<std::uint8_t>(byte)}));
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_EQ(said_.wait(3), "{1}");
  EXPECT_EQ(said_.wait(4), "-1");
}

TEST_F(ControlChannelTest, RefusesADocumentThatIsTooLong) {
  serve(&ControlChannelTest::listen_to);
  std::size_t lines = 0;
  for (const char* const length : {"\x01\x01\x01\x65", "\x3f\xff\xff\xff", "\xff\xff\xff\xff"}) {
    KernelTcp peer = connect();
    ASSERT_TRUE(peer.send_all(bytes_of(cookie_message("ours") + '\x09' + length)));
    lines += 3;
    EXPECT_NE(said_.wait(lines).find(" bytes: at most 100 are taken"), std::string::npos);
    EXPECT_TRUE(peer.is_at_end());
  }
}

TEST_F(ControlChannelTest, SaysThatThePeerHasGone) {
  serve(&ControlChannelTest::listen_to);
  std::size_t lines = 0;
  for (const std::size_t length : {0U, 36U, 37U, 38U, 40U, 43U}) {
    KernelTcp peer = connect();
    ASSERT_TRUE(peer.send_all(bytes_of(kTwoMessages.substr(0, length))));
    peer.shutdown_send();
    lines += length < 37 ? 1 : length < 38 ? 2 : 3;
    EXPECT_EQ(said_.wait(lines), "! end of stream") << length;
  }
}

TEST_F(ControlChannelTest, ReadsAnErrorOfThePeer) {
  serve(&ControlChannelTest::listen_to_error);
  KernelTcp peer = connect();
  ASSERT_TRUE(peer.send_all(bytes_of(std::string("\xfe\0\0\0\xca\0\0\0\x62", 9))));
  EXPECT_EQ(said_.wait(1), "-2 unable to start stream listener: Address already in use");
}

TEST_F(ControlChannelTest, ReadsAnErrorWithoutErrno) {
  serve(&ControlChannelTest::listen_to_error);
  KernelTcp peer = connect();
  ASSERT_TRUE(peer.send_all(bytes_of(std::string("\xfe\0\0\0\x8e", 5))));
  peer.shutdown_send();
  EXPECT_EQ(said_.wait(1), "-2 test authorization failed");
}

TEST_F(ControlChannelTest, CanBeGivenUpAndReadOn) {
  serve(&ControlChannelTest::wait_in_vain);
  KernelTcp peer = connect();
  EXPECT_EQ(said_.wait(1), "! timeout");
  ASSERT_TRUE(engine_.post(0, [this] { canceller_.cancel(); }));
  EXPECT_EQ(said_.wait(2), "! cancelled");
  ASSERT_TRUE(peer.send_all({0x0c}));
  EXPECT_EQ(said_.wait(3), "12");
}

TEST_F(ControlChannelTest, WritesStatesDocumentsAndErrors) {
  serve(&ControlChannelTest::talk);
  KernelTcp peer = connect();
  const ByteVector wanted = {13, 0, 0, 0, 2, '{', '}', 0xfe, 0, 0, 0, 0xca, 0, 0, 0, 0x62};
  EXPECT_EQ(peer.receive_to_end(), wanted);
}

}  // namespace
}  // namespace sluice::perf
