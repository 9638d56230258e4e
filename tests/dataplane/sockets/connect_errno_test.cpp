// What connect() says, in each state and after each end.
#include "tests/dataplane/sockets/lone_stack.hpp"

namespace sluice::test {
namespace {

class SocketConnect : public LoneStack {
 protected:
  static constexpr int kFailed =
      SLUICE_READABLE | SLUICE_WRITABLE | SLUICE_ERROR | SLUICE_HANGUP | SLUICE_PEER_CLOSED;
};

TEST_F(SocketConnect, IsRefusedByAReset) {
  const Connection made = begins();
  gives(made.flow, wire::kRst | wire::kAck, 0, made.ours);
  EXPECT_EQ(host.ready(made.handle), kFailed);
  EXPECT_EQ(host.connect(made.handle, peer()), -ECONNREFUSED);
}

TEST_F(SocketConnect, BeginsAnewAfterItHasFailed) {
  const Connection made = begins();
  gives(made.flow, wire::kRst | wire::kAck, 0, made.ours);
  EXPECT_EQ(host.connect(made.handle, peer()), -ECONNREFUSED);
  EXPECT_EQ(host.connect(made.handle, peer()), -EINPROGRESS);
  EXPECT_TRUE(takes_one().has(wire::kSyn));
}

TEST_F(SocketConnect, SaysThatItWasAbortedWhenTheErrorHasBeenTaken) {
  const Connection made = begins();
  gives(made.flow, wire::kRst | wire::kAck, 0, made.ours);
  EXPECT_EQ(host.error(made.handle), ECONNREFUSED);
  EXPECT_EQ(host.connect(made.handle, peer()), -ECONNABORTED);
  EXPECT_EQ(host.connect(made.handle, peer()), -EINPROGRESS);
}

TEST_F(SocketConnect, TimesOutAfterItsRetries) {
  const Connection made =
      begins([this](int handle) { EXPECT_EQ(host.set(handle, IPPROTO_TCP, TCP_SYNCNT, 2), 0); });
  passes(6900 * kMillisecond);
  EXPECT_EQ(later.size(), 2U);  // after 1 s and 3 s
  EXPECT_EQ(host.ready(made.handle), 0);
  passes(200 * kMillisecond);
  EXPECT_EQ(host.ready(made.handle), kFailed);
  EXPECT_EQ(host.error(made.handle), ETIMEDOUT);
  EXPECT_EQ(host.error(made.handle), 0);
}

TEST_F(SocketConnect, EndsWithTheErrorOfIcmp) {
  struct Row {
    std::uint8_t type, code;
    int error;
  };
  constexpr std::uint8_t kUnreachable = wire::icmp_v4::kUnreachable;
  const std::array rows{
      Row{kUnreachable, 0, ENETUNREACH},
      Row{kUnreachable, 1, EHOSTUNREACH},
      Row{kUnreachable, 2, ENOPROTOOPT},
      Row{kUnreachable, 3, ECONNREFUSED},
      Row{kUnreachable, 5, EOPNOTSUPP},
      Row{kUnreachable, 6, ENETUNREACH},
      Row{kUnreachable, 7, EHOSTDOWN},
      Row{kUnreachable, 8, ENONET},
      Row{kUnreachable, 9, ENETUNREACH},
      Row{kUnreachable, 10, EHOSTUNREACH},
      Row{kUnreachable, 11, ENETUNREACH},
      Row{kUnreachable, 12, EHOSTUNREACH},
      Row{kUnreachable, 13, EHOSTUNREACH},
      Row{wire::icmp_v4::kTimeExceeded, 0, EHOSTUNREACH},
      Row{wire::icmp_v4::kParameterProblem, 0, EPROTO},
  };
  for (const Row& row : rows) {
    const Connection made = begins();
    gives_error(syn, row.type, row.code);
    EXPECT_EQ(host.connect(made.handle, peer()), -row.error)
        << int{row.type} << " " << int{row.code};
    EXPECT_EQ(host.close(made.handle), 0);
  }
}

TEST_F(SocketConnect, KnowsNoSuchPeer) {
  const int handle = host.socket();
  EXPECT_EQ(host.connect(handle, {"224.0.0.1", 80}), -ENETUNREACH);
  EXPECT_EQ(host.connect(handle, {"255.255.255.255", 80}), -ENETUNREACH);
  EXPECT_EQ(host.connect(handle, {"2001:db8::2", 80}), -EAFNOSUPPORT);
  EXPECT_EQ(host.connect(handle, {kPeer, 0}), -ENETUNREACH);
  Address there = peer();
  there.length = 8;
  EXPECT_EQ(host.connect(handle, there), -EINVAL);
  EXPECT_EQ(sluice_connect(host.get(), handle, nullptr, 16), -EINVAL);
}

TEST_F(SocketConnect, NeedsAnAddressOfThatFamily) {
  Host v4_only{make_config("192.0.2.1")};
  const int handle = v4_only.socket(AF_INET6);
  EXPECT_EQ(v4_only.connect(handle, {"2001:db8::9", 80}), -ENETUNREACH);
  EXPECT_EQ(v4_only.connect(handle, {"::ffff:203.0.113.9", 80}), -EINPROGRESS);
}

TEST_F(SocketConnect, AV6OnlySocketReachesNoMappedAddress) {
  const int handle = host.socket(AF_INET6);
  EXPECT_EQ(host.set(handle, IPPROTO_IPV6, IPV6_V6ONLY, 1), 0);
  EXPECT_EQ(host.connect(handle, {"::ffff:203.0.113.9", 80}), -ENETUNREACH);
}

TEST_F(SocketConnect, AListenerIsConnectedToItself) {
  EXPECT_EQ(host.connect(listens(), peer()), -EISCONN);
}

TEST_F(SocketConnect, TwoSocketsCannotHaveTheSameConnection) {
  int handles[2];
  for (int& handle : handles) {
    handle = host.socket();
    EXPECT_EQ(host.set(handle, SOL_SOCKET, SO_REUSEADDR, 1), 0);
    EXPECT_EQ(host.bind(handle, {kOwn, 4000}), 0);
  }
  EXPECT_EQ(host.connect(handles[0], peer()), -EINPROGRESS);
  EXPECT_EQ(host.connect(handles[1], peer()), -EADDRNOTAVAIL);
  EXPECT_EQ(host.connect(handles[1], peer(81)), -EINPROGRESS);
}

TEST_F(SocketConnect, UsesThePortThatWasBound) {
  const int handle = host.socket();
  EXPECT_EQ(host.bind(handle, {"0.0.0.0", 4000}), 0);
  EXPECT_EQ(host.connect(handle, peer()), -EINPROGRESS);
  EXPECT_EQ(host.local_name(handle), "192.0.2.1:4000");
  EXPECT_EQ(takes_one().packet.tcp.source_port, 4000);
}

TEST_F(SocketConnect, ChoosesAPortOfItsRange) {
  sluice_config config = make_config(kOwn);
  config.first_ephemeral_port = 7000;
  config.last_ephemeral_port = 7001;
  Host small{config};
  int handles[3];
  for (int& handle : handles) handle = small.socket();
  EXPECT_EQ(small.connect(handles[0], peer()), -EINPROGRESS);
  EXPECT_EQ(small.connect(handles[1], peer()), -EINPROGRESS);
  EXPECT_EQ(small.connect(handles[2], peer()), -EADDRNOTAVAIL);
  EXPECT_EQ(small.connect(handles[2], peer(81)), -EINPROGRESS);
}

TEST_F(SocketConnect, AfUnspecificBreaksTheConnectionOff) {
  const Connection made = connects();
  sockaddr none{};
  none.sa_family = AF_UNSPEC;
  EXPECT_EQ(sluice_connect(host.get(), made.handle, &none, sizeof none), 0);
  EXPECT_TRUE(takes_one().has(wire::kRst | wire::kAck));
  EXPECT_EQ(host.error(made.handle), ECONNRESET);
  EXPECT_EQ(host.peer_name(made.handle), "");
  EXPECT_EQ(host.connect(made.handle, peer()), -EINPROGRESS);
}

TEST_F(SocketConnect, ToNowhereIsToOurselves) {
  const int listener = listens();
  const int handle = host.socket();
  EXPECT_EQ(host.connect(handle, {"0.0.0.0", 80}), -EINPROGRESS);
  EXPECT_EQ(describe(takes()), "");  // nothing of it leaves
  EXPECT_EQ(host.connect(handle, {"0.0.0.0", 80}), 0);
  const int accepted = host.accept(listener);
  EXPECT_EQ(host.send(handle, "self"), 4);
  takes();
  EXPECT_EQ(host.recv(accepted), "self");
}

TEST_F(SocketConnect, RFC9293_MUST_10_ASocketMayConnectToItself) {
  const int handle = host.socket();
  EXPECT_EQ(host.bind(handle, {kOwn, 4000}), 0);
  EXPECT_EQ(host.connect(handle, {kOwn, 4000}), -EINPROGRESS);
  EXPECT_EQ(describe(takes()), "");
  EXPECT_EQ(host.connect(handle, {kOwn, 4000}), 0);
  EXPECT_EQ(host.send(handle, "echo"), 4);
  takes();
  EXPECT_EQ(host.recv(handle), "echo");
}

TEST_F(SocketConnect, ToAClosedPortOfOurOwnIsRefused) {
  const int handle = host.socket();
  EXPECT_EQ(host.connect(handle, {kOwn, 81}), -EINPROGRESS);
  takes();
  EXPECT_EQ(host.connect(handle, {kOwn, 81}), -ECONNREFUSED);
}

TEST_F(SocketConnect, SimultaneouslyOpens) {
  const Connection made = begins();
  gives(made.flow, wire::kSyn, kIsn);
  EXPECT_TRUE(takes_one().has(wire::kSyn | wire::kAck));
  EXPECT_EQ(host.connect(made.handle, peer()), -EALREADY);
  EXPECT_EQ(host.send(made.handle, "early"), -EAGAIN);
  gives(made.flow, wire::kAck, kIsn + 1, made.ours);
  EXPECT_EQ(host.connect(made.handle, peer()), 0);
  EXPECT_EQ(host.connect(made.handle, peer()), -EISCONN);
}

TEST_F(SocketConnect, ShutdownBeforeTheHandshakeGivesItUp) {
  const Connection made = begins();
  EXPECT_EQ(host.shutdown(made.handle, SHUT_WR), 0);
  EXPECT_EQ(host.error(made.handle), ECONNRESET);
  EXPECT_EQ(host.connect(made.handle, peer()), -EINPROGRESS);
}

TEST_F(SocketConnect, ShutdownAfterItHasFailedForbidsAnother) {
  const Connection made = begins();
  gives(made.flow, wire::kRst | wire::kAck, 0, made.ours);
  EXPECT_EQ(host.shutdown(made.handle, SHUT_WR), -ENOTCONN);
  EXPECT_EQ(host.connect(made.handle, peer()), -EINVAL);
}

TEST_F(SocketConnect, IsRefusedBeyondTheLimitOfConnections) {
  sluice_config config = make_config(kOwn);
  config.max_connections = 1;
  Host small{config};
  EXPECT_EQ(small.connect(small.socket(), peer()), -EINPROGRESS);
  EXPECT_EQ(small.connect(small.socket(), peer()), -ENOBUFS);
}

}  // namespace
}  // namespace sluice::test
