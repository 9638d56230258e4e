#include "tools/sluice/perf/rtt_histogram.hpp"

#include <bit>
#include <cmath>

namespace sluice::perf {

std::uint32_t RttHistogram::bucket_of(std::uint32_t us) {
  if (us < 2 * kSteps) return us;
  const auto power = static_cast<std::uint32_t>(std::bit_width(us)) - 5;  // 1 for 32 to 63
  return 2 * kSteps + (power - 1) * kSteps + ((us >> power) - kSteps);
}

std::uint32_t RttHistogram::middle_of(std::uint32_t bucket) {
  if (bucket < 2 * kSteps) return bucket;
  const std::uint32_t power = (bucket - 2 * kSteps) / kSteps + 1;
  const std::uint32_t low = (kSteps + (bucket - 2 * kSteps) % kSteps) << power;
  return low + (1U << power) / 2;
}

void RttHistogram::add(std::uint32_t us) {
  ++counts_[bucket_of(us)];
  ++samples_;
}

RttHistogram& RttHistogram::operator+=(const RttHistogram& other) {
  for (std::uint32_t i = 0; i < kBuckets; ++i) counts_[i] += other.counts_[i];
  samples_ += other.samples_;
  return *this;
}

std::uint32_t RttHistogram::quantile(double share) const {
  if (samples_ == 0) return 0;
  const auto wanted = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(samples_)));
  std::uint64_t seen = 0;
  for (std::uint32_t bucket = 0; bucket < kBuckets; ++bucket) {
    seen += counts_[bucket];
    if (seen >= wanted && seen > 0) return middle_of(bucket);
  }
  return middle_of(kBuckets - 1);
}

}  // namespace sluice::perf
