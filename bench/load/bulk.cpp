#include <sys/socket.h>

#include <cerrno>

#include "bench/load/job.hpp"

namespace sluice::load {
namespace {

class Bulk final : public Job {
 public:
  Bulk(const JobOptions& options, Direction direction) : buffer_(kBufferBytes, 'x') {
    for (std::uint32_t i = 0; i < options.connections; ++i) {
      if (direction != Direction::out) open(options, kSinkPort, EPOLLOUT);
      if (direction != Direction::in) open(options, kSourcePort, EPOLLIN);
    }
  }

  void turn() override {
    const auto ready = epoll_.wait(kPatienceMs);
    if (ready.empty()) throw std::runtime_error("nothing moves");
    for (const epoll_event& event : ready) {
      const int fd = sockets_[event.data.u32].get();
      if ((event.events & EPOLLOUT) != 0) {
        tally_.bytes_in += moved(::send(fd, buffer_.data(), buffer_.size(), MSG_NOSIGNAL));
      } else {
        const ssize_t count = recv(fd, buffer_.data(), buffer_.size(), 0);
        if (count == 0) throw std::runtime_error("the system under test closed a connection");
        tally_.bytes_out += moved(count);
      }
    }
  }

  const Tally& tally() const override { return tally_; }

 private:
  void open(const JobOptions& options, std::uint16_t port, std::uint32_t events) {
    UniqueFd fd = connect_to(options.target.address(0, port), options.congestion);
    epoll_.add(fd.get(), events, static_cast<std::uint32_t>(sockets_.size()));
    sockets_.push_back(std::move(fd));
  }

  static std::uint64_t moved(ssize_t count) {
    if (count >= 0) return static_cast<std::uint64_t>(count);
    if (errno != EAGAIN) fail("a connection broke");
    return 0;
  }

  Epoll epoll_;
  std::vector<UniqueFd> sockets_;
  std::vector<char> buffer_;
  Tally tally_;
};

}  // namespace

std::unique_ptr<Job> make_bulk(const JobOptions& options, Direction direction) {
  return std::make_unique<Bulk>(options, direction);
}

}  // namespace sluice::load
