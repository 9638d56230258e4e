#include "proto/wire/ip.hpp"

#include <cstring>

#include "proto/base/assert.hpp"
#include "proto/wire/checksum.hpp"

namespace sluice::wire {
namespace {

constexpr std::size_t kMaxLengthField = 65'535;
constexpr std::uint64_t kDontFragment = 0x4000;
constexpr std::uint16_t kMoreFragments = 0x2000;
constexpr std::uint16_t kOffset = 0x1fff;  // in units of 8 bytes

// IPv6 next headers that are no transport.
constexpr std::uint8_t kHopByHop = 0;
constexpr std::uint8_t kRouting = 43;
constexpr std::uint8_t kDestinationOptions = 60;

constexpr int kMaxExtensionHeaders = 8;  // ours: bounds the work for one packet

bool is_extension(std::uint8_t next_header) {
  return next_header == kHopByHop || next_header == kRouting || next_header == kProtocolFragment ||
         next_header == kDestinationOptions;
}

// We know none of them: all must be of the kind that may be skipped. RFC 8200 R8200-4
bool may_skip_options(Bytes options) {
  while (!options.empty()) {
    const std::uint8_t type = options[0];
    if (type >> 6 != 0) return false;
    std::size_t length = 1;  // Pad1 has no length byte
    if (type != 0) {
      if (options.size() < 2) return false;
      length = 2U + options[1];
    }
    if (length > options.size()) return false;
    options = options.subspan(length);
  }
  return true;
}

// A fragment header of which nothing is set is of an atomic fragment: a whole packet.
// RFC 8200 R8200-8
void read_fragment_header(const std::uint8_t* p, IpHeader& header) {
  const std::uint16_t field = load_be16(p + 2);  // 13 bits of offset, 2 reserved, "more"
  header.is_fragment = (field & 0xfff9) != 0;
  header.fragment.offset = field & 0xfff8U;
  header.fragment.more = (field & 1) != 0;
  header.fragment.identification = load_be32(p + 4);
}

// Steps over the extension header that `header.protocol` names; false if it must not be skipped.
bool skip_extension(Bytes packet, IpHeader& header) {
  const Bytes rest = packet.subspan(header.payload_offset);
  if (rest.size() < 8) return false;
  const std::uint8_t kind = header.protocol;
  const std::size_t length = kind == kProtocolFragment ? kFragmentHeader : (rest[1] + 1U) * 8;
  if (length > rest.size()) return false;
  if (kind == kProtocolFragment) {
    read_fragment_header(rest.data(), header);
  } else if (kind == kRouting) {
    if (rest[3] != 0) return false;  // segments left. RFC 8200 R8200-5
  } else if (!may_skip_options(rest.subspan(2, length - 2))) {
    return false;
  }
  if (!header.is_fragment) header.fragment_named_at = header.payload_offset;
  header.protocol = rest[0];
  header.payload_offset += static_cast<std::uint32_t>(length);
  header.payload_length -= static_cast<std::uint32_t>(length);
  return true;
}

// RFC 1122 R1122-3, RFC 9293 MUST-63. Who has no address yet may speak to groups: Linux does, when
// it reports those that it has joined (RFC 3590).
bool is_bad_source(const IpHeader& header) {
  const IpAddress& source = header.source;
  const IpAddress& to = header.destination;
  return source.is_multicast() || source.is_broadcast() || source.is_loopback() ||
         (source.is_unspecified() && !to.is_multicast() && !to.is_broadcast());
}

IpAddress read_v6(const std::uint8_t* p) {
  return IpAddress::v6(std::span<const std::uint8_t, 16>(p, 16));
}

// In whole words, so that the sum can load at once what was just stored.
void build_v4(std::uint8_t* p, const IpFields& fields, std::uint64_t total) {
  const std::uint64_t traffic_class = fields.traffic_class;
  const std::uint64_t identification = fields.identification;
  const std::uint64_t hop_limit = fields.hop_limit;
  const std::uint64_t protocol = fields.protocol;
  const std::uint64_t flags = fields.dont_fragment ? kDontFragment : 0;
  store_be64(p, std::uint64_t{0x45} << 56 | traffic_class << 48 | total << 32 |
                    identification << 16 | flags);
  store_be64(p + 8, hop_limit << 56 | protocol << 48 | fields.source.v4_bits());
  store_be32(p + 16, fields.destination.v4_bits());
  Checksum sum;
  sum.add(Bytes(p, kIpv4MinHeader));
  store_be16(p + 10, sum.finished());
}

void build_v6(std::uint8_t* p, const IpFields& fields, std::size_t payload_length) {
  const std::uint32_t traffic_class = static_cast<std::uint32_t>(fields.traffic_class) << 20;
  store_be32(p, 0x60000000U | traffic_class | (fields.flow_label & 0xfffff));
  store_be16(p + 4, static_cast<std::uint16_t>(payload_length));
  p[6] = fields.protocol;
  p[7] = fields.hop_limit;
  std::memcpy(p + 8, fields.source.bytes().data(), 16);
  std::memcpy(p + 24, fields.destination.bytes().data(), 16);
}

}  // namespace

DropReason parse_ipv4(Bytes packet, IpHeader& header) {
  if (packet.size() < kIpv4MinHeader) return DropReason::truncated;
  const std::uint8_t* const p = packet.data();
  if (p[0] >> 4 != 4) return DropReason::bad_ip_version;
  const std::uint32_t header_length = (p[0] & 0x0fU) * 4;
  const std::uint32_t total = load_be16(p + 2);
  if (header_length < kIpv4MinHeader || total < header_length) return DropReason::bad_ip_header;
  if (packet.size() < total) return DropReason::truncated;
  Checksum sum;
  sum.add(packet.first(header_length));
  if (sum.finished() != 0) return DropReason::bad_ip_checksum;  // RFC 1122 R1122-1
  header.source = IpAddress::v4(load_be32(p + 12));
  header.destination = IpAddress::v4(load_be32(p + 16));
  header.protocol = p[9];
  header.hop_limit = p[8];  // never a reason to drop. RFC 1122 R1122-5
  header.traffic_class = p[1];
  const std::uint16_t flags_and_offset = load_be16(p + 6);
  header.is_fragment = (flags_and_offset & (kMoreFragments | kOffset)) != 0;
  header.fragment.more = (flags_and_offset & kMoreFragments) != 0;
  header.fragment.offset = (flags_and_offset & kOffset) * 8U;
  header.fragment.identification = load_be16(p + 4);
  header.payload_offset = header_length;  // options are stepped over. RFC 1122 R1122-6
  header.payload_length = total - header_length;
  return DropReason::none;
}

// In order. RFC 8200 R8200-2, RFC 8200 R8200-3
DropReason skip_extensions(Bytes packet, IpHeader& header) {
  for (int count = 0; is_extension(header.protocol) && !header.is_fragment; ++count) {
    const bool misplaced = header.protocol == kHopByHop && count > 0;
    if (misplaced || count == kMaxExtensionHeaders || !skip_extension(packet, header)) {
      return DropReason::bad_extension_header;
    }
  }
  return DropReason::none;
}

// RFC 8200 R8200-1
DropReason parse_ipv6(Bytes packet, IpHeader& header) {
  if (packet.size() < kIpv6Header) return DropReason::truncated;
  const std::uint8_t* const p = packet.data();
  if (p[0] >> 4 != 6) return DropReason::bad_ip_version;
  const std::uint32_t payload_length = load_be16(p + 4);
  if (packet.size() - kIpv6Header < payload_length) return DropReason::truncated;
  header.source = read_v6(p + 8);
  header.destination = read_v6(p + 24);
  header.protocol = p[6];
  header.hop_limit = p[7];
  header.traffic_class = static_cast<std::uint8_t>(load_be16(p) >> 4);
  header.is_fragment = false;
  header.fragment_named_at = 6;
  header.payload_offset = kIpv6Header;
  header.payload_length = payload_length;
  return skip_extensions(packet.first(kIpv6Header + payload_length), header);
}

DropReason parse_ip(Bytes packet, IpHeader& header) {
  if (packet.empty()) return DropReason::truncated;
  const int version = packet[0] >> 4;
  if (version != 4 && version != 6) return DropReason::bad_ip_version;
  const bool is_v6 = version == 6;
  const DropReason refused = is_v6 ? parse_ipv6(packet, header) : parse_ipv4(packet, header);
  if (refused != DropReason::none) return refused;
  const bool is_mapped = is_v6 && (header.source.is_v4() || header.destination.is_v4());
  return is_mapped || is_bad_source(header) ? DropReason::bad_source_address : DropReason::none;
}

std::size_t build_ip(MutableBytes out, const IpFields& fields, std::size_t payload_length) {
  const std::size_t header_length = ip_header_length(fields.destination);
  const bool is_v4 = fields.destination.is_v4();
  // The length field of IPv6 does not count its own header.
  const std::size_t length = is_v4 ? header_length + payload_length : payload_length;
  SLUICE_ASSERT(out.size() >= header_length && length <= kMaxLengthField);
  if (is_v4) {
    build_v4(out.data(), fields, length);
  } else {
    build_v6(out.data(), fields, length);
  }
  return header_length;
}

}  // namespace sluice::wire
