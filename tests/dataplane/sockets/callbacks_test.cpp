// Readiness by callback: what newly holds, when it is told, and what a callback may do.
#include "tests/dataplane/sockets/lone_stack.hpp"

namespace sluice::test {
namespace {

class SocketCallbacks : public LoneStack {
 protected:
  struct Heard {
    int handle;
    int events;
    bool operator==(const Heard&) const = default;
  };
  static void on_events(sluice_stack* stack, int handle, int events, void* context) {
    auto& test = *static_cast<SocketCallbacks*>(context);
    EXPECT_EQ(stack, test.host.get());
    test.heard.push_back({handle, events});
    if (test.reaction) test.reaction(handle, events);
  }
  void watches(int handle) {
    EXPECT_EQ(sluice_set_callback(host.get(), handle, on_events, this), 0);
  }
  std::vector<Heard> hears() { return std::exchange(heard, {}); }

  std::vector<Heard> heard;
  std::function<void(int, int)> reaction;
};

TEST_F(SocketCallbacks, TellWhatHoldsAlready) {
  const Connection made = connects();
  watches(made.handle);
  EXPECT_TRUE(heard.empty());
  sluice_advance(host.get(), now);
  EXPECT_EQ(hears(), (std::vector<Heard>{{made.handle, SLUICE_WRITABLE}}));
  sluice_advance(host.get(), now);
  EXPECT_TRUE(heard.empty());
}

TEST_F(SocketCallbacks, TellOfBytesOnceUntilTheyAreRead) {
  const Connection made = connects();
  watches(made.handle);
  takes();
  hears();
  gives(made.flow, wire::kAck, made.theirs, made.ours, "one");
  EXPECT_EQ(hears(), (std::vector<Heard>{{made.handle, SLUICE_READABLE}}));
  gives(made.flow, wire::kAck, made.theirs + 3, made.ours, "two");
  EXPECT_TRUE(heard.empty());
  EXPECT_EQ(host.recv(made.handle), "onetwo");
  gives(made.flow, wire::kAck, made.theirs + 6, made.ours, "three");
  EXPECT_EQ(hears(), (std::vector<Heard>{{made.handle, SLUICE_READABLE}}));
}

TEST_F(SocketCallbacks, TellOfAConnectionThatIsThere) {
  const Connection made = begins();
  watches(made.handle);
  takes();
  EXPECT_TRUE(heard.empty());
  gives(made.flow, wire::kSyn | wire::kAck, kIsn, made.ours);
  EXPECT_EQ(hears(), (std::vector<Heard>{{made.handle, SLUICE_WRITABLE}}));
}

TEST_F(SocketCallbacks, TellOfItsEnd) {
  const Connection made = connects();
  watches(made.handle);
  takes();
  hears();
  gives(made.flow, wire::kAck | wire::kFin, made.theirs, made.ours);
  EXPECT_EQ(hears(), (std::vector<Heard>{{made.handle, SLUICE_READABLE | SLUICE_PEER_CLOSED}}));
  gives(made.flow, wire::kRst, made.theirs + 1);
  EXPECT_EQ(hears(), (std::vector<Heard>{{made.handle, SLUICE_ERROR | SLUICE_HANGUP}}));
}

TEST_F(SocketCallbacks, TellOfATimeout) {
  const Connection made =
      begins([this](int handle) { EXPECT_EQ(host.set(handle, IPPROTO_TCP, TCP_SYNCNT, 1), 0); });
  watches(made.handle);
  passes(10 * kSecond);
  ASSERT_EQ(heard.size(), 1U);
  EXPECT_NE(heard[0].events & SLUICE_ERROR, 0);
}

TEST_F(SocketCallbacks, TellOfRoom) {
  const Connection made =
      connects([this](int handle) { EXPECT_EQ(host.set(handle, SOL_SOCKET, SO_SNDBUF, 8192), 0); });
  watches(made.handle);
  takes();
  hears();
  EXPECT_EQ(host.send(made.handle, std::string(20'000, 'x')), 8192);
  takes();
  EXPECT_TRUE(heard.empty());
  gives(made.flow, wire::kAck, made.theirs, made.ours + 2920);
  EXPECT_EQ(hears(), (std::vector<Heard>{{made.handle, SLUICE_WRITABLE}}));
}

TEST_F(SocketCallbacks, TellOfWhoWaitsToBeAccepted) {
  const int listener = listens();
  watches(listener);
  opens(6000);
  EXPECT_EQ(hears(), (std::vector<Heard>{{listener, SLUICE_READABLE}}));
  EXPECT_GE(host.accept(listener), 0);
  opens(6001);
  EXPECT_EQ(hears(), (std::vector<Heard>{{listener, SLUICE_READABLE}}));
}

TEST_F(SocketCallbacks, MayCallAnySocket) {
  const int listener = listens();
  std::string text;
  int accepted = -1;
  reaction = [&](int handle, int events) {
    if (handle == listener) {
      accepted = host.accept(listener);
      watches(accepted);
    } else if ((events & SLUICE_READABLE) != 0) {
      text += host.recv(handle);
      EXPECT_EQ(host.send(handle, "seen"), 4);
      EXPECT_EQ(host.close(handle), 0);
    }
  };
  watches(listener);
  const std::uint32_t ours = opens(6000);
  gives(to_listener(6000), wire::kAck, kIsn + 1, ours, "hello");
  EXPECT_EQ(text, "hello");
  EXPECT_EQ(takes_one().payload(), "seen");
  EXPECT_EQ(host.ready(accepted), -EBADF);
}

TEST_F(SocketCallbacks, MustNotReenterTheStack) {
  const Connection made = connects();
  int calls = 0;
  reaction = [&](int, int) {
    ++calls;
    std::array<std::uint8_t, 2000> buffer{};
    sluice_offload offload{};
    offload.size = sizeof offload;
    sluice_stack* const stack = host.get();
    EXPECT_EQ(sluice_input(stack, buffer.data(), 10, now), -EBUSY);
    EXPECT_EQ(sluice_output(stack, buffer.data(), buffer.size(), now), -EBUSY);
    EXPECT_EQ(sluice_output_offload(stack, buffer.data(), buffer.size(), &offload, now), -EBUSY);
    EXPECT_EQ(sluice_advance(stack, now), -EBUSY);
    EXPECT_EQ(sluice_stack_destroy(stack), -EBUSY);
  };
  watches(made.handle);
  takes();
  EXPECT_EQ(calls, 1);
}

TEST_F(SocketCallbacks, OneSocketMayCloseAnotherThatWasToBeTold) {
  const Connection first = connects();
  const Connection second = connects();
  reaction = [&](int handle, int) {
    EXPECT_EQ(host.close(handle == first.handle ? second.handle : first.handle), 0);
  };
  watches(first.handle);
  watches(second.handle);
  sluice_advance(host.get(), now);
  EXPECT_EQ(heard.size(), 1U);
}

TEST_F(SocketCallbacks, NoneIsNone) {
  const Connection made = connects();
  watches(made.handle);
  EXPECT_EQ(sluice_set_callback(host.get(), made.handle, nullptr, nullptr), 0);
  gives(made.flow, wire::kAck, made.theirs, made.ours, "x");
  EXPECT_TRUE(heard.empty());
  EXPECT_EQ(sluice_set_callback(host.get(), 99, on_events, this), -EBADF);
}

}  // namespace
}  // namespace sluice::test
