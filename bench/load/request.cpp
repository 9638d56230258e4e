#include <sys/socket.h>

#include <utility>

#include "bench/load/job.hpp"
#include "bench/load/stopwatch.hpp"

namespace sluice::load {
namespace {

class Request final : public Job {
 public:
  explicit Request(const JobOptions& options) {
    for (std::uint32_t i = 0; i < options.connections; ++i) {
      UniqueFd fd = connect_to(options.target.address(0, kEchoPort), options.congestion);
      epoll_.add(fd.get(), EPOLLIN, i);
      connections_.push_back({.fd = std::move(fd), .since = Stopwatch()});
      ask(connections_.back());
    }
  }

  void turn() override {
    const auto ready = epoll_.wait(kPatienceMs);
    if (ready.empty()) throw std::runtime_error("a request is not answered");
    for (const epoll_event& event : ready) {
      Connection& connection = connections_[event.data.u32];
      char answer = 0;
      const ssize_t count = recv(connection.fd.get(), &answer, 1, 0);
      if (count < 0) fail("a connection broke");
      if (count == 0) throw std::runtime_error("the system under test closed a connection");
      latencies_.push_back(connection.since.elapsed_ns());
      ++tally_.bytes_out;
      ++tally_.operations;
      ask(connection);
    }
  }

  const Tally& tally() const override { return tally_; }
  std::vector<std::uint32_t> take_latencies() override { return std::exchange(latencies_, {}); }

 private:
  struct Connection {
    UniqueFd fd;
    Stopwatch since;
  };

  void ask(Connection& connection) {
    connection.since = Stopwatch();
    if (::send(connection.fd.get(), "x", 1, MSG_NOSIGNAL) != 1) fail("a connection broke");
    ++tally_.bytes_in;
  }

  Epoll epoll_;
  std::vector<Connection> connections_;
  std::vector<std::uint32_t> latencies_;
  Tally tally_;
};

}  // namespace

std::unique_ptr<Job> make_request(const JobOptions& options) {
  return std::make_unique<Request>(options);
}

}  // namespace sluice::load
