// UDP sockets: between two stacks, and against a peer made by hand.
#include "tests/dataplane/sockets/lone_stack.hpp"

namespace sluice::test {
namespace {

class SocketUdp : public LoneStack {
 protected:
  int socket(int domain = AF_INET) { return host.socket(domain, SOCK_DGRAM); }
  int bound(std::uint16_t port = 53) {
    const int handle = socket();
    EXPECT_EQ(host.bind(handle, {kOwn, port}), 0);
    return handle;
  }
  int connected() {
    const int handle = socket();
    EXPECT_EQ(host.connect(handle, peer()), 0);
    return handle;
  }
  ssize_t sends_to(int handle, const Address& to, const std::string& text, int flags = 0) {
    return sluice_sendto(host.get(), handle, text.data(), text.size(), flags, to.get(), to.length);
  }
  void comes(std::uint16_t to_port, const std::string& text, const char* from = kPeer,
             std::uint16_t from_port = kPort) {
    const FlowKey flow{*IpAddress::parse(kOwn), *IpAddress::parse(from), to_port, from_port};
    gives_bytes(
        udp_packet(flow, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}));
  }
  ssize_t receives(int handle, int flags = 0) {
    host.recv(handle, 100, flags);
    return host.result;
  }
};

TEST_F(SocketUdp, SendsToWhomeverIsNamed) {
  const int handle = socket();
  EXPECT_EQ(sends_to(handle, peer(), "question"), 8);
  const Said said = takes_one();
  EXPECT_EQ(said.payload(), "question");
  EXPECT_EQ(said.packet.udp.destination_port, kPort);
  EXPECT_NE(host.local_name(handle), "0.0.0.0:0");
}

TEST_F(SocketUdp, TellsWhoHasSent) {
  const int handle = bound();
  comes(53, "answer");
  EXPECT_EQ(host.ready(handle), SLUICE_READABLE | SLUICE_WRITABLE);
  Address from;
  std::array<char, 100> bytes{};
  EXPECT_EQ(
      sluice_recvfrom(host.get(), handle, bytes.data(), bytes.size(), 0, from.get(), &from.length),
      6);
  EXPECT_EQ(from.text(), "203.0.113.9:8080");
  EXPECT_EQ(receives(handle), -EAGAIN);
}

TEST_F(SocketUdp, ADatagramIsReadAtOnceOrCut) {
  const int handle = bound();
  comes(53, "abcdef");
  comes(53, "");
  EXPECT_EQ(host.recv(handle, 2, MSG_PEEK | MSG_TRUNC), std::string("ab\0\0\0\0", 6));
  EXPECT_EQ(host.result, 6);
  std::array<char, 3> bytes{};
  iovec piece{bytes.data(), bytes.size()};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  EXPECT_EQ(sluice_recvmsg(host.get(), handle, &message, 0), 3);
  EXPECT_EQ(message.msg_flags, MSG_TRUNC);
  EXPECT_EQ(receives(handle), 0);
  EXPECT_EQ(receives(handle), -EAGAIN);
}

TEST_F(SocketUdp, NeedsADestination) {
  const int handle = socket();
  EXPECT_EQ(host.send(handle, "x"), -EDESTADDRREQ);
  EXPECT_EQ(sends_to(handle, peer(0), "x"), -EINVAL);
  EXPECT_EQ(sends_to(handle, {"2001:db8::2", 80}, "x"), -EAFNOSUPPORT);
  EXPECT_EQ(sends_to(handle, {"255.255.255.255", 80}, "x"), -EACCES);
  EXPECT_EQ(sends_to(handle, {"224.0.0.1", 80}, "x"), -ENETUNREACH);
  Address there = peer();
  there.length = 8;
  EXPECT_EQ(sends_to(handle, there, "x"), -EINVAL);
}

TEST_F(SocketUdp, HasNoStream) {
  const int handle = bound();
  EXPECT_EQ(host.listen(handle), -EOPNOTSUPP);
  EXPECT_EQ(host.accept(handle), -EOPNOTSUPP);
  EXPECT_EQ(host.send(handle, "x", MSG_OOB), -EOPNOTSUPP);
  EXPECT_EQ(host.get(handle, IPPROTO_TCP, TCP_NODELAY), -ENOPROTOOPT);
  struct sluice_tcp_info info {};
  info.size = sizeof info;
  EXPECT_EQ(sluice_tcp_info(host.get(), handle, &info), -EOPNOTSUPP);
}

TEST_F(SocketUdp, AConnectedSocketHearsItsPeerAlone) {
  const int handle = connected();
  const std::uint16_t port = flow_of(handle).local_port;
  EXPECT_EQ(host.local_name(handle), "192.0.2.1:" + std::to_string(port));
  EXPECT_EQ(host.peer_name(handle), "203.0.113.9:8080");
  comes(port, "stranger", "203.0.113.10");
  EXPECT_EQ(takes_one().packet.protocol, wire::kProtocolIcmp);
  comes(port, "peer");
  EXPECT_EQ(host.recv(handle), "peer");
  EXPECT_EQ(host.send(handle, "x"), 1);
  EXPECT_EQ(takes_one().packet.udp.destination_port, kPort);
}

TEST_F(SocketUdp, ForgetsItsPeerWhenTold) {
  const int handle = connected();
  sockaddr none{};
  none.sa_family = AF_UNSPEC;
  EXPECT_EQ(sluice_connect(host.get(), handle, &none, sizeof none), 0);
  EXPECT_EQ(host.peer_name(handle), "");
  EXPECT_EQ(host.result, -ENOTCONN);
  EXPECT_EQ(host.send(handle, "x"), -EDESTADDRREQ);
}

TEST_F(SocketUdp, AClosedPortIsReportedOnceToWhoIsConnected) {
  const int handle = connected();
  EXPECT_EQ(host.send(handle, "x"), 1);
  gives_error(takes_one(), wire::icmp_v4::kUnreachable, wire::icmp_v4::kPortUnreachable);
  EXPECT_EQ(host.ready(handle), SLUICE_WRITABLE | SLUICE_ERROR);
  EXPECT_EQ(receives(handle), -ECONNREFUSED);
  EXPECT_EQ(receives(handle), -EAGAIN);
  EXPECT_EQ(host.send(handle, "x"), 1);
  gives_error(takes_one(), wire::icmp_v4::kUnreachable, wire::icmp_v4::kPortUnreachable);
  EXPECT_EQ(host.send(handle, "y"), -ECONNREFUSED);
  EXPECT_EQ(host.send(handle, "y"), 1);
}

TEST_F(SocketUdp, WithoutAPeerNoErrorIsReported) {
  const int handle = bound();
  EXPECT_EQ(sends_to(handle, peer(), "x"), 1);
  gives_error(takes_one(), wire::icmp_v4::kUnreachable, wire::icmp_v4::kPortUnreachable);
  EXPECT_EQ(host.error(handle), 0);
}

TEST_F(SocketUdp, ASoftErrorIsNotReported) {
  const int handle = connected();
  EXPECT_EQ(host.send(handle, "x"), 1);
  gives_error(takes_one(), wire::icmp_v4::kUnreachable, 1);
  EXPECT_EQ(host.error(handle), 0);
}

TEST_F(SocketUdp, TheLargestDatagramGoesOutInFragments) {
  const int handle = socket();
  EXPECT_EQ(sends_to(handle, peer(), std::string(65'508, 'x')), -EMSGSIZE);
  EXPECT_EQ(sends_to(handle, peer(), std::string(65'507, 'x')), 65'507);
  EXPECT_EQ(host.output(now).size(), 45U);
}

TEST_F(SocketUdp, WithoutFragmentsADatagramFitsThePath) {
  const int handle = connected();
  EXPECT_EQ(host.set(handle, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO), 0);
  EXPECT_EQ(host.send(handle, std::string(1473, 'x')), -EMSGSIZE);
  EXPECT_EQ(host.send(handle, std::string(1472, 'x')), 1472);
  EXPECT_EQ(host.get(handle, IPPROTO_IP, IP_MTU), 1500);
  gives_error(takes_one(), wire::icmp_v4::kUnreachable, wire::icmp_v4::kFragmentationNeeded, 1400);
  EXPECT_EQ(host.error(handle), EMSGSIZE);
  EXPECT_EQ(host.get(handle, IPPROTO_IP, IP_MTU), 1400);
  EXPECT_EQ(host.send(handle, std::string(1373, 'x')), -EMSGSIZE);
  EXPECT_EQ(host.send(handle, std::string(1372, 'x')), 1372);
}

TEST_F(SocketUdp, FragmentsFitThePath) {
  const int handle = connected();
  EXPECT_EQ(host.send(handle, std::string(1472, 'x')), 1472);
  gives_error(takes_one(), wire::icmp_v4::kUnreachable, wire::icmp_v4::kFragmentationNeeded, 1000);
  EXPECT_EQ(host.error(handle), EMSGSIZE);
  EXPECT_EQ(host.send(handle, std::string(1472, 'x')), 1472);
  const std::vector<PacketBytes> sent = host.output(now);
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_LE(sent[0].size(), 1000U);
}

TEST_F(SocketUdp, MoreMakesOneDatagramOfSeveralCalls) {
  const int handle = connected();
  EXPECT_EQ(host.send(handle, "one ", MSG_MORE), 4);
  EXPECT_EQ(host.send(handle, "two ", MSG_MORE), 4);
  EXPECT_EQ(describe(takes()), "");
  EXPECT_EQ(host.send(handle, "three"), 5);
  EXPECT_EQ(takes_one().payload(), "one two three");
  EXPECT_EQ(host.send(handle, "four"), 4);
  EXPECT_EQ(takes_one().payload(), "four");
}

TEST_F(SocketUdp, ASlowReaderLosesWhatDoesNotFit) {
  const int handle = bound();
  EXPECT_EQ(host.set(handle, SOL_SOCKET, SO_RCVBUF, 4096), 0);
  for (int i = 0; i < 100; ++i) comes(53, std::to_string(i));
  std::string all;
  for (std::string text = host.recv(handle); !text.empty(); text = host.recv(handle)) {
    all += text + " ";
  }
  EXPECT_EQ(all, "0 1 2 3 4 ");
  comes(53, "again");
  EXPECT_EQ(host.recv(handle), "again");
}

TEST_F(SocketUdp, ShutdownIsOfOneWay) {
  const int handle = connected();
  EXPECT_EQ(host.shutdown(handle, SHUT_WR), 0);
  EXPECT_EQ(host.send(handle, "x"), -EPIPE);
  EXPECT_EQ(host.shutdown(handle, SHUT_RD), 0);
  EXPECT_EQ(host.ready(handle),
            SLUICE_READABLE | SLUICE_WRITABLE | SLUICE_HANGUP | SLUICE_PEER_CLOSED);
  EXPECT_EQ(host.shutdown(bound(), SHUT_RD), -ENOTCONN);
}

TEST_F(SocketUdp, SharesAPortWithTheLastOneHeard) {
  int handles[2];
  for (int& handle : handles) {
    handle = socket();
    EXPECT_EQ(host.set(handle, SOL_SOCKET, SO_REUSEADDR, 1), 0);
    EXPECT_EQ(host.bind(handle, {kOwn, 53}), 0);
  }
  EXPECT_EQ(host.bind(socket(), {kOwn, 53}), -EADDRINUSE);
  comes(53, "x");
  EXPECT_EQ(receives(handles[0]), -EAGAIN);
  EXPECT_EQ(receives(handles[1]), 1);
}

TEST_F(SocketUdp, ChoosesTtlAndClass) {
  const int handle = connected();
  EXPECT_EQ(host.set(handle, IPPROTO_IP, IP_TTL, 5), 0);
  EXPECT_EQ(host.set(handle, IPPROTO_IP, IP_TOS, 0xb9), 0);
  EXPECT_EQ(host.send(handle, "x"), 1);
  const Said said = takes_one();
  EXPECT_EQ(said.packet.hop_limit, 5);
  EXPECT_EQ(said.packet.traffic_class, 0xb9);
}

TEST_F(SocketUdp, OfIpv6SpeaksMappedAddresses) {
  const int handle = socket(AF_INET6);
  EXPECT_EQ(sends_to(handle, {"::ffff:203.0.113.9", kPort}, "mapped"), 6);
  EXPECT_TRUE(takes_one().packet.destination.is_v4());
  EXPECT_EQ(sends_to(handle, {kPeer, kPort}, "plain"), 5);
  takes();
  Address own;
  EXPECT_EQ(sluice_getsockname(host.get(), handle, own.get(), &own.length), 0);
  comes(own.port(), "answer");
  Address from;
  std::array<char, 100> bytes{};
  EXPECT_EQ(
      sluice_recvfrom(host.get(), handle, bytes.data(), bytes.size(), 0, from.get(), &from.length),
      6);
  EXPECT_EQ(from.text(), "[::ffff:203.0.113.9]:8080");
}

TEST_F(SocketUdp, AClosedSocketIsGone) {
  const int handle = bound();
  EXPECT_EQ(host.close(handle), 0);
  comes(53, "x");
  EXPECT_EQ(takes_one().packet.protocol, wire::kProtocolIcmp);
  EXPECT_EQ(host.bind(socket(), {kOwn, 53}), 0);
}

class SocketUdpPair : public TwoStacks {};

TEST_F(SocketUdpPair, FragmentsAreJoined) {
  const int from = client.socket(AF_INET, SOCK_DGRAM);
  const int to = server.socket(AF_INET, SOCK_DGRAM);
  ASSERT_EQ(server.bind(to, server_at(53)), 0);
  ASSERT_EQ(client.connect(from, server_at(53)), 0);
  std::string text(30'000, 0);
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i % 251);
  ASSERT_EQ(client.send(from, text), 30'000);
  settles();
  EXPECT_TRUE(server.recv(to) == text);
}

}  // namespace
}  // namespace sluice::test
