// The kernel's TCP as the other side: blocking sockets that give up after ten seconds.
#pragma once

#include <arpa/inet.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#include "dataplane/io/tun.hpp"

namespace sluice {

using ByteVector = std::vector<std::uint8_t>;

// Bytes that depend on their position and on `seed`: no shift and no swap goes unseen.
inline ByteVector pattern_bytes(std::size_t count, std::uint64_t seed = 1) {
  ByteVector bytes(count);
  std::uint64_t state = seed * 0x9e3779b97f4a7c15;
  for (std::uint8_t& byte : bytes) {
    state = state * 6364136223846793005 + 1442695040888963407;
    byte = static_cast<std::uint8_t>(state >> 56);
  }
  return bytes;
}

inline sockaddr_in kernel_address(const char* text, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (inet_pton(AF_INET, text, &address.sin_addr) != 1) throw std::invalid_argument(text);
  return address;
}

class KernelTcp {
 public:
  // Connects; look at error() for how that went. A small receive buffer closes the window soon.
  KernelTcp(const char* address, std::uint16_t port, int receive_buffer_bytes = 0)
      : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    set_patience();
    if (receive_buffer_bytes > 0) {
      setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes,
                 sizeof receive_buffer_bytes);
    }
    const sockaddr_in peer = kernel_address(address, port);
    keep_error(connect(fd_.get(), reinterpret_cast<const sockaddr*>(&peer), sizeof peer));
    is_connected_ = error_ == 0;
  }
  explicit KernelTcp(int accepted) : fd_(accepted) {
    set_patience();
    if (accepted < 0) error_ = EBADF;
  }

  // errno of connecting or of what was received last; 0 when it went well.
  int error() const { return error_; }

  // May run on a thread of its own beside receive().
  bool send_all(const ByteVector& bytes) {
    for (std::size_t sent = 0; sent < bytes.size();) {
      const ssize_t count = send(fd_.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (count < 0) return false;
      sent += static_cast<std::size_t>(count);
    }
    return true;
  }
  // Fewer when the peer ends, fails or is silent for ten seconds.
  ByteVector receive(std::size_t wanted) {
    if (!is_connected_) return {};  // why is told once: a RST may come before connect() returns
    ByteVector bytes(wanted);
    std::size_t got = 0;
    while (got < wanted) {
      const ssize_t count = recv(fd_.get(), bytes.data() + got, wanted - got, 0);
      keep_error(count);
      if (count <= 0) break;
      got += static_cast<std::size_t>(count);
    }
    bytes.resize(got);
    return bytes;
  }
  // Until the peer's FIN: then error() is 0.
  ByteVector receive_to_end() {
    ByteVector all;
    while (true) {
      const ByteVector part = receive(65'536);
      all.insert(all.end(), part.begin(), part.end());
      if (part.size() < 65'536) return all;
    }
  }
  bool is_at_end() { return receive(1).empty() && error_ == 0; }
  // Bytes of payload in what is sent, as the peer's SYN and the timestamps leave them.
  int max_segment() const {
    int bytes = 0;
    socklen_t length = sizeof bytes;
    getsockopt(fd_.get(), IPPROTO_TCP, TCP_MAXSEG, &bytes, &length);
    return bytes;
  }
  void shutdown_send() { shutdown(fd_.get(), SHUT_WR); }
  void shutdown_both() { shutdown(fd_.get(), SHUT_RDWR); }
  void set_nodelay() {
    const int on = 1;
    setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  void reset_on_close() {
    const linger hard{.l_onoff = 1, .l_linger = 0};
    setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  }

 private:
  void set_patience() {
    const timeval patience{.tv_sec = 10, .tv_usec = 0};
    setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd_.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  }
  void keep_error(ssize_t result) { error_ = result < 0 ? errno : 0; }

  io::UniqueFd fd_;
  int error_ = 0;
  bool is_connected_ = true;
};

class KernelListener {
 public:
  KernelListener(const char* address, std::uint16_t port)
      : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const sockaddr_in ours = kernel_address(address, port);
    const bool good = bind(fd_.get(), reinterpret_cast<const sockaddr*>(&ours), sizeof ours) == 0 &&
                      listen(fd_.get(), 64) == 0;
    if (!good) throw std::runtime_error(std::string("kernel listener: ") + std::strerror(errno));
    const timeval patience{.tv_sec = 10, .tv_usec = 0};
    setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  KernelTcp accept() { return KernelTcp(accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC)); }

 private:
  io::UniqueFd fd_;
};

}  // namespace sluice
