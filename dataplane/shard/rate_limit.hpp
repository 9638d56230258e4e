// A token bucket: so many a second, and a few at once.
#pragma once

#include <algorithm>
#include <cstdint>

#include "proto/base/time.hpp"

namespace sluice {

class RateLimit {
 public:
  // Both at least 1.
  RateLimit(std::uint32_t per_second, std::uint32_t burst, Instant now)
      : interval_(Duration::nanoseconds(1'000'000'000 / per_second)),
        depth_(interval_ * burst),
        paid_until_(now - depth_) {}

  // False when it is one too many. `now` never goes back.
  bool try_take(Instant now) {
    const Instant paid = std::max(paid_until_, now - depth_) + interval_;
    if (paid > now) return false;
    paid_until_ = paid;
    return true;
  }

 private:
  Duration interval_;
  Duration depth_;
  Instant paid_until_;  // as long as it lies in the past, there are tokens left
};

}  // namespace sluice
