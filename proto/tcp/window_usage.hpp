// How much of the congestion window is used, window by window, as Linux judges whether it may grow
// (tcp_cwnd_validate).
#pragma once

#include <cstdint>

#include "proto/tcp/seq.hpp"

namespace sluice::tcp {

class WindowUsage {
 public:
  // All has been sent that may be, for now. `is_full`: the window held back what was there, or
  // leaves no room for more.
  void on_sent_all(bool is_full, std::uint32_t flight, Seq una, Seq nxt) {
    const bool is_more = !was_full_ && flight > most_;
    if (una < until_ && !is_full && !is_more) return;
    was_full_ = is_full;
    most_ = flight;
    until_ = nxt;
  }
  bool may_grow(std::uint32_t window, bool in_slow_start) const {
    return was_full_ || (in_slow_start && window / 2 < most_);
  }

 private:
  bool was_full_ = false;
  std::uint32_t most_ = 0;  // bytes in flight since ...
  Seq until_;               // ... the last window ended; this one ends here
};

}  // namespace sluice::tcp
