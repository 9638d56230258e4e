// -b: when a stream may send how much. As iperf3 it goes by the rate since the start, so that what
// a stall has cost is caught up; nothing drifts.
#pragma once

#include <cstdint>

#include "proto/base/time.hpp"

namespace sluice::perf {

// How often a stream looks at what is due: the core's timers add at most 131 us.
inline constexpr Duration kPacingRest = Duration::microseconds(100);

class Pacer {
 public:
  // What a rate makes of a while.
  static std::uint64_t bytes_in(Duration duration, std::uint64_t bits_per_second);

  // A unit leaves as a whole; bytes, at least one. No rate: everything is always due.
  Pacer(std::uint64_t bits_per_second, std::uint64_t unit_bytes)
      : bits_per_second_(bits_per_second), unit_bytes_(unit_bytes) {}

  void start(Instant now) { start_ = now; }
  bool has_rate() const { return bits_per_second_ != 0; }

  // Bytes that may leave now, the first unit at the start.
  std::uint64_t due(Instant now) const;
  // Until there are more than what was sent; zero when some are due.
  Duration until_due(Instant now) const;
  void sent(std::uint64_t bytes) { sent_ += bytes; }

 private:
  std::uint64_t bits_per_second_;
  std::uint64_t unit_bytes_;
  Instant start_;
  std::uint64_t sent_ = 0;  // bytes
};

}  // namespace sluice::perf
