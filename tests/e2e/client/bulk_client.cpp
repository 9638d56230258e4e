// The kernel's side of bulk measurements, fast enough not to be what is measured.
//
//   bulk_client read ADDRESS PORT CONNECTIONS SECONDS   reads as fast as it can
//   bulk_client serve PORT                              sends to whoever connects, until killed
//
// One thread, poll, CUBIC. `read` prints one line: Gbit/s and the algorithm in use.
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kBufferBytes = 1 << 18;
constexpr int kMaxSeconds = 60;
constexpr int kMaxConnections = 64;

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what + ": " + std::strerror(errno));
}

void use_cubic(int fd) {
  if (setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5) != 0) fail("TCP_CONGESTION cubic");
}

std::string algorithm_of(int fd) {
  char name[16] = {};
  socklen_t length = sizeof name;
  getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &length);
  return name;
}

int connect_to(const char* address, const char* port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int problem = getaddrinfo(address, port, &hints, &found);
  if (problem != 0) throw std::runtime_error(std::string(address) + ": " + gai_strerror(problem));
  const int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket");
  use_cubic(fd);
  if (connect(fd, found->ai_addr, found->ai_addrlen) != 0) fail(std::string("connect ") + address);
  freeaddrinfo(found);
  return fd;
}

int number_of(const char* text, int most) {
  const int number = std::atoi(text);
  if (number < 1 || number > most) {
    throw std::runtime_error(std::string(text) + ": give 1 to " + std::to_string(most));
  }
  return number;
}

int read_bulk(const char* address, const char* port, int connections, int seconds) {
  std::vector<pollfd> peers;
  for (int i = 0; i < connections; ++i) {
    peers.push_back({.fd = connect_to(address, port), .events = POLLIN, .revents = 0});
  }
  std::vector<char> buffer(kBufferBytes);
  std::uint64_t bytes = 0;
  const auto begin = Clock::now();
  const auto end = begin + std::chrono::seconds(seconds);
  while (Clock::now() < end) {
    if (poll(peers.data(), peers.size(), 1000) <= 0) throw std::runtime_error("nothing comes");
    for (const pollfd& peer : peers) {
      if (peer.revents == 0) continue;
      const ssize_t count = recv(peer.fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (count == 0 || (count < 0 && errno != EAGAIN)) fail("a connection ended");
      if (count > 0) bytes += static_cast<std::uint64_t>(count);
    }
  }
  const std::chrono::duration<double> took = Clock::now() - begin;
  std::printf("%.2f %s\n", static_cast<double>(bytes) * 8 / took.count() / 1e9,
              algorithm_of(peers.front().fd).c_str());
  return 0;
}

int listen_on(const char* port) {
  const int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket");
  const int yes = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  use_cubic(fd);  // accepted sockets inherit it
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(static_cast<std::uint16_t>(number_of(port, 65'535)));
  const bool good = bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
                    listen(fd, kMaxConnections) == 0;
  if (!good) fail("listen");
  return fd;
}

int serve(const char* port) {
  std::vector<pollfd> all{{.fd = listen_on(port), .events = POLLIN, .revents = 0}};
  const std::vector<char> bytes(kBufferBytes, 'x');
  while (poll(all.data(), all.size(), -1) > 0) {
    for (std::size_t i = all.size(); i-- > 1;) {
      if (all[i].revents == 0) continue;
      if (send(all[i].fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) continue;
      if (errno == EAGAIN) continue;
      close(all[i].fd);
      all.erase(all.begin() + static_cast<std::ptrdiff_t>(i));
    }
    if (all[0].revents == 0) continue;
    const int fd = accept4(all[0].fd, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0) all.push_back({.fd = fd, .events = POLLOUT, .revents = 0});
  }
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  try {
    if (words.size() == 5 && words[0] == "read") {
      return read_bulk(argv[2], argv[3], number_of(argv[4], kMaxConnections),
                       number_of(argv[5], kMaxSeconds));
    }
    if (words.size() == 2 && words[0] == "serve") return serve(argv[2]);
    std::fputs("usage: bulk_client read ADDRESS PORT CONNECTIONS SECONDS | serve PORT\n", stderr);
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bulk_client: %s\n", error.what());
    return 1;
  }
}
