#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "bench/load/job.hpp"
#include "bench/load/stopwatch.hpp"

namespace sluice::load {
namespace {

class Connect final : public Job {
 public:
  explicit Connect(JobOptions options)
      : options_(std::move(options)), connections_(options_.connections) {
    for (std::uint32_t i = 0; i < options_.connections; ++i) open(i);
  }

  void turn() override {
    const auto ready = epoll_.wait(kPatienceMs);
    if (ready.empty()) throw std::runtime_error("a connection is not answered");
    for (const epoll_event& event : ready) {
      Connection& connection = connections_[event.data.u32];
      if (!connection.asked) {
        ask(connection);
      } else if ((event.events & ~std::uint32_t{EPOLLOUT}) != 0) {
        finish(connection);
        open(event.data.u32);
      }
    }
  }

  const Tally& tally() const override { return tally_; }
  std::vector<std::uint32_t> take_latencies() override { return std::exchange(latencies_, {}); }

 private:
  struct Connection {
    UniqueFd fd;
    Stopwatch since;
    bool asked = false;  // connected, and the byte is on its way
  };

  // One registration is enough: an edge comes when it is connected, another with the answer.
  void open(std::uint32_t index) {
    const sockaddr_in to = options_.target.address(next_address_++, kEchoPort);
    const Stopwatch since;
    connections_[index] = {begin_connect(to, options_.congestion), since, false};
    epoll_.add(connections_[index].fd.get(), EPOLLIN | EPOLLOUT | EPOLLET, index);
  }

  void ask(Connection& connection) {
    if (::send(connection.fd.get(), "x", 1, MSG_NOSIGNAL) != 1) fail("a connection failed");
    require_congestion(connection.fd.get(), options_.congestion);
    connection.asked = true;
    ++tally_.bytes_in;
  }

  void finish(Connection& connection) {
    char answer = 0;
    if (recv(connection.fd.get(), &answer, 1, 0) != 1) fail("a connection ended unanswered");
    connection.fd = UniqueFd();
    latencies_.push_back(connection.since.elapsed_ns());
    ++tally_.bytes_out;
    ++tally_.operations;
  }

  JobOptions options_;
  Epoll epoll_;
  std::vector<Connection> connections_;
  std::uint32_t next_address_ = 0;
  std::vector<std::uint32_t> latencies_;
  Tally tally_;
};

}  // namespace

std::unique_ptr<Job> make_connect(const JobOptions& options) {
  return std::make_unique<Connect>(options);
}

}  // namespace sluice::load
