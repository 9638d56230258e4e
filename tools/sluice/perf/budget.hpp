// What ends a test by bytes or blocks (-n, -k): one for each direction of a side, shared by all its
// streams, on whatever cores.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

#include "proto/base/time.hpp"
#include "tools/sluice/perf/parameters.hpp"

namespace sluice::perf {

// A sender that is not stopped for so long after the budget was reached lifts it.
inline constexpr Duration kBudgetPatience = Duration::seconds(1);

class Budget {
 public:
  // There is no such end.
  Budget() = default;
  // One of these, for all who have none.
  static Budget& none();
  // As many bytes as `parameters` ask for, or blocks, of which each stream carries whole ones.
  // `on_reached` is called once, by whoever moves the last of them, out of its flow and on its
  // core: it may not destroy that flow. A server, whose client ends the test, has none.
  explicit Budget(const Parameters& parameters, std::function<void()> on_reached = {});

  // A sender asks before it begins blocks: how many of them it may. Those that it gets it must send
  // while it sends at all; none when all are begun, or sent.
  std::uint32_t claim(std::uint32_t block_bytes, std::uint32_t blocks);
  // Bytes were accepted from a sender, or delivered to a receiver.
  void moved(std::uint64_t bytes);
  // All of it has been moved.
  bool is_reached() const { return counts() && moved_.load(std::memory_order_relaxed) >= bytes_; }
  // The test goes on all the same, since a peer that ends it has counted otherwise: no end any
  // more.
  void lift() { is_lifted_.store(true, std::memory_order_relaxed); }

 private:
  bool counts() const { return bytes_ != 0 && !is_lifted_.load(std::memory_order_relaxed); }

  const std::uint64_t bytes_ = 0;  // 0: no end
  const std::function<void()> on_reached_;
  std::atomic<bool> is_lifted_ = false;
  std::atomic<std::uint64_t> claimed_ = 0;
  std::atomic<std::uint64_t> moved_ = 0;
};

}  // namespace sluice::perf
