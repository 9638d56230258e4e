// bind(), listen() and accept(): ports, queues, errors.
#include "tests/dataplane/sockets/lone_stack.hpp"

namespace sluice::test {
namespace {

class SocketBind : public LoneStack {
 protected:
  int bound(const Address& to, bool shares = false, int domain = AF_INET) {
    const int handle = host.socket(domain);
    EXPECT_EQ(host.set(handle, SOL_SOCKET, SO_REUSEADDR, shares), 0);
    result = host.bind(handle, to);
    return handle;
  }
  int result = 0;
};

TEST_F(SocketBind, TakesOwnAddressesOnly) {
  bound({kOwn, 80});
  EXPECT_EQ(result, 0);
  bound({"192.0.2.2", 80});
  EXPECT_EQ(result, -EADDRNOTAVAIL);
  bound({"224.0.0.1", 80});
  EXPECT_EQ(result, -EADDRNOTAVAIL);
  bound({"2001:db8::1", 80});
  EXPECT_EQ(result, -EAFNOSUPPORT);
}

TEST_F(SocketBind, HappensOnce) {
  const int handle = bound({kOwn, 80});
  EXPECT_EQ(host.bind(handle, {kOwn, 81}), -EINVAL);
}

TEST_F(SocketBind, NeedsAWholeAddress) {
  const int handle = host.socket();
  Address address(kOwn, 80);
  address.length = 15;
  EXPECT_EQ(host.bind(handle, address), -EINVAL);
  EXPECT_EQ(sluice_bind(host.get(), handle, nullptr, 16), -EINVAL);
  EXPECT_EQ(sluice_bind(host.get(), 99, address.get(), 16), -EBADF);
}

TEST_F(SocketBind, APortIsOneSockets) {
  bound({kOwn, 80});
  bound({kOwn, 80});
  EXPECT_EQ(result, -EADDRINUSE);
  bound({"0.0.0.0", 80});
  EXPECT_EQ(result, -EADDRINUSE);
  bound({"::", 80}, false, AF_INET6);
  EXPECT_EQ(result, -EADDRINUSE);
  bound({"2001:db8::1", 80}, false, AF_INET6);
  EXPECT_EQ(result, 0);
}

TEST_F(SocketBind, OneSocketOfEachFamily) {
  bound({"0.0.0.0", 80});
  const int v6 = host.socket(AF_INET6);
  EXPECT_EQ(host.set(v6, IPPROTO_IPV6, IPV6_V6ONLY, 1), 0);
  EXPECT_EQ(host.bind(v6, {"::", 80}), 0);
  EXPECT_EQ(host.set(v6, IPPROTO_IPV6, IPV6_V6ONLY, 0), -EINVAL);
}

TEST_F(SocketBind, SharesAPortWhenBothSay) {
  bound({kOwn, 80}, true);
  bound({kOwn, 80}, false);
  EXPECT_EQ(result, -EADDRINUSE);
  bound({kOwn, 80}, true);
  EXPECT_EQ(result, 0);
}

TEST_F(SocketBind, OnlyOneOfThoseWhoShareListens) {
  const int first = bound({kOwn, 80}, true);
  const int second = bound({kOwn, 80}, true);
  EXPECT_EQ(host.listen(first), 0);
  EXPECT_EQ(host.listen(second), -EADDRINUSE);
  bound({kOwn, 80}, true);
  EXPECT_EQ(result, -EADDRINUSE);
  EXPECT_EQ(host.close(first), 0);
  EXPECT_EQ(host.listen(second), 0);
}

TEST_F(SocketBind, APortZeroIsChosen) {
  const int handle = bound({"0.0.0.0", 0});
  EXPECT_EQ(result, 0);
  Address own;
  EXPECT_EQ(sluice_getsockname(host.get(), handle, own.get(), &own.length), 0);
  EXPECT_GE(own.port(), 32'768);
  EXPECT_LE(own.port(), 60'999);
}

TEST_F(SocketBind, AConnectionThatLingersKeepsThePort) {
  const int listener = listens();
  opens(6000);
  const int accepted = host.accept(listener);
  EXPECT_EQ(host.close(listener), 0);
  EXPECT_EQ(host.close(accepted), 0);
  bound({kOwn, 80}, false);
  EXPECT_EQ(result, -EADDRINUSE);
  bound({kOwn, 80}, true);
  EXPECT_EQ(result, 0);
}

TEST_F(SocketBind, TimeWaitKeepsThePort) {
  const int listener = listens();
  const std::uint32_t ours = opens(6000);
  const int accepted = host.accept(listener);
  EXPECT_EQ(host.close(listener), 0);
  EXPECT_EQ(host.close(accepted), 0);
  takes();
  gives(to_listener(6000), wire::kFin | wire::kAck, kIsn + 1, ours + 1);
  takes();
  bound({kOwn, 80}, false);
  EXPECT_EQ(result, -EADDRINUSE);
  EXPECT_EQ(host.close(bound({kOwn, 80}, true)), 0);
  EXPECT_EQ(result, 0);
  passes(61 * kSecond);
  bound({kOwn, 80}, false);
  EXPECT_EQ(result, 0);
}

class SocketListen : public LoneStack {};

TEST_F(SocketListen, ChoosesAPortWhenThereIsNone) {
  const int listener = host.socket();
  EXPECT_EQ(host.listen(listener), 0);
  EXPECT_EQ(host.get(listener, SOL_SOCKET, SO_ACCEPTCONN), 1);
  EXPECT_NE(host.local_name(listener), "0.0.0.0:0");
}

TEST_F(SocketListen, IsNotForWhoIsConnected) {
  const Connection made = connects();
  EXPECT_EQ(host.listen(made.handle), -EINVAL);
  EXPECT_EQ(host.listen(begins().handle), -EINVAL);
}

TEST_F(SocketListen, AcceptNeedsAListener) {
  EXPECT_EQ(host.accept(host.socket()), -EINVAL);
  EXPECT_EQ(host.accept(connects().handle), -EINVAL);
  EXPECT_EQ(host.accept(listens()), -EAGAIN);
  EXPECT_EQ(host.accept(1234), -EBADF);
}

TEST_F(SocketListen, AcceptsInTheOrderOfArrival) {
  const int listener = listens();
  opens(6000);
  opens(6001);
  EXPECT_EQ(host.ready(listener), SLUICE_READABLE);
  Address from;
  const int first = sluice_accept(host.get(), listener, from.get(), &from.length);
  EXPECT_EQ(from.text(), "203.0.113.9:6000");
  EXPECT_EQ(host.peer_name(first), "203.0.113.9:6000");
  EXPECT_EQ(host.peer_name(host.accept(listener)), "203.0.113.9:6001");
  EXPECT_EQ(host.ready(listener), 0);
}

TEST_F(SocketListen, AnAddressThatIsCutSaysHowLongItWas) {
  const int listener = listens();
  opens(6000);
  std::array<std::uint8_t, 4> bytes{};
  socklen_t length = bytes.size();
  EXPECT_GE(sluice_accept(host.get(), listener, reinterpret_cast<sockaddr*>(bytes.data()), &length),
            0);
  EXPECT_EQ(length, sizeof(sockaddr_in));
  opens(6001);
  EXPECT_EQ(sluice_accept(host.get(), listener, reinterpret_cast<sockaddr*>(bytes.data()), nullptr),
            -EINVAL);
}

// As Linux: one more than the backlog.
TEST_F(SocketListen, AFullQueueDropsSyns) {
  const int listener = listens(1);
  opens(6000);
  opens(6001);
  gives(to_listener(6002), wire::kSyn, kIsn);
  EXPECT_EQ(describe(takes()), "");
  EXPECT_GE(host.accept(listener), 0);
  gives(to_listener(6002), wire::kSyn, kIsn);
  EXPECT_TRUE(takes_one().has(wire::kSyn | wire::kAck));
}

TEST_F(SocketListen, AFullQueueDropsTheAckOfAHandshake) {
  const int listener = listens(0);
  gives(to_listener(6001), wire::kSyn, kIsn);
  const std::uint32_t ours = takes_one().packet.tcp.sequence + 1;
  opens(6000);
  gives(to_listener(6001), wire::kAck, kIsn + 1, ours, "lost");
  EXPECT_EQ(describe(takes()), "");
  EXPECT_GE(host.accept(listener), 0);
  EXPECT_EQ(host.accept(listener), -EAGAIN);
  passes(1100 * kMillisecond);
  ASSERT_FALSE(later.empty());
  EXPECT_TRUE(later.back().has(wire::kSyn | wire::kAck));
  gives(to_listener(6001), wire::kAck, kIsn + 1, ours, "again");
  const int accepted = host.accept(listener);
  EXPECT_EQ(host.recv(accepted), "again");
}

TEST_F(SocketListen, ALargerBacklogMakesRoom) {
  const int listener = listens(0);
  opens(6000);
  gives(to_listener(6001), wire::kSyn, kIsn);
  EXPECT_EQ(describe(takes()), "");
  EXPECT_EQ(host.listen(listener, 1), 0);
  opens(6001);
}

TEST_F(SocketListen, ClosingResetsWhoWaitsAndForgetsWhoIsHalfOpen) {
  const int listener = listens();
  opens(6000);
  gives(to_listener(6001), wire::kSyn, kIsn);
  const std::uint32_t ours = takes_one().packet.tcp.sequence + 1;
  EXPECT_EQ(host.close(listener), 0);
  const Said reset = takes_one();
  EXPECT_TRUE(reset.has(wire::kRst | wire::kAck));
  EXPECT_EQ(reset.packet.tcp.destination_port, 6000);
  gives(to_listener(6001), wire::kAck, kIsn + 1, ours);
  EXPECT_TRUE(takes_one().has(wire::kRst));
}

TEST_F(SocketListen, ShutdownForReadingEndsIt) {
  const int listener = listens();
  EXPECT_EQ(host.shutdown(listener, SHUT_WR), 0);
  EXPECT_EQ(host.get(listener, SOL_SOCKET, SO_ACCEPTCONN), 1);
  EXPECT_EQ(host.shutdown(listener, SHUT_RD), 0);
  EXPECT_EQ(host.get(listener, SOL_SOCKET, SO_ACCEPTCONN), 0);
  gives(to_listener(6000), wire::kSyn, kIsn);
  EXPECT_TRUE(takes_one().has(wire::kRst | wire::kAck));
  EXPECT_EQ(host.local_name(listener), "192.0.2.1:80");
  EXPECT_EQ(host.listen(listener), 0);
}

TEST_F(SocketListen, NeitherSendsNorReceives) {
  const int listener = listens();
  host.recv(listener);
  EXPECT_EQ(host.result, -ENOTCONN);
  EXPECT_EQ(host.send(listener, "x"), -EPIPE);
  EXPECT_EQ(host.peer_name(listener), "");
  EXPECT_EQ(host.result, -ENOTCONN);
}

TEST_F(SocketListen, AConnectionThatWasResetCanStillBeAccepted) {
  const int listener = listens();
  opens(6000);
  gives(to_listener(6000), wire::kRst, kIsn + 1);
  Address from;
  const int accepted = sluice_accept(host.get(), listener, from.get(), &from.length);
  ASSERT_GE(accepted, 0);
  EXPECT_EQ(from.text(), "203.0.113.9:6000");
  host.recv(accepted);
  EXPECT_EQ(host.result, -ECONNRESET);
}

TEST_F(SocketListen, AcceptedSocketsInheritWhatWasChosen) {
  const int listener = host.socket();
  struct Choice {
    int level, name, value;
  };
  const std::array choices{
      Choice{IPPROTO_TCP, TCP_NODELAY, 1}, Choice{IPPROTO_TCP, TCP_KEEPIDLE, 77},
      Choice{IPPROTO_TCP, TCP_KEEPCNT, 3}, Choice{IPPROTO_TCP, TCP_LINGER2, 9},
      Choice{SOL_SOCKET, SO_KEEPALIVE, 1}, Choice{IPPROTO_TCP, TCP_USER_TIMEOUT, 4321},
      Choice{SOL_SOCKET, SO_OOBINLINE, 1}, Choice{IPPROTO_IP, IP_TTL, 33},
      Choice{IPPROTO_IP, IP_TOS, 0x10},
  };
  for (const Choice& choice : choices) {
    EXPECT_EQ(host.set(listener, choice.level, choice.name, choice.value), 0);
  }
  ASSERT_EQ(host.bind(listener, {kOwn, 80}), 0);
  ASSERT_EQ(host.listen(listener), 0);
  gives(to_listener(6000), wire::kSyn, kIsn);
  const Said answer = takes_one();
  EXPECT_EQ(answer.packet.hop_limit, 33);
  EXPECT_EQ(answer.packet.traffic_class, 0x10);
  gives(to_listener(6000), wire::kAck, kIsn + 1, answer.packet.tcp.sequence + 1);
  const int accepted = host.accept(listener);
  for (const Choice& choice : choices) {
    EXPECT_EQ(host.get(accepted, choice.level, choice.name), choice.value) << choice.name;
  }
}

// A bare ACK does not open it, text does (Linux' tcp_check_req).
TEST_F(SocketListen, MayDeferUntilTextComes) {
  const int listener = host.socket();
  EXPECT_EQ(host.set(listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, 5), 0);
  ASSERT_EQ(host.bind(listener, {kOwn, 80}), 0);
  ASSERT_EQ(host.listen(listener), 0);
  const std::uint32_t ours = opens(6000);
  EXPECT_EQ(host.accept(listener), -EAGAIN);
  passes(900 * kMillisecond);
  EXPECT_TRUE(later.empty());
  gives(to_listener(6000), wire::kAck | wire::kPsh, kIsn + 1, ours, "request");
  EXPECT_EQ(host.recv(host.accept(listener)), "request");
}

TEST_F(SocketListen, AcceptNeedsAHandle) {
  sluice_config config = make_config(kOwn);
  config.max_sockets = 1;
  Host small{config};
  const int listener = small.socket();
  EXPECT_EQ(small.socket(), -EMFILE);
  EXPECT_EQ(small.accept(listener), -EMFILE);
}

}  // namespace
}  // namespace sluice::test
