// How often a smoothed RTT was seen: within 3 % of its value, in a fixed 2 KiB.
#pragma once

#include <array>
#include <cstdint>

namespace sluice::perf {

class RttHistogram {
 public:
  void add(std::uint32_t us);
  RttHistogram& operator+=(const RttHistogram& other);

  std::uint64_t samples() const { return samples_; }
  // The value that `share` (0 to 1) of the samples do not exceed; 0 without samples. Microseconds.
  std::uint32_t quantile(double share) const;

 private:
  // Values below 32 have a bucket each; above, each power of two has sixteen.
  static constexpr std::uint32_t kSteps = 16;
  static constexpr std::uint32_t kBuckets = 2 * kSteps + (32 - 5) * kSteps;
  static std::uint32_t bucket_of(std::uint32_t us);
  static std::uint32_t middle_of(std::uint32_t bucket);

  std::array<std::uint32_t, kBuckets> counts_{};
  std::uint64_t samples_ = 0;
};

}  // namespace sluice::perf
