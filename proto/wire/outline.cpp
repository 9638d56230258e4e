#include "proto/wire/outline.hpp"

#include <algorithm>

namespace sluice::wire {
namespace {

constexpr std::size_t kMaxExtensionHeaders = 16;  // ours: bounds what is said of one packet
constexpr std::size_t kMinExtension = 8;

void outline_v4(Bytes ip, Outline& outline) {
  const std::uint8_t* const p = ip.data();
  const std::size_t said_header = (p[0] & 0x0fU) * 4;
  const std::size_t said_total = load_be16(p + 2);
  const std::size_t header_length = std::clamp(said_header, kIpv4MinHeader, ip.size());
  // A total that not even the header fits in tells nothing.
  const std::size_t end = said_total < header_length ? ip.size() : std::min(said_total, ip.size());
  outline.is_truncated = said_header > ip.size() || said_total > ip.size();
  outline.is_fragment = (load_be16(p + 6) & 0x3fff) != 0;
  outline.more_fragments = (p[6] & 0x20) != 0;
  outline.fragment_offset = (load_be16(p + 6) & 0x1fffU) * 8;
  outline.fragment_identification = load_be16(p + 4);
  outline.protocol = p[9];
  outline.source = IpAddress::v4(load_be32(p + 12));
  outline.destination = IpAddress::v4(load_be32(p + 16));
  outline.header = ip.first(header_length);
  outline.payload = ip.subspan(header_length, end - header_length);
  outline.trailing = ip.subspan(end);
}

bool is_extension(std::uint8_t next_header) {
  return next_header == kNextHopByHop || next_header == kNextRouting ||
         next_header == kProtocolFragment || next_header == kNextDestinationOptions;
}

void note_fragment(const std::uint8_t* p, Outline& outline) {
  const std::uint16_t place = load_be16(p + 2);
  outline.is_fragment = (place & 0xfff9) != 0;  // an atomic fragment is none
  outline.more_fragments = (place & 1) != 0;
  outline.fragment_offset = place & 0xfff8U;
  outline.fragment_identification = load_be32(p + 4);
}

// Moves the extension header in front of the payload to those already seen.
void step_over_extension(Outline& outline) {
  const Bytes rest = outline.payload;
  const std::size_t said =
      outline.protocol == kProtocolFragment ? kMinExtension : (rest[1] + 1U) * kMinExtension;
  const std::size_t length = std::min(said, rest.size());
  outline.extensions.push_back({outline.protocol, rest.first(length)});
  if (said > length) outline.is_truncated = true;
  if (outline.protocol == kProtocolFragment) note_fragment(rest.data(), outline);
  if (outline.protocol == kNextRouting && rest[3] != 0) outline.is_routed = true;
  outline.protocol = rest[0];
  outline.payload = rest.subspan(length);
}

void outline_v6(Bytes ip, Outline& outline) {
  const std::uint8_t* const p = ip.data();
  const std::size_t said_end = kIpv6Header + load_be16(p + 4);
  const std::size_t end = std::min(said_end, ip.size());
  outline.is_truncated = said_end > ip.size();
  outline.protocol = p[6];
  outline.source = IpAddress::v6(ip.subspan<8, 16>());
  outline.destination = IpAddress::v6(ip.subspan<24, 16>());
  outline.header = ip.first(kIpv6Header);
  outline.payload = ip.first(end).subspan(kIpv6Header);
  outline.trailing = ip.subspan(end);
  // Behind the header of a later fragment there is payload, whatever its next header says.
  while (is_extension(outline.protocol) && outline.fragment_offset == 0 &&
         outline.payload.size() >= kMinExtension &&
         outline.extensions.size() < kMaxExtensionHeaders) {
    step_over_extension(outline);
  }
}

}  // namespace

Outline outline_packet(Bytes ip) {
  Outline outline;
  if (ip.empty()) return outline;
  const std::uint8_t version = ip[0] >> 4;
  if (version != 4 && version != 6) return outline;
  outline.version = version;
  outline.has_addresses = ip.size() >= (version == 4 ? kIpv4MinHeader : kIpv6Header);
  if (!outline.has_addresses) {
    outline.is_truncated = true;
  } else if (version == 4) {
    outline_v4(ip, outline);
  } else {
    outline_v6(ip, outline);
  }
  return outline;
}

std::string address_text(const IpAddress& address, bool is_v6) {
  const bool is_mapped = is_v6 && address.is_v4();
  return (is_mapped ? "::ffff:" : "") + address.to_string();
}

}  // namespace sluice::wire
