// The kernel's UDP as the other side: blocking sockets that give up after a while.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/dataplane/engine/kernel_tcp.hpp"

namespace sluice {

// Of either family.
class SocketAddress {
 public:
  SocketAddress() = default;
  SocketAddress(const std::string& text, std::uint16_t port) {
    auto* const v4 = reinterpret_cast<sockaddr_in*>(&storage_);
    auto* const v6 = reinterpret_cast<sockaddr_in6*>(&storage_);
    if (inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
      storage_.ss_family = AF_INET;
      v4->sin_port = htons(port);
      length_ = sizeof *v4;
    } else if (inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr) == 1) {
      storage_.ss_family = AF_INET6;
      v6->sin6_port = htons(port);
      length_ = sizeof *v6;
    } else {
      throw std::invalid_argument(text);
    }
  }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage_); }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t* length() { return &length_; }
  socklen_t size() const { return length_; }
  int family() const { return storage_.ss_family; }
  std::uint16_t port() const {  // in the same place in both families
    return ntohs(reinterpret_cast<const sockaddr_in*>(&storage_)->sin_port);
  }

 private:
  sockaddr_storage storage_{};
  socklen_t length_ = sizeof storage_;
};

class KernelUdp {
 public:
  // Bound to `address`, and to a port that the kernel chooses unless one is named.
  explicit KernelUdp(const char* address, std::uint16_t port = 0) {
    const SocketAddress own(address, port);
    fd_ = io::UniqueFd(socket(own.family(), SOCK_DGRAM | SOCK_CLOEXEC, 0));
    set_patience(10'000);
    const int room = 4 << 20;
    setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    if (bind(fd_.get(), own.get(), own.size()) != 0) throw_errno("bind");
  }
  // What it talks to from now on; errors of the network are then reported to it.
  void connect_to(const char* address, std::uint16_t port) {
    const SocketAddress peer(address, port);
    if (connect(fd_.get(), peer.get(), peer.size()) != 0) throw_errno("connect");
  }
  void set_patience(int milliseconds) {
    const timeval patience{.tv_sec = milliseconds / 1000,
                           .tv_usec = suseconds_t{milliseconds % 1000} * 1000};
    setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  // What is sent in one go is cut into datagrams of this size (UDP_SEGMENT).
  void set_segment(int bytes) {
    if (setsockopt(fd_.get(), SOL_UDP, UDP_SEGMENT, &bytes, sizeof bytes) != 0) {
      throw_errno("UDP_SEGMENT");
    }
  }
  // No sums are computed (IPv4 only).
  void leave_sums_out() {
    const int on = 1;
    setsockopt(fd_.get(), SOL_SOCKET, SO_NO_CHECK, &on, sizeof on);
  }

  std::uint16_t port() {
    SocketAddress own;
    getsockname(fd_.get(), own.get(), own.length());
    return own.port();
  }

  // 0, or errno.
  int send(const ByteVector& bytes) {
    return ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0 ? errno : 0;
  }
  int send_to(const char* address, std::uint16_t port, const ByteVector& bytes) {
    const SocketAddress to(address, port);
    const ssize_t sent = sendto(fd_.get(), bytes.data(), bytes.size(), 0, to.get(), to.size());
    return sent < 0 ? errno : 0;
  }
  // Nothing when none comes in time, or when an error is pending: error() tells which.
  std::optional<ByteVector> receive() {
    ByteVector bytes(65'536);
    from_ = SocketAddress();
    const ssize_t length =
        recvfrom(fd_.get(), bytes.data(), bytes.size(), 0, from_.get(), from_.length());
    error_ = length < 0 ? errno : 0;
    if (length < 0) return std::nullopt;
    bytes.resize(static_cast<std::size_t>(length));
    return bytes;
  }
  int error() const { return error_; }
  std::uint16_t sender_port() const { return from_.port(); }  // of what was received last

 private:
  [[noreturn]] static void throw_errno(const char* call) {
    throw std::runtime_error(std::string("kernel UDP: ") + call + ": " + std::strerror(errno));
  }

  io::UniqueFd fd_;
  SocketAddress from_;
  int error_ = 0;
};

// For a moment after a device is up Linux drops what comes for its own IPv6 address (and counts
// Ip6InAddrErrors). Asks the engine's closed port 1 until the answer is heard.
inline bool is_ipv6_heard() {
  KernelUdp asking("fd05::100");
  asking.connect_to("fd05::101", 1);
  asking.set_patience(20);
  for (int i = 0; i < 500; ++i) {
    asking.send({1});
    asking.receive();
    if (asking.error() == ECONNREFUSED) return true;
  }
  return false;
}

}  // namespace sluice
