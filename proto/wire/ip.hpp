// IPv4 (RFC 791) and IPv6 (RFC 8200) headers as values.
#pragma once

#include <cstdint>

#include "proto/base/bytes.hpp"
#include "proto/wire/address.hpp"
#include "proto/wire/drop_reason.hpp"

namespace sluice::wire {

inline constexpr std::size_t kIpv4MinHeader = 20;
inline constexpr std::size_t kIpv6Header = 40;
inline constexpr std::size_t kFragmentHeader = 8;      // IPv6 only
inline constexpr std::uint8_t kProtocolFragment = 44;  // IPv6's next header in front of it

// Which piece of its datagram a fragment is.
struct FragmentFields {
  std::uint32_t identification = 0;  // IPv4: 16 bits
  std::uint32_t offset = 0;          // bytes, a multiple of 8, up to 65,528
  bool more = false;                 // this is not the last piece
};

// What a received IP header says.
struct IpHeader {
  IpAddress source;
  IpAddress destination;
  std::uint8_t protocol = 0;  // of what follows all headers that were skipped
  std::uint8_t hop_limit = 0;
  std::uint8_t traffic_class = 0;
  bool is_fragment = false;  // a piece of a larger datagram (an atomic fragment is none)
  std::uint32_t payload_offset = 0;
  std::uint32_t payload_length = 0;
  // Of a fragment only; its payload is the piece, behind the IPv6 fragment header.
  FragmentFields fragment;
  std::uint32_t fragment_named_at = 0;  // IPv6: where the byte lies that names that header
};

// Each reads its header from the front of `packet`, which may be longer than the packet.
DropReason parse_ipv4(Bytes packet, IpHeader& header);
DropReason parse_ipv6(Bytes packet, IpHeader& header);

// Either, by the version; refuses sources that no packet may have: multicast, broadcast,
// loopback, unspecified, and IPv4 addresses in IPv6.
DropReason parse_ip(Bytes packet, IpHeader& header);

// Steps over the extension headers at header.payload_offset, up to a transport or a fragment.
// parse_ipv6 has done so as far as the first fragment header.
DropReason skip_extensions(Bytes packet, IpHeader& header);

// What we send: no IPv4 options, no IPv6 extension headers.
struct IpFields {
  IpAddress source;
  IpAddress destination;
  std::uint8_t protocol = 0;
  std::uint8_t hop_limit = 64;
  std::uint8_t traffic_class = 0;
  std::uint16_t identification = 0;  // IPv4 only
  bool dont_fragment = true;         // IPv4 only
  std::uint32_t flow_label = 0;      // IPv6 only, 20 bits
};

// 20 or 40.
inline std::size_t ip_header_length(const IpAddress& address) {
  return address.is_v4() ? kIpv4MinHeader : kIpv6Header;
}

// Writes the header (IPv4 with its sum) and returns its length. What the length field counts must
// fit 65,535 bytes: with IPv6 not the header itself.
std::size_t build_ip(MutableBytes out, const IpFields& fields, std::size_t payload_length);

}  // namespace sluice::wire
