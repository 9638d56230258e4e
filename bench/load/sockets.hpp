// The kernel's sockets as the jobs and the server use them: IPv4, non-blocking, without Nagle, and
// with one congestion control that is set for each socket and read back.
#pragma once

#include <netinet/in.h>
#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>

#include "dataplane/io/tun.hpp"

namespace sluice::load {

using io::UniqueFd;

// The ports of `sluice run`.
inline constexpr std::uint16_t kEchoPort = 7;
inline constexpr std::uint16_t kDiscardPort = 9;
inline constexpr std::uint16_t kSourcePort = 19;
inline constexpr std::uint16_t kSinkPort = 5001;

inline constexpr std::size_t kBufferBytes = 1 << 18;  // of one send or receive
inline constexpr int kPatienceMs = 5'000;             // of a client, when nothing moves

// The wanted congestion control is not in use: figures would compare algorithms, not systems.
class CongestionError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Throws std::runtime_error: `what`, and errno's text.
[[noreturn]] void fail(const std::string& what);

// Where to connect to: `count` consecutive addresses.
struct Target {
  std::uint32_t first = 0;  // host order
  std::uint32_t count = 1;

  // Throws std::runtime_error when `text` is no IPv4 address.
  static Target parse(const std::string& text, std::uint32_t count);
  sockaddr_in address(std::uint32_t index, std::uint16_t port) const;
  std::string to_string() const;
};

// A socket that has begun to connect.
UniqueFd begin_connect(const sockaddr_in& to, const std::string& congestion);
// A connected one; gives up after kPatienceMs.
UniqueFd connect_to(const sockaddr_in& to, const std::string& congestion);
// Accepted sockets inherit its congestion control.
UniqueFd listen_on(std::uint16_t port, const std::string& congestion);
// Throws CongestionError when a route or the kernel has put another in its place.
void require_congestion(int fd, const std::string& congestion);

class Epoll {
 public:
  Epoll();
  void add(int fd, std::uint32_t events, std::uint32_t tag);  // `tag` comes back as data.u32
  // What is ready; empty when nothing was within `patience_ms` (-1: waits for ever).
  std::span<const epoll_event> wait(int patience_ms);

 private:
  UniqueFd fd_;
  std::array<epoll_event, 64> ready_;
};

}  // namespace sluice::load
