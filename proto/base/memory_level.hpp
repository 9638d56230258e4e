// How full the pools are from which the connections of a shard live.
#pragma once

#include <cstdint>

namespace sluice {

// In plenty buffers may grow. Under pressure they keep the size that they have. Once it is critical
// only the reserve is left, for buffers that hold nothing: what lies beyond a gap is given up, and
// nobody new is let in.
enum class MemoryLevel : std::uint8_t { plenty, pressure, critical };

// Of a pool with `free` pieces, of which it keeps `reserve` to the last.
constexpr MemoryLevel memory_level(std::uint32_t free, std::uint32_t reserve) {
  if (free < reserve) return MemoryLevel::critical;
  return free / 2 < reserve ? MemoryLevel::pressure : MemoryLevel::plenty;
}

}  // namespace sluice
