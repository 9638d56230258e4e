// The path's shortest round trip, forgotten after a while: paths change (RFC 8985 R8985-3).
#pragma once

#include <algorithm>

#include "proto/base/time.hpp"

namespace sluice::tcp {

// The minimum of the last one to two windows.
class MinRtt {
 public:
  void on_sample(Duration rtt, Instant now) {
    if (now - since_ >= kWindow) {
      previous_ = now - since_ >= kWindow * 2 ? kNone : current_;
      current_ = kNone;
      since_ = now;
    }
    current_ = std::min(current_, rtt);
  }
  // Zero before the first sample.
  Duration get() const {
    const Duration least = std::min(current_, previous_);
    return least == kNone ? Duration() : least;
  }

 private:
  static constexpr Duration kWindow = Duration::seconds(150);
  static constexpr Duration kNone = Duration::seconds(1 << 30);

  Duration current_ = kNone;
  Duration previous_ = kNone;
  Instant since_;
};

}  // namespace sluice::tcp
