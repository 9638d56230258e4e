#include "bench/load/server.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <vector>

#include "bench/load/sockets.hpp"

namespace sluice::load {
namespace {

enum class Role : std::uint8_t { listener, sink, source, echo };

struct Socket {
  UniqueFd fd;
  Role role = Role::sink;
  Role accepted = Role::sink;  // what a listener's connections become
};

class Server {
 public:
  explicit Server(std::string congestion)
      : congestion_(std::move(congestion)), buffer_(kBufferBytes, 'x') {
    listen(kSinkPort, Role::sink);
    listen(kDiscardPort, Role::sink);
    listen(kSourcePort, Role::source);
    listen(kEchoPort, Role::echo);
  }

  void turn() {
    for (const epoll_event& event : epoll_.wait(-1)) {
      Socket& socket = sockets_[event.data.u32];
      if (socket.role == Role::listener) {
        accept_from(socket);
      } else if (!serve(socket)) {
        socket = Socket();
      }
    }
  }

 private:
  void listen(std::uint16_t port, Role accepted) {
    keep({listen_on(port, congestion_), Role::listener, accepted}, EPOLLIN);
  }

  // Sockets are found by their descriptors.
  void keep(Socket socket, std::uint32_t events) {
    const auto index = static_cast<std::size_t>(socket.fd.get());
    if (index >= sockets_.size()) sockets_.resize(index + 1);
    epoll_.add(socket.fd.get(), events, static_cast<std::uint32_t>(index));
    sockets_[index] = std::move(socket);
  }

  void accept_from(const Socket& listener) {
    const Role role = listener.accepted;
    UniqueFd fd(accept4(listener.fd.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd) return;  // the peer has gone
    require_congestion(fd.get(), congestion_);
    keep({std::move(fd), role, role}, role == Role::source ? EPOLLOUT : EPOLLIN);
  }

  // False when the connection is over.
  bool serve(const Socket& socket) {
    const int fd = socket.fd.get();
    if (socket.role == Role::source) return went_well(send_bytes(fd, buffer_.size()));
    const ssize_t count = recv(fd, buffer_.data(), buffer_.size(), 0);
    if (count <= 0 || socket.role == Role::sink) return went_well(count) && count != 0;
    // A client that asks before it has read the last answer can fill its buffers: not served.
    return send_bytes(fd, static_cast<std::size_t>(count)) == count;
  }

  ssize_t send_bytes(int fd, std::size_t count) {
    return ::send(fd, buffer_.data(), count, MSG_NOSIGNAL);
  }

  static bool went_well(ssize_t count) { return count >= 0 || errno == EAGAIN; }

  std::string congestion_;
  Epoll epoll_;
  std::vector<Socket> sockets_;
  std::vector<char> buffer_;
};

}  // namespace

void serve(const std::string& congestion, void (*ready)()) {
  Server server(congestion);
  ready();
  while (true) server.turn();
}

}  // namespace sluice::load
