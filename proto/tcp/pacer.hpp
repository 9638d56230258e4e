// When the next segment may go, for an algorithm that sets a rate.
#pragma once

#include <algorithm>
#include <cstdint>

#include "proto/base/time.hpp"

namespace sluice::tcp {

// Rates in bytes a second; zero: not paced.
class Pacer {
 public:
  void set_rate(std::uint64_t rate) { rate_ = rate; }
  std::uint64_t rate() const { return rate_; }
  bool may_send(Instant now) const { return next_ <= now; }
  Instant next() const { return next_; }

  // What may be sent in one piece: a millisecond's worth, two segments at least.
  std::uint32_t quantum(std::uint32_t mss) const {
    const std::uint64_t worth = std::min<std::uint64_t>(rate_ / 1000, kMaxQuantum);
    return std::max(static_cast<std::uint32_t>(worth), 2 * mss);
  }

  void on_sent(std::uint32_t bytes, Instant now) {
    if (rate_ == 0) return;
    const Duration cost = Duration::nanoseconds(
        static_cast<std::int64_t>(std::uint64_t{bytes} * 1'000'000'000 / rate_));
    // A timer that fired late is made up for, by half of this segment's time at most.
    const Duration late = now > next_ ? std::min(now - next_, cost / 2) : Duration();
    next_ = std::max(next_, now) + cost - late;
  }

 private:
  static constexpr std::uint64_t kMaxQuantum = 65'536;

  std::uint64_t rate_ = 0;
  Instant next_;
};

}  // namespace sluice::tcp
