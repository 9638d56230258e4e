#include "tools/sluice/perf/pacer.hpp"

#include <algorithm>

namespace sluice::perf {
namespace {

__extension__ using Wide = unsigned __int128;

constexpr std::uint64_t kBitNanoseconds = 8'000'000'000;  // in a byte and second

std::uint64_t nanoseconds_of(Duration duration) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(duration.ns(), 0));
}

std::uint64_t limited(Wide value, std::uint64_t limit) {
  return static_cast<std::uint64_t>(std::min<Wide>(value, limit));
}

}  // namespace

std::uint64_t Pacer::bytes_in(Duration duration, std::uint64_t bits_per_second) {
  return limited(Wide{bits_per_second} * nanoseconds_of(duration) / kBitNanoseconds, UINT64_MAX);
}

std::uint64_t Pacer::due(Instant now) const {
  if (!has_rate()) return UINT64_MAX;
  const Wide units = Wide{bytes_in(now - start_, bits_per_second_) / unit_bytes_} + 1;
  const Wide allowed = units * unit_bytes_;
  return allowed <= sent_ ? 0 : limited(allowed - sent_, UINT64_MAX);
}

Duration Pacer::until_due(Instant now) const {
  if (due(now) > 0) return Duration();
  const Wide bytes = Wide{sent_ / unit_bytes_} * unit_bytes_;
  const Wide at = (bytes * kBitNanoseconds + bits_per_second_ - 1) / bits_per_second_;
  const Wide wait = at - nanoseconds_of(now - start_);
  return Duration::nanoseconds(static_cast<std::int64_t>(limited(wait, INT64_MAX)));
}

}  // namespace sluice::perf
