// Local ports of outgoing connections: a random start, then the next free one (RFC 6056 3.3.1,
// R6056-1 to R6056-3).
#pragma once

#include <cstdint>

#include "proto/base/rng.hpp"

namespace sluice {

inline constexpr std::uint16_t kFirstEphemeralPort = 1024;  // RFC 6056 R6056-2

struct PortRange {
  std::uint16_t first = kFirstEphemeralPort;  // at least 1
  std::uint16_t last = 65'535;                // inclusive, not below the first
};

// `is_free(port)` says whether nobody listens there and the flow with that port is unknown. Zero
// when no port of the range is free.
template <class IsFree>
std::uint16_t pick_port(Rng& rng, const PortRange& range, IsFree is_free) {
  const std::uint32_t ports = range.last - range.first + 1U;
  const auto start = static_cast<std::uint32_t>(rng.below(ports));
  for (std::uint32_t i = 0; i < ports; ++i) {
    const auto port = static_cast<std::uint16_t>(range.first + (start + i) % ports);
    if (is_free(port)) return port;
  }
  return 0;
}

}  // namespace sluice
