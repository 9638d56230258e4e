#include "tools/sluice/perf/rate_limit.hpp"

namespace sluice::perf {

bool RateLimit::allows(Instant now, std::uint64_t bytes) {
  if (bits_per_second_ == 0) return true;
  samples_.push_back({now, bytes});
  while (samples_.size() > 1 && now - samples_[1].at >= interval_) samples_.pop_front();
  const Sample& first = samples_.front();
  const Duration passed = now - first.at;
  if (passed < interval_) return true;
  const double seconds = static_cast<double>(passed.ns()) / 1e9;
  const double bits = 8 * static_cast<double>(bytes - first.bytes);
  return bits <= static_cast<double>(bits_per_second_) * seconds;
}

}  // namespace sluice::perf
