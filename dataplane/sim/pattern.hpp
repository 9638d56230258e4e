// What both ends of a direction know: the bytes of its stream.
#pragma once

#include <cstdint>

#include "proto/base/bytes.hpp"

namespace sluice::sim {

// Bytes of stream `seed` from `position` on: some, at least one, in memory that lasts.
Bytes pattern_at(std::uint64_t seed, std::uint64_t position);

// Writes the bytes of stream `seed` from `position` on.
void fill_pattern(std::uint64_t seed, std::uint64_t position, MutableBytes out);

// How many of `bytes`, at `position`, are right before the first that is not.
std::size_t matching_pattern(std::uint64_t seed, std::uint64_t position, Bytes bytes);

}  // namespace sluice::sim
