// The UDP header (RFC 768) as a value.
#pragma once

#include <cstdint>

#include "proto/base/bytes.hpp"

namespace sluice::wire {

inline constexpr std::uint8_t kProtocolUdp = 17;
inline constexpr std::size_t kUdpHeader = 8;

struct UdpHeader {
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::uint16_t length = 0;    // header and data, 8 to 65,535
  std::uint16_t checksum = 0;  // as on the wire; 0 means none (IPv4 only)
};

// False when shorter than 8 bytes, or when `length` is below 8 or beyond the datagram.
bool parse_udp(Bytes datagram, UdpHeader& header);

// Writes 8 bytes, as `header` says.
void build_udp(MutableBytes out, const UdpHeader& header);

}  // namespace sluice::wire
