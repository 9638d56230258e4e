// SipHash-2-4 (Aumasson and Bernstein 2012): a keyed hash that outsiders can neither compute nor
// collide. Keys the connection table and the initial sequence numbers (RFC 6528).
#pragma once

#include <cstdint>

#include "proto/base/bytes.hpp"

namespace sluice {

struct SipKey {
  std::uint64_t k0 = 0;
  std::uint64_t k1 = 0;
};

std::uint64_t siphash(const SipKey& key, Bytes message);

}  // namespace sluice
