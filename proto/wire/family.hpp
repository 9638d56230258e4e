// The address family that something is meant for.
#pragma once

#include <cstdint>

#include "proto/wire/address.hpp"

namespace sluice {

enum class Family : std::uint8_t { both, v4, v6 };

inline bool is_of(Family family, const IpAddress& address) {
  return family == Family::both || (family == Family::v4) == address.is_v4();
}

constexpr bool overlap(Family a, Family b) {
  return a == b || a == Family::both || b == Family::both;
}

}  // namespace sluice
