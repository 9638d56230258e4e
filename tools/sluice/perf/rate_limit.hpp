// --server-bitrate-limit: what a whole test may move, on the average of a while.
#pragma once

#include <cstdint>
#include <deque>

#include "proto/base/time.hpp"

namespace sluice::perf {

class RateLimit {
 public:
  // No rate: there is no limit.
  RateLimit(std::uint64_t bits_per_second, Duration interval)
      : bits_per_second_(bits_per_second), interval_(interval) {}

  // `bytes` have moved since the start. False when those of the interval that ends now are too
  // many. Keeps what it was told for as long as that.
  bool allows(Instant now, std::uint64_t bytes);

 private:
  struct Sample {
    Instant at;
    std::uint64_t bytes = 0;
  };

  std::uint64_t bits_per_second_;
  Duration interval_;
  std::deque<Sample> samples_;
};

}  // namespace sluice::perf
