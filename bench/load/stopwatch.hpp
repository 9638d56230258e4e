// Time and CPU time, as a measurement needs them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "dataplane/io/clock.hpp"

namespace sluice::load {

class Stopwatch {
 public:
  double elapsed_seconds() const { return static_cast<double>((io::now() - begin_).ns()) / 1e9; }
  std::uint32_t elapsed_ns() const {  // 4 seconds at most
    constexpr std::int64_t kMost = std::numeric_limits<std::uint32_t>::max();
    return static_cast<std::uint32_t>(std::min((io::now() - begin_).ns(), kMost));
  }

 private:
  Instant begin_ = io::now();
};

}  // namespace sluice::load
