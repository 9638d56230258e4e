// What can be told of a packet, however broken it is: for people who look at it, never for a
// decision about it (that is parse_packet's).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proto/base/bytes.hpp"
#include "proto/wire/address.hpp"
#include "proto/wire/ip.hpp"

namespace sluice::wire {

// Next headers that an outline of IPv6 steps over, beside kProtocolFragment.
inline constexpr std::uint8_t kNextHopByHop = 0;
inline constexpr std::uint8_t kNextRouting = 43;
inline constexpr std::uint8_t kNextDestinationOptions = 60;

struct ExtensionHeader {
  std::uint8_t kind = 0;  // of which of them
  Bytes bytes;            // 8 at least; cut short when the packet ends in it
};

// All Bytes point into the packet, and follow one another in the order of the fields.
struct Outline {
  std::uint8_t version = 0;    // 4 or 6; 0: neither
  bool has_addresses = false;  // the fixed header (20 or 40 bytes) is there: else nothing else is
  bool is_truncated = false;   // headers or payload are shorter than they say
  bool is_routed = false;      // `destination` is a stop on the way, not the last (RFC 8200 4.4)
  bool is_fragment = false;
  bool more_fragments = false;
  std::uint32_t fragment_offset = 0;  // bytes
  std::uint32_t fragment_identification = 0;
  std::uint8_t protocol = 0;  // of `payload`
  IpAddress source;
  IpAddress destination;
  Bytes header;                             // IPv4 with its options; IPv6 without extensions
  std::vector<ExtensionHeader> extensions;  // at most 16; what follows them counts as payload
  Bytes payload;
  Bytes trailing;  // behind the packet's end

  bool is_v6() const { return version == 6; }
};

Outline outline_packet(Bytes ip);

// RFC 5952 text. An IPv4-mapped address of an IPv6 packet is shown as what it is there.
std::string address_text(const IpAddress& address, bool is_v6);

}  // namespace sluice::wire
