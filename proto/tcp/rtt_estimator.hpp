// Round-trip time and retransmission timeout: RFC 6298, on a clock of nanoseconds.
#pragma once

#include <algorithm>
#include <cstdint>

#include "proto/base/time.hpp"
#include "proto/tcp/constants.hpp"
#include "proto/tcp/seq.hpp"

namespace sluice::tcp {

class RttEstimator {
 public:
  // A measured round trip, never of a retransmitted segment (Karn, RFC 6298 R6298-6). Linux' way of
  // smoothing goes by rounds, from SND.UNA to SND.NXT.
  void on_sample(Duration rtt, const Settings& settings, Seq una, Seq nxt) {
    rtt = std::max(rtt, Duration::nanoseconds(1));
    backoff_ = 0;
    if (!has_sample()) {
      smoothed_ = rtt;  // RFC 6298 R6298-2
      variation_ = rtt / 2;
      spread_ = highest_ = std::max(variation_ * 4, settings.min_rto);
      round_end_ = nxt;
    } else if (settings.as_linux) {
      smooth_as_linux(rtt, settings, una, nxt);
    } else {
      const Duration error = smoothed_ > rtt ? smoothed_ - rtt : rtt - smoothed_;
      variation_ = (variation_ * 3 + error) / 4;  // RFC 6298 R6298-3, in this order
      smoothed_ = (smoothed_ * 7 + rtt) / 8;
    }
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
    Duration base = std::max(initial_, settings.initial_rto);
    if (has_sample()) base = smoothed_ + margin(settings);
    if (!settings.as_linux) base = std::max(base, settings.min_rto);
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

  // RFC 6298 R6298-8. Round trips that never vary say nothing about how long a peer may wait with
  // the ACK of a single segment: the floor is of the variation, too, as in Linux.
  Duration margin(const Settings& settings) const {
    if (settings.as_linux) return spread_;
    const Duration least = std::min(settings.min_rto, kMaxAckDelay);
    return std::max({kGranularity, least, variation_ * 4});
  }

  // What has become shorter adds little to the variation, and that falls but once a round
  // (tcp_rtt_estimator).
  void smooth_as_linux(Duration rtt, const Settings& settings, Seq una, Seq nxt) {
    const Duration error = rtt - smoothed_;
    smoothed_ = smoothed_ + error / 8;
    const bool is_shorter = error < Duration();
    const Duration excess = (is_shorter ? Duration() - error : error) - variation_;
    variation_ = variation_ + excess / (is_shorter && excess > Duration() ? 32 : 4);
    highest_ = std::max(highest_, variation_ * 4);
    spread_ = std::max(spread_, highest_);
    if (una <= round_end_) return;
    spread_ = spread_ - (spread_ - highest_) / 4;
    highest_ = settings.min_rto;
    round_end_ = nxt;
  }

  Duration smoothed_;
  Duration variation_;
  Duration spread_;   // Linux: what is added to the smoothed round trip
  Duration highest_;  // Linux: of four variations, in this round
  Seq round_end_;
  Duration initial_;
  std::uint32_t backoff_ = 0;
};

}  // namespace sluice::tcp
