#include "proto/tcp/hystart.hpp"

#include <algorithm>

namespace sluice::tcp {
namespace {

// RFC 9406 R9406-9.
constexpr Duration kMinThreshold = Duration::milliseconds(4);
constexpr Duration kMaxThreshold = Duration::milliseconds(16);
constexpr std::int64_t kThresholdDivisor = 8;
constexpr std::uint32_t kSamples = 8;
constexpr std::uint32_t kGrowthDivisor = 4;
constexpr std::uint32_t kConservativeRounds = 5;

}  // namespace

bool HyStart::on_ack(const AckEvent& event) {
  if (event.rtt > Duration()) on_round_trip(event.rtt);
  if (event.acked_sequence < round_end_) return false;
  begin_round(event.send_sequence);
  if (!is_conservative()) return false;
  return conservative_rounds_++ == kConservativeRounds;  // RFC 9406 R9406-7
}

void HyStart::on_round_trip(Duration rtt) {
  current_min_ = std::min(current_min_, rtt);
  ++samples_;
  if (samples_ < kSamples) return;
  if (is_conservative()) {
    if (current_min_ < baseline_) {  // RFC 9406 R9406-6: the growth was a passing one
      conservative_rounds_ = 0;
      baseline_ = kNone;
    }
  } else if (last_min_ != kNone) {  // RFC 9406 R9406-4
    const Duration threshold =
        std::clamp(last_min_ / kThresholdDivisor, kMinThreshold, kMaxThreshold);
    if (current_min_ >= last_min_ + threshold) {
      conservative_rounds_ = 1;
      baseline_ = current_min_;
    }
  }
}

// RFC 9406 R9406-1, R9406-2.
void HyStart::begin_round(std::uint64_t send_sequence) {
  round_end_ = send_sequence;
  last_min_ = current_min_;
  current_min_ = kNone;
  samples_ = 0;
}

std::uint32_t HyStart::limited(std::uint32_t growth_bytes) const {
  return is_conservative() ? growth_bytes / kGrowthDivisor : growth_bytes;
}

}  // namespace sluice::tcp
