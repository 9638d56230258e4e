// Steering on a real device: packets of kernel sockets arrive on the predicted queue.
#include <gmock/gmock.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <map>
#include <memory>
#include <vector>

#include "dataplane/io/clock.hpp"
#include "dataplane/io/steering.hpp"
#include "proto/base/rng.hpp"
#include "proto/wire/build.hpp"
#include "tests/dataplane/io/private_network.hpp"

namespace sluice::io {
namespace {

constexpr std::uint32_t kQueues = 4;
constexpr int kFlows = 50;
constexpr std::uint16_t kSegment = 1000;  // bytes of a super-segment's pieces

struct Family {
  int domain;
  const char* kernel;
  const char* us;
};
constexpr Family kFamilies[] = {{AF_INET, "10.77.0.1/24", "10.77.0.2"},
                                {AF_INET6, "fd00:77::1/64", "fd00:77::2"}};

sockaddr_in6 destination(const Family& family) {
  const IpAddress us = *IpAddress::parse(family.us);
  sockaddr_in6 v6{};
  if (us.is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(9);
    v4.sin_addr.s_addr = htonl(us.v4_bits());
    std::memcpy(&v6, &v4, sizeof v4);
  } else {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(9);
    std::memcpy(&v6.sin6_addr, us.bytes().data(), 16);
  }
  return v6;
}

// On its way to us from a port that the kernel chooses. A new IPv6 address is of no use for a
// moment: it tries for ten seconds.
UniqueFd connected(const Family& family, int type, int protocol = 0) {
  const sockaddr_in6 to = destination(family);
  const Instant end = now() + Duration::seconds(10);
  for (;;) {
    UniqueFd fd(socket(family.domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol));
    const int result = connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to);
    if (result == 0 || errno == EINPROGRESS) return fd;
    if (now() > end) throw std::system_error(errno, std::generic_category(), "connect");
  }
}

void send_udp(const Family& family, std::size_t bytes, int segment) {
  const std::vector<std::uint8_t> payload(bytes);
  for (int i = 0; i < kFlows; ++i) {
    const UniqueFd fd = connected(family, SOCK_DGRAM);
    if (segment > 0) setsockopt(fd.get(), SOL_UDP, UDP_SEGMENT, &segment, sizeof segment);
    ASSERT_EQ(send(fd.get(), payload.data(), bytes, 0), static_cast<ssize_t>(bytes));
  }
}

void send_syns(const Family& family) {
  for (int i = 0; i < kFlows; ++i) connected(family, SOCK_STREAM);
}

void send_echo(const Family& family) {
  const bool v4 = family.domain == AF_INET;
  const UniqueFd fd = connected(family, SOCK_RAW, v4 ? wire::kProtocolIcmp : wire::kProtocolIcmpV6);
  std::array<std::uint8_t, 8> echo{};
  echo[0] = v4 ? wire::icmp_v4::kEcho : wire::icmp_v6::kEcho;
  ASSERT_EQ(send(fd.get(), echo.data(), echo.size(), 0), 8);
}

// TCP super-segments of flows that need no handshake.
void send_supers(const Family& family, const char* device) {
  const UniqueFd fd(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
  constexpr int kOn = 1;
  ASSERT_EQ(setsockopt(fd.get(), SOL_PACKET, PACKET_VNET_HDR, &kOn, sizeof kOn), 0);
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_protocol = htons(family.domain == AF_INET ? ETH_P_IP : ETH_P_IPV6);
  to.sll_ifindex = static_cast<int>(if_nametoindex(device));
  std::vector<std::uint8_t> payload(60'000);
  wire::IpFields ip;
  ip.source = Cidr::parse(family.kernel)->address;
  ip.destination = *IpAddress::parse(family.us);
  wire::TcpHeader tcp;
  tcp.destination_port = 9;
  tcp.flags = wire::kAck;
  for (std::uint16_t port = 1; port <= kFlows; ++port) {
    tcp.source_port = port;
    std::array<std::uint8_t, wire::kMaxHeaders> headers;
    const std::size_t length =
        wire::build_tcp_packet(headers, ip, tcp, {.length = 60'000, .gso_size = kSegment});
    std::array<iovec, 2> pieces{{{headers.data(), length}, {payload.data(), payload.size()}}};
    msghdr message{};
    message.msg_name = &to;
    message.msg_namelen = sizeof to;
    message.msg_iov = pieces.data();
    message.msg_iovlen = pieces.size();
    ASSERT_EQ(sendmsg(fd.get(), &message, 0), static_cast<ssize_t>(length + payload.size()))
        << std::strerror(errno);
  }
}

// What the steering program tells apart, as a word for people.
std::string kind_of(Bytes ip, const wire::VirtioNetHeader& offload) {
  const bool v4 = ip[0] >> 4 == 4;
  const std::uint8_t protocol = ip[v4 ? 9 : 6];
  const std::string family = v4 ? "v4 " : "v6 ";
  if (v4 ? (load_be16(&ip[6]) & 0x3fff) != 0 : protocol == 44) return family + "fragment";
  const std::string super = offload.gso_type != 0 ? " super" : "";
  if (protocol == wire::kProtocolTcp) return family + "tcp" + super;
  if (protocol == wire::kProtocolUdp) return family + "udp" + super;
  return family +
         (protocol == wire::kProtocolIcmp || protocol == wire::kProtocolIcmpV6 ? "icmp" : "other");
}

class SteeredDevice : public PrivateNetwork {
 protected:
  void SetUp() override {
    PrivateNetwork::SetUp();
    if (IsSkipped()) return;
    Rng rng(22);
    for (auto& key : keys_) key = rng.next();
    tun_ = std::make_unique<Tun>(Tun::open("tun1", kQueues));
    tun_->set_queue_length(4096);
    offloads_ = tun_->set_offloads({});
    for (const Family& family : kFamilies) tun_->add_address(*Cidr::parse(family.kernel));
  }

  void steer(std::uint32_t rotate) {
    const std::string problem = try_steer(*tun_, keys_, rotate);
    if (!problem.empty()) GTEST_SKIP() << problem;
  }

  void send_all_kinds() {
    tun_->set_up();
    for (const Family& family : kFamilies) {
      send_udp(family, 100, 0);
      send_udp(family, 5000, 0);  // in fragments
      if (offloads_.uso) send_udp(family, 20'000, kSegment);
      send_syns(family);
      send_echo(family);
      send_supers(family, "tun1");
    }
  }

  // Reads all packets, expects each `rotate` queues behind its owner's, and counts them by kind.
  std::map<std::string, int> read_all(std::uint32_t rotate) {
    std::map<std::string, int> kinds;
    std::vector<std::uint8_t> buffer(65'545);
    for (std::uint32_t queue = 0; queue < kQueues; ++queue) {
      ssize_t length = 0;
      while ((length = read(tun_->descriptor(queue), buffer.data(), buffer.size())) > 0) {
        const Bytes bytes = Bytes(buffer).first(static_cast<std::size_t>(length));
        const Bytes ip = bytes.subspan(wire::kVirtioNetHeaderSize);
        const std::uint32_t owner = shard_of(steering_hash(ip, keys_), kQueues);
        const std::string kind = kind_of(ip, wire::parse_virtio_net(bytes));
        EXPECT_EQ(queue, (owner + rotate) % kQueues) << kind;
        ++kinds[kind];
        ++on_queue_.at(queue);
      }
    }
    return kinds;
  }

  FlowHashKeys keys_{};
  std::unique_ptr<Tun> tun_;
  Offloads offloads_;
  std::array<int, kQueues> on_queue_{};
};

TEST_F(SteeredDevice, EveryPacketArrivesOnItsOwnersQueue) {
  steer(0);
  if (IsSkipped()) return;
  send_all_kinds();
  auto kinds = read_all(0);
  for (const std::string family : {"v4 ", "v6 "}) {
    EXPECT_GE(kinds[family + "udp"], kFlows);
    EXPECT_GE(kinds[family + "tcp"], kFlows);
    EXPECT_GE(kinds[family + "fragment"], kFlows * 3);
    EXPECT_GE(kinds[family + "icmp"], 1);
    EXPECT_EQ(kinds[family + "tcp super"], kFlows);
    if (offloads_.uso) {
      EXPECT_EQ(kinds[family + "udp super"], kFlows);
    }
  }
  for (const int packets : on_queue_) EXPECT_GT(packets, kFlows);
}

TEST_F(SteeredDevice, RotatedEveryPacketArrivesOnAWrongQueue) {
  steer(1);
  if (IsSkipped()) return;
  send_all_kinds();
  read_all(1);
  for (const int packets : on_queue_) EXPECT_GT(packets, kFlows);
}

TEST_F(SteeredDevice, AnotherProgramTakesOverAndDetachingEndsIt) {
  steer(1);
  if (IsSkipped()) return;
  EXPECT_EQ(try_steer(*tun_, keys_), "");
  tun_->set_up();
  send_udp(kFamilies[0], 100, 0);
  EXPECT_EQ(read_all(0)["v4 udp"], kFlows);
  detach_steering(*tun_);
  detach_steering(*tun_);  // there is none any more: no harm
}

}  // namespace
}  // namespace sluice::io
