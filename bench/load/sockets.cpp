#include "bench/load/sockets.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace sluice::load {
namespace {

constexpr int kBacklog = 4096;

void set_congestion(int fd, const std::string& name) {
  const auto length = static_cast<socklen_t>(name.size());
  if (setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name.data(), length) == 0) return;
  throw CongestionError("congestion control '" + name + "' cannot be set: " + std::strerror(errno) +
                        " (see /proc/sys/net/ipv4/tcp_available_congestion_control)");
}

UniqueFd open_socket(const std::string& congestion) {
  UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) fail("socket");
  const int yes = 1;
  setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  set_congestion(fd.get(), congestion);
  return fd;
}

std::string text_of(const sockaddr_in& address) {
  std::array<char, INET_ADDRSTRLEN> text{};
  inet_ntop(AF_INET, &address.sin_addr, text.data(), text.size());
  return std::string(text.data()) + ":" + std::to_string(ntohs(address.sin_port));
}

const sockaddr* generic(const sockaddr_in& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

}  // namespace

void fail(const std::string& what) {
  throw std::runtime_error(what + ": " + std::strerror(errno));
}

Target Target::parse(const std::string& text, std::uint32_t count) {
  in_addr address{};
  if (inet_pton(AF_INET, text.c_str(), &address) != 1) {
    throw std::runtime_error("'" + text + "' is no IPv4 address: give one such as 10.0.5.1");
  }
  return {.first = ntohl(address.s_addr), .count = count};
}

sockaddr_in Target::address(std::uint32_t index, std::uint16_t port) const {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(first + index % count);
  return address;
}

UniqueFd begin_connect(const sockaddr_in& to, const std::string& congestion) {
  UniqueFd fd = open_socket(congestion);
  if (connect(fd.get(), generic(to), sizeof to) != 0 && errno != EINPROGRESS) {
    fail("cannot connect to " + text_of(to));
  }
  return fd;
}

UniqueFd connect_to(const sockaddr_in& to, const std::string& congestion) {
  UniqueFd fd = begin_connect(to, congestion);
  pollfd watched{fd.get(), POLLOUT, 0};
  if (poll(&watched, 1, kPatienceMs) == 0) {
    throw std::runtime_error("no answer from " + text_of(to));
  }
  socklen_t length = sizeof errno;
  getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &errno, &length);
  if (errno != 0) fail("cannot connect to " + text_of(to));
  require_congestion(fd.get(), congestion);
  return fd;
}

UniqueFd listen_on(std::uint16_t port, const std::string& congestion) {
  UniqueFd fd = open_socket(congestion);
  const int yes = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_port = htons(port);
  if (bind(fd.get(), generic(any), sizeof any) != 0 || listen(fd.get(), kBacklog) != 0) {
    fail("cannot listen on port " + std::to_string(port));
  }
  return fd;
}

void require_congestion(int fd, const std::string& congestion) {
  std::array<char, 16> name{};
  socklen_t length = name.size();
  getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name.data(), &length);
  if (name.data() == congestion) return;
  throw CongestionError("congestion control '" + congestion + "' was asked for, but '" +
                        name.data() + "' is in use");
}

Epoll::Epoll() : fd_(epoll_create1(EPOLL_CLOEXEC)) {
  if (!fd_) fail("epoll_create1");
}

void Epoll::add(int fd, std::uint32_t events, std::uint32_t tag) {
  epoll_event event{};
  event.events = events;
  event.data.u32 = tag;
  if (epoll_ctl(fd_.get(), EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll_ctl");
}

std::span<const epoll_event> Epoll::wait(int patience_ms) {
  const int most = static_cast<int>(ready_.size());
  const int count = epoll_wait(fd_.get(), ready_.data(), most, patience_ms);
  if (count < 0 && errno != EINTR) fail("epoll_wait");
  return std::span(ready_).first(count < 0 ? 0 : static_cast<std::size_t>(count));
}

}  // namespace sluice::load
