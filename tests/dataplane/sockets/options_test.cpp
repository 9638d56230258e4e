// setsockopt() and getsockopt(): ranges, lengths, defaults, effects.
#include "tests/dataplane/sockets/lone_stack.hpp"

namespace sluice::test {
namespace {

class SocketOptions : public LoneStack {
 protected:
  int length_of(int handle, int level, int name, socklen_t room) {
    std::array<std::uint8_t, 64> value{};
    const int error = sluice_getsockopt(host.get(), handle, level, name, value.data(), &room);
    return error != 0 ? error : static_cast<int>(room);
  }
};

struct Range {
  int level, name;
  std::vector<int> good, bad;
};

TEST_F(SocketOptions, HaveRanges) {
  const std::array ranges{
      Range{IPPROTO_TCP, TCP_NODELAY, {1, 0}, {}},
      Range{IPPROTO_TCP, TCP_CORK, {1, 0}, {}},
      Range{IPPROTO_TCP, TCP_QUICKACK, {0, 1}, {}},
      Range{IPPROTO_TCP, TCP_MAXSEG, {88, 1000, 32'767}, {-1, 87, 32'768}},
      Range{IPPROTO_TCP, TCP_KEEPIDLE, {1, 32'767}, {0, -1, 32'768}},
      Range{IPPROTO_TCP, TCP_KEEPINTVL, {1, 32'767}, {0, -1, 32'768}},
      Range{IPPROTO_TCP, TCP_KEEPCNT, {1, 127}, {0, -1, 128}},
      Range{IPPROTO_TCP, TCP_SYNCNT, {1, 127}, {0, -1, 128}},
      Range{IPPROTO_TCP, TCP_USER_TIMEOUT, {0, 1, INT32_MAX}, {-1, INT32_MIN}},
      Range{IPPROTO_TCP, TCP_LINGER2, {1, 120, -1}, {}},
      Range{IPPROTO_TCP, TCP_NOTSENT_LOWAT, {0, 1, 16'384}, {}},
      Range{IPPROTO_TCP, TCP_DEFER_ACCEPT, {0, 1, 3, 7}, {}},
      Range{SOL_SOCKET, SO_KEEPALIVE, {1, 0}, {}},
      Range{SOL_SOCKET, SO_REUSEADDR, {1, 0}, {}},
      Range{SOL_SOCKET, SO_OOBINLINE, {1, 0}, {}},
      Range{SOL_SOCKET, SO_RCVLOWAT, {1, 100}, {}},
      Range{IPPROTO_IP, IP_TTL, {1, 255}, {0, 256, -2}},
      Range{IPPROTO_IP, IP_TOS, {0, 0x10, 0xfc}, {}},
      Range{IPPROTO_IP, IP_MTU_DISCOVER, {0, 1, 2, 3, 4, 5}, {-1, 6}},
      Range{IPPROTO_IPV6, IPV6_TCLASS, {0, 0x20}, {-2, 256}},
      Range{IPPROTO_IPV6, IPV6_UNICAST_HOPS, {0, 1, 255}, {-2, 256}},
      Range{IPPROTO_IPV6, IPV6_MTU_DISCOVER, {0, 5}, {-1, 6}},
      Range{IPPROTO_IPV6, IPV6_V6ONLY, {1, 0}, {}},
  };
  const int handle = host.socket(AF_INET6);
  for (const Range& range : ranges) {
    for (const int value : range.bad) {
      EXPECT_EQ(host.set(handle, range.level, range.name, value), -EINVAL) << range.name;
    }
    for (const int value : range.good) {
      EXPECT_EQ(host.set(handle, range.level, range.name, value), 0) << range.name;
      EXPECT_EQ(host.get(handle, range.level, range.name), value) << range.name;
    }
  }
}

TEST_F(SocketOptions, BeginAsInLinux) {
  struct Row {
    int level, name, value;
  };
  const std::array rows{
      Row{SOL_SOCKET, SO_TYPE, SOCK_STREAM},
      Row{SOL_SOCKET, SO_DOMAIN, AF_INET},
      Row{SOL_SOCKET, SO_PROTOCOL, IPPROTO_TCP},
      Row{SOL_SOCKET, SO_ACCEPTCONN, 0},
      Row{SOL_SOCKET, SO_ERROR, 0},
      Row{SOL_SOCKET, SO_RCVBUF, 131'072},
      Row{SOL_SOCKET, SO_RCVLOWAT, 1},
      Row{SOL_SOCKET, SO_KEEPALIVE, 0},
      Row{IPPROTO_TCP, TCP_NODELAY, 0},
      Row{IPPROTO_TCP, TCP_CORK, 0},
      Row{IPPROTO_TCP, TCP_MAXSEG, 536},
      Row{IPPROTO_TCP, TCP_KEEPIDLE, 7200},
      Row{IPPROTO_TCP, TCP_KEEPINTVL, 75},
      Row{IPPROTO_TCP, TCP_KEEPCNT, 9},
      Row{IPPROTO_TCP, TCP_SYNCNT, 6},
      Row{IPPROTO_TCP, TCP_LINGER2, 60},
      Row{IPPROTO_TCP, TCP_DEFER_ACCEPT, 0},
      Row{IPPROTO_TCP, TCP_USER_TIMEOUT, 0},
      Row{IPPROTO_TCP, TCP_QUICKACK, 1},
      Row{IPPROTO_IP, IP_TOS, 0},
      Row{IPPROTO_IP, IP_TTL, 64},
      Row{IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_WANT},
  };
  const int handle = host.socket();
  for (const Row& row : rows) {
    EXPECT_EQ(host.get(handle, row.level, row.name), row.value) << row.level << " " << row.name;
  }
}

TEST_F(SocketOptions, UnknownOnesAreRefused) {
  const int handle = host.socket();
  EXPECT_EQ(host.set(handle, SOL_SOCKET, 9999, 1), -ENOPROTOOPT);
  EXPECT_EQ(host.get(handle, SOL_SOCKET, 9999), -ENOPROTOOPT);
  EXPECT_EQ(host.set(handle, IPPROTO_TCP, 9999, 1), -ENOPROTOOPT);
  EXPECT_EQ(host.set(handle, IPPROTO_UDP, 1, 1), -ENOPROTOOPT);
  EXPECT_EQ(host.set(handle, IPPROTO_IPV6, IPV6_V6ONLY, 1), -ENOPROTOOPT);  // of AF_INET6 alone
  EXPECT_EQ(host.set(handle, SOL_SOCKET, SO_ERROR, 1), -ENOPROTOOPT);
  EXPECT_EQ(host.set(handle, SOL_SOCKET, SO_TYPE, 1), -ENOPROTOOPT);
  EXPECT_EQ(host.set(handle, IPPROTO_IP, IP_MTU, 1), -ENOPROTOOPT);
  EXPECT_EQ(host.get(77, SOL_SOCKET, SO_ERROR), -EBADF);
}

TEST_F(SocketOptions, ValuesHaveALength) {
  const int handle = host.socket();
  const std::uint8_t byte = 7;
  const auto set = [&](int level, int name, socklen_t length) {
    return sluice_setsockopt(host.get(), handle, level, name, &byte, length);
  };
  EXPECT_EQ(set(SOL_SOCKET, SO_KEEPALIVE, 1), -EINVAL);
  EXPECT_EQ(set(IPPROTO_TCP, TCP_NODELAY, 0), -EINVAL);
  EXPECT_EQ(set(IPPROTO_IP, IP_TTL, 1), 0);
  EXPECT_EQ(host.get(handle, IPPROTO_IP, IP_TTL), 7);
  EXPECT_EQ(set(SOL_SOCKET, SO_LINGER, 1), -EINVAL);
  EXPECT_EQ(set(IPPROTO_TCP, TCP_CONGESTION, 0), -EINVAL);
  EXPECT_EQ(sluice_setsockopt(host.get(), handle, SOL_SOCKET, SO_KEEPALIVE, nullptr, 4), -EINVAL);
  EXPECT_EQ(sluice_getsockopt(host.get(), handle, SOL_SOCKET, SO_KEEPALIVE, nullptr, nullptr),
            -EINVAL);
}

TEST_F(SocketOptions, AnswersAreCutToTheRoom) {
  const int handle = host.socket();
  EXPECT_EQ(length_of(handle, IPPROTO_TCP, TCP_NODELAY, 64), 4);
  EXPECT_EQ(length_of(handle, IPPROTO_TCP, TCP_NODELAY, 2), 2);
  EXPECT_EQ(length_of(handle, IPPROTO_TCP, TCP_NODELAY, 0), 0);
  EXPECT_EQ(length_of(handle, IPPROTO_IP, IP_TTL, 1), 1);
  EXPECT_EQ(length_of(handle, IPPROTO_TCP, TCP_CONGESTION, 64), 16);
  EXPECT_EQ(length_of(handle, IPPROTO_TCP, TCP_CONGESTION, 3), 3);
  EXPECT_EQ(length_of(handle, SOL_SOCKET, SO_LINGER, 64), 8);
}

TEST_F(SocketOptions, BuffersAreDoubledAndBounded) {
  const int handle = host.socket();
  EXPECT_EQ(host.set(handle, SOL_SOCKET, SO_RCVBUF, 10'000), 0);
  EXPECT_EQ(host.get(handle, SOL_SOCKET, SO_RCVBUF), 20'000);
  EXPECT_EQ(host.set(handle, SOL_SOCKET, SO_RCVBUF, 1), 0);
  EXPECT_EQ(host.get(handle, SOL_SOCKET, SO_RCVBUF), 2304);
  EXPECT_EQ(host.set(handle, SOL_SOCKET, SO_SNDBUF, 1), 0);
  EXPECT_EQ(host.get(handle, SOL_SOCKET, SO_SNDBUF), 4608);
  EXPECT_EQ(host.set(handle, SOL_SOCKET, SO_RCVBUF, -1), 0);
  EXPECT_EQ(host.get(handle, SOL_SOCKET, SO_RCVBUF), 2 * (15 << 20));
}

TEST_F(SocketOptions, LingerIsAStruct) {
  const int handle = host.socket();
  const linger wanted{1, 17};
  EXPECT_EQ(sluice_setsockopt(host.get(), handle, SOL_SOCKET, SO_LINGER, &wanted, sizeof wanted),
            0);
  linger said{};
  socklen_t length = sizeof said;
  EXPECT_EQ(sluice_getsockopt(host.get(), handle, SOL_SOCKET, SO_LINGER, &said, &length), 0);
  EXPECT_EQ(said.l_onoff, 1);
  EXPECT_EQ(said.l_linger, 17);
}

TEST_F(SocketOptions, CongestionIsAName) {
  const int handle = host.socket();
  const auto set = [&](const std::string& name) {
    return sluice_setsockopt(host.get(), handle, IPPROTO_TCP, TCP_CONGESTION, name.data(),
                             static_cast<socklen_t>(name.size()));
  };
  const auto get = [&] {
    std::array<char, 16> name{};
    socklen_t length = name.size();
    sluice_getsockopt(host.get(), handle, IPPROTO_TCP, TCP_CONGESTION, name.data(), &length);
    return std::string(name.data());
  };
  EXPECT_EQ(get(), "cubic");
  EXPECT_EQ(set("bbr"), 0);
  EXPECT_EQ(get(), "bbr");
  EXPECT_EQ(set(std::string("newreno\0junk", 12)), 0);
  EXPECT_EQ(get(), "newreno");
  EXPECT_EQ(set("tahoe"), -ENOENT);
  EXPECT_EQ(set(std::string(5000, 'x')), -ENOENT);
}

TEST_F(SocketOptions, MaxSegmentIsAsked) {
  const Connection made =
      begins([this](int handle) { EXPECT_EQ(host.set(handle, IPPROTO_TCP, TCP_MAXSEG, 1000), 0); });
  EXPECT_EQ(syn.packet.tcp.options.mss, 1000);
  EXPECT_EQ(host.close(made.handle), 0);
}

TEST_F(SocketOptions, TtlAndClassAreOnEachPacket) {
  const Connection made = connects([this](int handle) {
    EXPECT_EQ(host.set(handle, IPPROTO_IP, IP_TTL, 9), 0);
    EXPECT_EQ(host.set(handle, IPPROTO_IP, IP_TOS, 0xb8 | 3), 0);  // ECN is not the caller's
  });
  EXPECT_EQ(syn.packet.hop_limit, 9);
  EXPECT_EQ(syn.packet.traffic_class, 0xb8);
  EXPECT_EQ(host.set(made.handle, IPPROTO_IP, IP_TTL, -1), 0);
  EXPECT_EQ(host.send(made.handle, "x"), 1);
  EXPECT_EQ(takes_one().packet.hop_limit, 64);
}

TEST_F(SocketOptions, WithoutDiscoveryPacketsMayBeFragmented) {
  constexpr int kFlags = 6;  // of the IP header
  begins();
  EXPECT_EQ(syn.bytes[kFlags], 0x40);
  begins([this](int handle) {
    EXPECT_EQ(host.set(handle, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT), 0);
  });
  EXPECT_EQ(syn.bytes[kFlags], 0);
}

TEST_F(SocketOptions, MtuIsThePaths) {
  EXPECT_EQ(host.get(host.socket(), IPPROTO_IP, IP_MTU), -ENOTCONN);
  const Connection made = connects();
  EXPECT_EQ(host.get(made.handle, IPPROTO_IP, IP_MTU), 1500);
}

TEST_F(SocketOptions, KeepaliveProbes) {
  const Connection made = connects();
  EXPECT_EQ(host.set(made.handle, IPPROTO_TCP, TCP_KEEPIDLE, 5), 0);
  EXPECT_EQ(host.set(made.handle, IPPROTO_TCP, TCP_KEEPINTVL, 2), 0);
  EXPECT_EQ(host.set(made.handle, IPPROTO_TCP, TCP_KEEPCNT, 2), 0);
  EXPECT_EQ(host.set(made.handle, SOL_SOCKET, SO_KEEPALIVE, 1), 0);
  passes(8 * kSecond);
  EXPECT_EQ(later.size(), 2U);
  EXPECT_EQ(host.error(made.handle), 0);
  passes(2 * kSecond);
  EXPECT_EQ(host.error(made.handle), ETIMEDOUT);
}

TEST_F(SocketOptions, TcpInfoSaysHowItStands) {
  struct sluice_tcp_info info {};
  info.size = sizeof info;
  const int fresh = host.socket();
  EXPECT_EQ(sluice_tcp_info(host.get(), fresh, &info), 0);
  EXPECT_EQ(info.state, SLUICE_TCP_CLOSE);
  const int listener = listens(5);
  opens(6000);
  EXPECT_EQ(sluice_tcp_info(host.get(), listener, &info), 0);
  EXPECT_EQ(info.state, SLUICE_TCP_LISTEN);
  EXPECT_EQ(info.unacked, 1U);
  EXPECT_EQ(info.sacked, 5U);
  const Connection made = connects();
  EXPECT_EQ(host.send(made.handle, "hello"), 5);
  takes();
  EXPECT_EQ(sluice_tcp_info(host.get(), made.handle, &info), 0);
  EXPECT_EQ(info.size, sizeof info);
  EXPECT_EQ(info.state, SLUICE_TCP_ESTABLISHED);
  EXPECT_EQ(info.unacked, 1U);
  EXPECT_EQ(info.cwnd, 10U);
  EXPECT_EQ(info.bytes_sent, 5U);
  EXPECT_EQ(info.ssthresh, 0x7fffffffU);
  EXPECT_EQ(info.pacing_rate, UINT64_MAX);
}

TEST_F(SocketOptions, ACallersOlderStructIsNotOverrun) {
  std::array<std::uint8_t, sizeof(struct sluice_tcp_info)> room{};
  room.fill(0xaa);
  auto* const info = reinterpret_cast<struct sluice_tcp_info*>(room.data());
  const std::size_t size = 16;
  std::memcpy(room.data(), &size, sizeof size);
  EXPECT_EQ(sluice_tcp_info(host.get(), connects().handle, info), 0);
  EXPECT_EQ(room[8], SLUICE_TCP_ESTABLISHED);
  EXPECT_EQ(room[16], 0xaa);
  const std::size_t none = 3;
  std::memcpy(room.data(), &none, sizeof none);
  EXPECT_EQ(sluice_tcp_info(host.get(), 0, info), -EINVAL);
}

}  // namespace
}  // namespace sluice::test
