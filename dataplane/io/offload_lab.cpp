#include "dataplane/io/offload_lab.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "dataplane/io/clock.hpp"
#include "proto/base/assert.hpp"
#include "proto/wire/build.hpp"

namespace sluice::io {
namespace {

constexpr const char* kDevice = "offload0";
constexpr std::size_t kLongestPacket = 65'535;

std::string reason(int error) {
  return ": " + std::generic_category().message(error);
}

// False when `end` comes first.
bool wait_for(int fd, short events, Instant end) {
  pollfd waiting{.fd = fd, .events = events, .revents = 0};
  const Duration left = std::max(end - now(), Duration());
  return poll(&waiting, 1, static_cast<int>((left.us() + 999) / 1000)) > 0;
}

Tun open_device() {
  if (unshare(CLONE_NEWNET) != 0) {
    throw TunError("cannot make a network namespace" + reason(errno) +
                   (errno == EPERM ? " (it needs root, or a private one: unshare -Urn)" : ""));
  }
  return Tun::open(kDevice, 1);
}

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

SocketAddress socket_address(const IpAddress& address, std::uint16_t port) {
  SocketAddress result;
  if (address.is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    v4.sin_addr.s_addr = htonl(address.v4_bits());
    std::memcpy(&result.storage, &v4, sizeof v4);
    result.length = sizeof v4;
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    std::memcpy(&v6.sin6_addr, address.bytes().data(), 16);
    std::memcpy(&result.storage, &v6, sizeof v6);
    result.length = sizeof v6;
  }
  return result;
}

// Best effort: where an option is refused, the test shows whether it mattered.
void prepare(int fd, int type) {
  const int buffer = 8 * static_cast<int>(kPatternBytes);
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
  if (type != SOCK_STREAM) return;
  constexpr std::string_view kNoPacing = "reno";  // bbr, for one, holds bytes back
  setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, kNoPacing.data(), kNoPacing.size());
  const linger reset{.l_onoff = 1, .l_linger = 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
}

}  // namespace

Bytes offload_pattern(std::uint32_t length) {
  // No shift, no swap and no repetition of a piece goes unseen.
  static const std::vector<std::uint8_t> pattern = [] {
    std::vector<std::uint8_t> bytes(kPatternBytes);
    std::uint64_t state = 1;
    for (std::uint8_t& byte : bytes) {
      state = state * 6364136223846793005 + 1442695040888963407;  // Knuth's MMIX generator
      byte = static_cast<std::uint8_t>(state >> 56);
    }
    return bytes;
  }();
  SLUICE_ASSERT(length <= kPatternBytes);
  return Bytes(pattern).first(length);
}

// Networks for documentation: RFC 5737 and RFC 3849.
OffloadNet OffloadNet::v4() {
  return {{IpAddress::v4(0xc0000201), 24}, IpAddress::v4(0xc0000202), IpAddress::v4(0xc0000203)};
}

OffloadNet OffloadNet::v6() {
  std::array<std::uint8_t, 16> bytes{0x20, 0x01, 0x0d, 0xb8};
  const auto host = [&bytes](std::uint8_t number) {
    bytes[15] = number;
    return IpAddress::v6(bytes);
  };
  return {{host(1), 64}, host(2), host(3)};
}

OffloadLab::OffloadLab()
    : tun_(open_device()), buffer_(wire::kVirtioNetHeaderSize + kLongestPacket) {
  tun_.add_address(OffloadNet::v4().kernel);
  tun_.set_up();
  try {
    tun_.add_address(OffloadNet::v6().kernel);
    has_v6_ = answers_v6();
  } catch (const TunError&) {
    // Disabled on this machine: no v6 is an answer, too.
  }
}

// The kernel makes the route to a new IPv6 address some time after the address (addrconf_dad_work):
// an echo tells.
bool OffloadLab::answers_v6() {
  constexpr Duration kPatience = Duration::milliseconds(2);
  const OffloadNet net = OffloadNet::v6();
  wire::IpFields ip;
  ip.source = net.us;
  ip.destination = net.kernel.address;
  wire::IcmpHeader echo;
  echo.type = wire::icmp_v6::kEcho;
  std::array<std::uint8_t, wire::kMaxHeaders> packet;
  const std::size_t length = wire::build_icmp_packet(packet, ip, echo, {});
  const Instant end = now() + kOffloadPatience;
  while (now() < end) {
    write(Bytes(packet).first(length), {});
    const LabPacket* const answer = try_read(net.kernel.address, wire::kProtocolIcmpV6, kPatience);
    if (answer != nullptr && answer->parsed.icmp.type == wire::icmp_v6::kEchoReply) return true;
  }
  return false;
}

bool OffloadLab::try_bits(unsigned bits) {
  while (read_any()) {
  }
  return tun_.try_offload_bits(bits);
}

void OffloadLab::write(Bytes headers, Bytes payload) {
  const auto piece = [](Bytes bytes) {
    return iovec{const_cast<std::uint8_t*>(bytes.data()), bytes.size()};
  };
  const std::array<iovec, 2> pieces{piece(headers), piece(payload)};
  if (writev(tun_.descriptor(0), pieces.data(), pieces.size()) < 0) {
    throw OffloadBroken("the kernel refuses the packet" + reason(errno));
  }
}

// False when nothing is there.
bool OffloadLab::read_any() {
  const ssize_t length = ::read(tun_.descriptor(0), buffer_.data(), buffer_.size());
  if (length <= static_cast<ssize_t>(wire::kVirtioNetHeaderSize)) return false;
  const Bytes bytes = Bytes(buffer_).first(static_cast<std::size_t>(length));
  packet_.offload = wire::parse_virtio_net(bytes);
  packet_.ip = bytes.subspan(wire::kVirtioNetHeaderSize);
  return true;
}

const LabPacket& OffloadLab::read(const IpAddress& source, std::uint8_t protocol) {
  const LabPacket* const packet = try_read(source, protocol, kOffloadPatience);
  if (packet == nullptr) throw OffloadBroken("no packet arrives");
  return *packet;
}

// Null when none comes in time.
const LabPacket* OffloadLab::try_read(const IpAddress& source, std::uint8_t protocol,
                                      Duration patience) {
  const Instant end = now() + patience;
  for (;;) {
    while (!read_any()) {
      if (!wait_for(tun_.descriptor(0), POLLIN, end)) return nullptr;
    }
    wire::IpHeader header;
    if (wire::parse_ip(packet_.ip, header) != DropReason::none) continue;
    if (header.source != source || header.protocol != protocol) continue;
    const DropReason refused = wire::parse_packet(packet_.ip, packet_.offload, packet_.parsed);
    if (refused != DropReason::none) {
      throw OffloadBroken("a packet arrives malformed: " + std::string(drop_reason_name(refused)));
    }
    packet_.payload =
        packet_.ip.subspan(packet_.parsed.payload_offset, packet_.parsed.payload_length);
    return &packet_;
  }
}

LabSocket::LabSocket(const OffloadNet& net, int type)
    : fd_(socket(net.us.is_v4() ? AF_INET : AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
  prepare(fd_.get(), type);
  const SocketAddress ours = socket_address(net.kernel.address, kPort);
  const SocketAddress peer = socket_address(net.us, kPort);
  if (bind(fd_.get(), ours.get(), ours.length) != 0 ||
      (connect(fd_.get(), peer.get(), peer.length) != 0 && errno != EINPROGRESS)) {
    throw OffloadBroken("no socket of the kernel" + reason(errno));
  }
}

void LabSocket::send(Bytes bytes, std::uint16_t segment) {
  const int size = segment;
  if (size > 0 && setsockopt(fd_.get(), SOL_UDP, UDP_SEGMENT, &size, sizeof size) != 0) {
    throw OffloadBroken("no UDP_SEGMENT" + reason(errno));
  }
  const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (sent < 0) throw OffloadBroken("the kernel's socket does not send" + reason(errno));
  if (static_cast<std::size_t>(sent) != bytes.size()) {
    throw OffloadBroken("the kernel's socket sends only " + std::to_string(sent) + " bytes");
  }
}

std::size_t LabSocket::receive(MutableBytes out) {
  if (!wait_for(fd_.get(), POLLIN, now() + kOffloadPatience)) {
    throw OffloadBroken("no packet arrives");
  }
  const ssize_t length = recv(fd_.get(), out.data(), out.size(), 0);
  if (length < 0) throw OffloadBroken("the kernel's socket does not receive" + reason(errno));
  return static_cast<std::size_t>(length);
}

}  // namespace sluice::io
