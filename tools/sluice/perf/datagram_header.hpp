// What each datagram of a test begins with, big-endian: seconds and microseconds of the sender's
// monotonic clock, 32 bits each, and its number, of 32 or 64 bits.
#pragma once

#include <cstdint>
#include <optional>

#include "proto/base/bytes.hpp"

namespace sluice::perf {

enum class CounterWidth : std::uint8_t { bits32, bits64 };

struct DatagramHeader {
  std::int64_t sent_us = 0;    // not negative
  std::uint64_t sequence = 0;  // 1, 2, ...; 32 bits of it are all that goes with bits32
};

constexpr std::uint32_t header_bytes(CounterWidth width) {
  return width == CounterWidth::bits64 ? 16 : 12;
}

// Into the first bytes of `datagram`, which has room for them.
void build_datagram_header(MutableBytes datagram, CounterWidth width, const DatagramHeader& header);
// Nothing when the datagram is too short to have one.
std::optional<DatagramHeader> parse_datagram_header(Bytes datagram, CounterWidth width);

}  // namespace sluice::perf
