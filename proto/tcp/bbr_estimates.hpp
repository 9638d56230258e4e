// What BBR measures of a path: its bandwidth, its round trip, and how its acknowledgements bunch
// (draft-ietf-ccwg-bbr). Bytes, and bytes a second; integers, so that a run repeats everywhere.
#pragma once

#include <array>
#include <cstdint>

#include "proto/base/time.hpp"

namespace sluice::tcp {

using BytesPerSecond = std::uint64_t;

// Rounds up; `time` is positive.
BytesPerSecond rate_of(std::uint64_t bytes, Duration time);
// Rounds up; UINT32_MAX at most. `time` is not negative.
std::uint32_t bytes_in(BytesPerSecond rate, Duration time);
// A share of a number in percent.
constexpr std::uint64_t percent(std::uint64_t of, std::uint64_t share) {
  return of * share / 100;
}

// The greatest delivery rate of this cycle of probing and the one before (BBR-14).
class BandwidthFilter {
 public:
  void take(BytesPerSecond sample);
  // A cycle ends. One without a sample does not count.
  void advance();
  BytesPerSecond max() const;

 private:
  BytesPerSecond current_ = 0;
  BytesPerSecond previous_ = 0;
};

// The smallest round trip of ten seconds, and when it is time to look for a smaller one: five
// seconds after the last (BBR-15, BBR-16). Both are longer where they would be less than forty and
// twenty round trips: a probe takes more than one, at two seconds each most of the time there is.
class RoundTripFilter {
 public:
  void start(Instant now);
  // A zero `rtt` is no sample.
  void on_ack(Duration rtt, Instant now);
  // A probe has ended.
  void postpone_probe(Instant now) { recent_at_ = now; }

  bool is_known() const { return min_ != kUnknown; }
  Duration min() const { return min_; }
  bool is_probe_due() const { return is_probe_due_; }

 private:
  static constexpr Duration kUnknown = Duration::nanoseconds(INT64_MAX);

  Duration min_ = kUnknown;
  Duration recent_ = kUnknown;  // since the last probe
  Instant min_at_;
  Instant recent_at_;
  bool is_probe_due_ = false;
};

// How many bytes are acknowledged beyond what the bandwidth explains: the greatest excess of the
// last five to ten rounds (BBR-20), of one or two in Startup.
class AckAggregation {
 public:
  struct Ack {
    Instant now;
    std::uint32_t delivered_bytes = 0;
    BytesPerSecond bandwidth = 0;
    std::uint32_t window_bytes = 0;  // no excess is larger
    bool begins_round = false;
    bool is_startup = false;
  };

  void restart(Instant now);
  void on_ack(const Ack& ack);
  std::uint32_t extra_bytes() const;

 private:
  Instant epoch_;
  std::uint64_t delivered_ = 0;  // in this epoch
  std::array<std::uint32_t, 2> greatest_{};
  std::uint32_t rounds_ = 0;  // that greatest_[0] covers
};

}  // namespace sluice::tcp
