#include "proto/wire/fragment.hpp"

#include <cstring>
#include <utility>

#include "proto/base/assert.hpp"
#include "proto/wire/checksum.hpp"
#include "proto/wire/icmp.hpp"
#include "proto/wire/tcp.hpp"
#include "proto/wire/udp.hpp"
#include "proto/wire/virtio_net.hpp"

namespace sluice::wire {
namespace {

constexpr std::uint32_t kMaxLengthField = 65'535;
constexpr std::uint16_t kMoreFragmentsV4 = 0x2000;
constexpr std::uint8_t kCongestedV4 = 0x03;  // in the second byte of the packet
constexpr std::uint8_t kCongestedV6 = 0x30;

std::uint32_t minimal_transport_header(std::uint8_t protocol) {
  switch (protocol) {
    case kProtocolTcp: return kTcpMinHeader;
    case kProtocolUdp: return kUdpHeader;
    case kProtocolIcmp:
    case kProtocolIcmpV6: return kIcmpHeader;
    default: return 0;
  }
}

// The whole chain of headers must be in the first fragment, so that what looks at that one alone is
// not deceived (RFC 1858, RFC 3128, RFC 7112). RFC 8200 R8200-9
bool holds_whole_chain(Bytes ip, IpHeader first) {
  first.is_fragment = false;
  if (first.source.is_v6()) {
    const Bytes packet = ip.first(first.payload_offset + first.payload_length);
    if (skip_extensions(packet, first) != DropReason::none) return false;
  }
  return !first.is_fragment && first.payload_length >= minimal_transport_header(first.protocol);
}

bool leaves_headers_whole(Bytes ip, const IpHeader& header) {
  if (header.fragment.offset == 0) return holds_whole_chain(ip, header);
  return header.fragment.offset >= minimal_transport_header(header.protocol);
}

// Over a header without or with options, of which all but the sum is final.
void store_ipv4_sum(MutableBytes header) {
  store_be16(header.data() + 10, 0);
  Checksum sum;
  sum.add(header);
  store_be16(header.data() + 10, sum.finished());
}

std::uint32_t build_whole_v4(MutableBytes packet, const IpHeader& first, bool congested) {
  std::uint8_t* const p = packet.data();
  if (congested) p[1] |= kCongestedV4;
  store_be16(p + 2, static_cast<std::uint16_t>(packet.size()));
  store_be16(p + 6, 0);
  store_ipv4_sum(packet.first(first.payload_offset));
  return 0;
}

std::uint32_t build_whole_v6(MutableBytes packet, const IpHeader& first, bool congested) {
  std::uint8_t* const p = packet.data();
  if (congested) p[1] |= kCongestedV6;
  const std::size_t payload_length = packet.size() - kFragmentHeader - kIpv6Header;
  store_be16(p + 4, static_cast<std::uint16_t>(payload_length));
  p[first.fragment_named_at] = first.protocol;
  std::memmove(p + kFragmentHeader, p, unfragmentable_length(first));
  return kFragmentHeader;
}

void build_ipv6_fragment_header(std::uint8_t* p, std::uint8_t next_header,
                                const FragmentFields& fragment) {
  p[0] = next_header;
  p[1] = 0;
  const std::uint32_t more = fragment.more ? 1 : 0;
  store_be16(p + 2, static_cast<std::uint16_t>(fragment.offset | more));
  store_be32(p + 4, fragment.identification);
}

}  // namespace

// RFC 8200 R8200-7; RFC 791 says the same of lengths.
DropReason parse_fragment(Bytes ip, IpHeader& header) {
  const DropReason refused = parse_ip(ip, header);
  if (refused != DropReason::none) return refused;
  const std::uint32_t length = header.payload_length;
  const bool has_sane_length = length > 0 && (length % 8 == 0 || !header.fragment.more) &&
                               fits_one_packet(header, header.fragment.offset + length);
  const bool is_good = header.is_fragment && has_sane_length && leaves_headers_whole(ip, header);
  return is_good ? DropReason::none : DropReason::bad_fragment;
}

std::uint32_t unfragmentable_length(const IpHeader& fragment) {
  const std::size_t own = fragment.source.is_v4() ? 0 : kFragmentHeader;
  return fragment.payload_offset - static_cast<std::uint32_t>(own);
}

bool fits_one_packet(const IpHeader& fragment, std::uint32_t payload_length) {
  // The length field of IPv6 does not count its fixed header.
  const std::size_t uncounted = fragment.source.is_v4() ? 0 : kIpv6Header;
  return unfragmentable_length(fragment) + payload_length <= kMaxLengthField + uncounted;
}

std::uint32_t build_whole(MutableBytes packet, const IpHeader& first, bool congested) {
  SLUICE_ASSERT(packet.size() > first.payload_offset);
  const std::size_t payload_length = packet.size() - first.payload_offset;
  SLUICE_ASSERT(fits_one_packet(first, static_cast<std::uint32_t>(payload_length)));
  return first.source.is_v4() ? build_whole_v4(packet, first, congested)
                              : build_whole_v6(packet, first, congested);
}

// RFC 1122 R1122-14, RFC 8200 R8200-6
std::size_t build_fragment(MutableBytes out, IpFields ip, const FragmentFields& fragment,
                           std::size_t payload_length) {
  SLUICE_ASSERT(fragment.offset % 8 == 0 && (!fragment.more || payload_length % 8 == 0));
  SLUICE_ASSERT(fragment.offset + payload_length <= kMaxLengthField);
  build_virtio_net(out, VirtioNetHeader());
  const MutableBytes packet = out.subspan(kVirtioNetHeaderSize);
  if (ip.destination.is_v6()) {
    const std::uint8_t next_header = std::exchange(ip.protocol, kProtocolFragment);
    const std::size_t ip_length = build_ip(packet, ip, kFragmentHeader + payload_length);
    build_ipv6_fragment_header(packet.data() + ip_length, next_header, fragment);
    return kVirtioNetHeaderSize + ip_length + kFragmentHeader;
  }
  ip.identification = static_cast<std::uint16_t>(fragment.identification);
  const std::size_t ip_length = build_ip(packet, ip, payload_length);
  const std::uint32_t flags = fragment.more ? kMoreFragmentsV4 : 0;  // "don't fragment" is clear
  store_be16(packet.data() + 6, static_cast<std::uint16_t>(flags | fragment.offset / 8));
  store_ipv4_sum(packet.first(ip_length));
  return kVirtioNetHeaderSize + ip_length;
}

}  // namespace sluice::wire
