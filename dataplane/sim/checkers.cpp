#include "dataplane/sim/checkers.hpp"

#include "dataplane/sim/core.hpp"
#include "dataplane/sim/pattern.hpp"

namespace sluice::sim {

void ByteStream::on_received(Bytes bytes) {
  const std::size_t right = matching_pattern(seed_, received_, bytes);
  if (right != bytes.size()) {
    verdict_.fail(name_ + ": wrong byte at position " + std::to_string(received_ + right));
  }
  received_ += bytes.size();
}

void ByteStream::on_end(std::uint64_t wanted) {
  if (received_ == wanted) return;
  verdict_.fail(name_ + ": " + std::to_string(received_) + " of " + std::to_string(wanted) +
                " bytes arrived");
}

void Homecoming::expect(const std::string& name, const char* what, std::uint64_t home,
                        std::uint64_t all) {
  if (home == all) return;
  verdict_.fail(name + ": " + std::to_string(home) + " of " + std::to_string(all) + " " + what +
                " came home");
}

void Homecoming::check(const Core& core, const std::string& name) {
  expect(name, "frames", core.frames().free_count(), core.frames().size());
  expect(name, "blocks", core.blocks().free_count(), core.blocks().size());
  expect(name, "nodes", core.nodes().free_count(), core.nodes().size());
  expect(name, "sent segments", core.sent().free_count(), core.sent().size());
  expect(name, "slots", core.batch().free_count(), core.batch().slots());
}

void Progress::on_turn(bool moved_packets, Instant now) {
  if (moved_packets || now - idle_since_ > Duration::seconds(1)) {
    idle_turns_ = 0;
    idle_since_ = now;
  }
  ++idle_turns_;
  if (idle_turns_ > kMaxIdleTurns) verdict_.fail("the hosts turn and turn, and no packet moves");
}

bool Progress::check(Instant now, std::uint64_t flows_left, const std::string& example) {
  if (now <= deadline_ || flows_left == 0) return true;
  verdict_.fail(std::to_string(flows_left) + " flows do not get on, at " +
                std::to_string(now.ns() / 1'000'000'000) + " s: " + example);
  return false;
}

double Fairness::index(const std::vector<double>& rates) {
  double sum = 0;
  double squares = 0;
  for (const double rate : rates) {
    sum += rate;
    squares += rate * rate;
  }
  return squares == 0 ? 1 : sum * sum / (static_cast<double>(rates.size()) * squares);
}

void Fairness::check(const std::vector<double>& rates) {
  const double found = index(rates);
  if (found >= least_) return;
  verdict_.fail("Jain's index of " + std::to_string(rates.size()) + " flows is " +
                std::to_string(found) + ", below " + std::to_string(least_));
}

}  // namespace sluice::sim
