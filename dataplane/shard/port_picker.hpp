// Local ports of outgoing connections: a random start, then the next free one (RFC 6056 3.3.1,
// R6056-1 to R6056-3).
#pragma once

#include <cstdint>

#include "proto/base/rng.hpp"

namespace sluice {

inline constexpr std::uint16_t kFirstEphemeralPort = 1024;  // RFC 6056 R6056-2

// `is_free(port)` says whether nobody listens there and the flow with that port is unknown. Zero
// when no port of the range is free.
template <class IsFree>
std::uint16_t pick_port(Rng& rng, IsFree is_free) {
  constexpr std::uint32_t kPorts = 65'536 - kFirstEphemeralPort;
  const auto start = static_cast<std::uint32_t>(rng.below(kPorts));
  for (std::uint32_t i = 0; i < kPorts; ++i) {
    const auto port = static_cast<std::uint16_t>(kFirstEphemeralPort + (start + i) % kPorts);
    if (is_free(port)) return port;
  }
  return 0;
}

}  // namespace sluice
