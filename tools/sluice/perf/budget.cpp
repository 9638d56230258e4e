#include "tools/sluice/perf/budget.hpp"

#include <algorithm>
#include <utility>

namespace sluice::perf {
namespace {

std::uint64_t bytes_of(const Parameters& parameters) {
  if (parameters.bytes != 0 || parameters.blocks == 0) return parameters.bytes;
  std::uint64_t bytes = 0;
  const bool is_too_much =
      __builtin_mul_overflow(parameters.blocks, std::uint64_t{parameters.block_bytes}, &bytes);
  return is_too_much ? UINT64_MAX : bytes;
}

}  // namespace

Budget::Budget(const Parameters& parameters, std::function<void()> on_reached)
    : bytes_(bytes_of(parameters)), on_reached_(std::move(on_reached)) {}

std::uint32_t Budget::claim(std::uint32_t block_bytes, std::uint32_t blocks) {
  if (!counts()) return blocks;
  const std::uint64_t wanted = std::uint64_t{block_bytes} * blocks;
  const std::uint64_t before = claimed_.fetch_add(wanted, std::memory_order_relaxed);
  if (before >= bytes_) return 0;
  const std::uint64_t left = bytes_ - before;
  const std::uint64_t needed = left / block_bytes + (left % block_bytes == 0 ? 0 : 1);
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(blocks, needed));
}

void Budget::moved(std::uint64_t bytes) {
  if (!counts()) return;
  const std::uint64_t before = moved_.fetch_add(bytes, std::memory_order_relaxed);
  if (before < bytes_ && bytes >= bytes_ - before && on_reached_) on_reached_();
}

Budget& Budget::none() {
  static Budget none;  // nobody writes into it
  return none;
}

}  // namespace sluice::perf
