// The Internet checksum (RFC 1071): one's complement sum of 16-bit words.
#pragma once

#include <cstdint>

#include "proto/base/bytes.hpp"
#include "proto/wire/address.hpp"

namespace sluice::wire {

// A running sum over pieces of any length, odd ones included.
class Checksum {
 public:
  void add(Bytes bytes);
  void add_u16(std::uint16_t value);  // host order; only on an even boundary
  void add_u32(std::uint32_t value);  // host order; only on an even boundary
  // RFC 9293 3.1, RFC 8200 8.1: addresses, protocol and upper-layer length.
  void add_pseudo_header(const IpAddress& source, const IpAddress& destination,
                         std::uint8_t protocol, std::uint32_t upper_length);
  std::uint16_t folded() const;  // the sum itself: what NEEDS_CSUM wants in the field
  std::uint16_t finished() const { return static_cast<std::uint16_t>(~folded()); }

 private:
  std::uint64_t sum_ = 0;
  bool odd_ = false;  // an odd number of bytes so far
};

}  // namespace sluice::wire
