#include "dataplane/sim/pattern.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include "proto/base/rng.hpp"

namespace sluice::sim {
namespace {

// A stream is a sequence of laps, each a stretch of one table of random bytes, from a place of its
// own. The length is prime: whatever is lost, doubled or swapped in rounder sizes is seen.
constexpr std::size_t kLap = 65'521;

std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

std::vector<std::uint8_t> make_table() {
  std::vector<std::uint8_t> table(2 * kLap);
  Rng rng(0x7ab1e);
  for (std::uint8_t& byte : table) byte = static_cast<std::uint8_t>(rng.next());
  return table;
}

}  // namespace

// To the end of its lap.
Bytes pattern_at(std::uint64_t seed, std::uint64_t position) {
  static const std::vector<std::uint8_t> kTable = make_table();
  const std::uint64_t lap = position / kLap;
  const std::size_t inside = position % kLap;
  const std::size_t start = mix(seed + (lap + 1) * 0x9e3779b97f4a7c15ULL) % kLap;
  return Bytes(kTable).subspan(start + inside, kLap - inside);
}

void fill_pattern(std::uint64_t seed, std::uint64_t position, MutableBytes out) {
  while (!out.empty()) {
    const Bytes source = pattern_at(seed, position);
    const std::size_t count = std::min(source.size(), out.size());
    std::memcpy(out.data(), source.data(), count);
    out = out.subspan(count);
    position += count;
  }
}

std::size_t matching_pattern(std::uint64_t seed, std::uint64_t position, Bytes bytes) {
  std::size_t matched = 0;
  while (matched < bytes.size()) {
    const Bytes rest = bytes.subspan(matched);
    const Bytes wanted = pattern_at(seed, position + matched);
    const std::size_t count = std::min(wanted.size(), rest.size());
    if (std::memcmp(rest.data(), wanted.data(), count) != 0) {
      const auto differs = std::mismatch(rest.begin(), rest.end(), wanted.begin(), wanted.end());
      return matched + static_cast<std::size_t>(differs.first - rest.begin());
    }
    matched += count;
  }
  return matched;
}

}  // namespace sluice::sim
