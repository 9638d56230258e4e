// Round-trip time and retransmission timeout: RFC 6298, on a clock of nanoseconds.
#pragma once

#include <algorithm>
#include <cstdint>

#include "proto/base/time.hpp"
#include "proto/tcp/constants.hpp"

namespace sluice::tcp {

class RttEstimator {
 public:
  // A measured round trip, never of a retransmitted segment (Karn, RFC 6298 R6298-6).
  void on_sample(Duration rtt) {
    rtt = std::max(rtt, Duration::nanoseconds(1));
    if (!has_sample()) {
      smoothed_ = rtt;  // RFC 6298 R6298-2
      variation_ = rtt / 2;
    } else {
      const Duration error = smoothed_ > rtt ? smoothed_ - rtt : rtt - smoothed_;
      variation_ = (variation_ * 3 + error) / 4;  // RFC 6298 R6298-3, in this order
      smoothed_ = (smoothed_ * 7 + rtt) / 8;
    }
    backoff_ = 0;
  }

  // RFC 6298 R6298-11: doubles the timeout.
  void back_off() {
    if (backoff_ < kMaxBackoff) ++backoff_;
  }

  // The peer has answered: the path works, whatever made us wait.
  void end_back_off() { backoff_ = 0; }

  // RFC 6298 R6298-12: a SYN was lost, and data transfer begins.
  void start_after_lost_syn() {
    backoff_ = 0;
    smoothed_ = variation_ = Duration();
    initial_ = Duration::seconds(3);
  }

  Duration rto(const Settings& settings) const {
    // RFC 6298 R6298-8. Round trips that never vary say nothing about how long a peer may wait with
    // the ACK of a single segment: the floor is of the variation, too, as in Linux.
    const Duration least = std::min(settings.min_rto, kMaxAckDelay);
    Duration base = std::max(initial_, settings.initial_rto);
    if (has_sample()) base = smoothed_ + std::max({kGranularity, least, variation_ * 4});
    base = std::max(base, settings.min_rto);
    for (std::uint32_t i = 0; i < backoff_ && base < settings.max_rto; ++i) base = base * 2;
    return std::min(base, settings.max_rto);
  }

  bool has_sample() const { return smoothed_ > Duration(); }
  Duration smoothed() const { return smoothed_; }
  Duration variation() const { return variation_; }
  std::uint32_t backoff() const { return backoff_; }

 private:
  static constexpr std::uint32_t kMaxBackoff = 20;
  static constexpr Duration kGranularity = Duration::microseconds(64);  // the timer wheel's tick

  Duration smoothed_;
  Duration variation_;
  Duration initial_;
  std::uint32_t backoff_ = 0;
};

}  // namespace sluice::tcp
