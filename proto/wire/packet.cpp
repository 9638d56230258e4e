#include "proto/wire/packet.hpp"

#include "proto/wire/checksum.hpp"
#include "proto/wire/ip.hpp"

namespace sluice::wire {
namespace {

// Facts about the packet that the device cannot have meant. Lengths come from the parsed headers.
bool is_plausible(const VirtioNetHeader& offload, std::size_t size) {
  if ((offload.flags & VirtioNetHeader::kNeedsChecksum) != 0) {
    const std::size_t field = std::size_t{offload.checksum_start} + offload.checksum_offset;
    if (field + 2 > size) return false;
  }
  switch (offload.gso_type) {
    case VirtioNetHeader::kGsoNone: return true;
    case VirtioNetHeader::kGsoTcpV4:
    case VirtioNetHeader::kGsoTcpV6:
    case VirtioNetHeader::kGsoTcpV4 | VirtioNetHeader::kGsoEcn:
    case VirtioNetHeader::kGsoTcpV6 | VirtioNetHeader::kGsoEcn:
    case VirtioNetHeader::kGsoUdpL4: return offload.gso_size != 0;
    default: return false;
  }
}

// What the parsers of the transports share.
struct Transport {
  Bytes bytes;
  bool sum_verified;  // by the device
  bool sum_deferred;  // left unfinished inside this host
};

bool is_sum_right(const Packet& packet, Bytes covered) {
  Checksum sum;
  sum.add_pseudo_header(packet.source, packet.destination, packet.protocol,
                        static_cast<std::uint32_t>(covered.size()));
  sum.add(covered);
  return sum.finished() == 0;
}

void set_payload(Packet& packet, std::size_t header_length, std::size_t transport_length) {
  packet.payload_offset = packet.transport_offset + static_cast<std::uint32_t>(header_length);
  packet.payload_length = static_cast<std::uint32_t>(transport_length - header_length);
}

DropReason parse_tcp_segment(const Transport& transport, Packet& packet) {
  std::size_t header_length = 0;
  const TcpParse parsed = parse_tcp(transport.bytes, packet.tcp, header_length);
  if (parsed == TcpParse::bad_header) return DropReason::bad_tcp_header;
  if (parsed == TcpParse::bad_option) return DropReason::bad_tcp_option;  // RFC 9293 MUST-7
  const bool trusted = transport.sum_verified || transport.sum_deferred;
  if (!trusted && !is_sum_right(packet, transport.bytes)) {
    return DropReason::bad_checksum;  // RFC 9293 MUST-3
  }
  if (packet.tcp.source_port == 0 || packet.tcp.destination_port == 0) return DropReason::bad_port;
  set_payload(packet, header_length, transport.bytes.size());
  return DropReason::none;
}

// RFC 1122 R1122-11, RFC 768 R768-2
DropReason parse_udp_datagram(const Transport& transport, bool is_v6, Packet& packet) {
  if (!parse_udp(transport.bytes, packet.udp)) return DropReason::bad_udp_header;
  const bool trusted = transport.sum_verified || transport.sum_deferred;
  if (packet.udp.checksum == 0) {
    if (is_v6) return DropReason::bad_checksum;  // RFC 768 R768-4
  } else if (!trusted && !is_sum_right(packet, transport.bytes.first(packet.udp.length))) {
    return DropReason::bad_checksum;
  }
  set_payload(packet, kUdpHeader, packet.udp.length);  // RFC 768 R768-3
  return DropReason::none;
}

DropReason parse_icmp_message(const Transport& transport, bool is_v6, Packet& packet) {
  if (!parse_icmp(transport.bytes, packet.icmp)) return DropReason::bad_icmp_header;
  if (!transport.sum_verified) {
    Checksum sum;  // ICMP has no pseudo header. RFC 792 R792-2
    sum.add(transport.bytes);
    const bool right = is_v6 ? is_sum_right(packet, transport.bytes) : sum.finished() == 0;
    if (!right) return DropReason::bad_checksum;
  }
  set_payload(packet, kIcmpHeader, transport.bytes.size());
  return DropReason::none;
}

DropReason parse_transport(const Transport& transport, bool is_v6, Packet& packet) {
  const std::uint8_t icmp = is_v6 ? kProtocolIcmpV6 : kProtocolIcmp;
  if (packet.protocol == kProtocolTcp) return parse_tcp_segment(transport, packet);
  if (packet.protocol == kProtocolUdp) return parse_udp_datagram(transport, is_v6, packet);
  if (packet.protocol == icmp) return parse_icmp_message(transport, is_v6, packet);
  return DropReason::unknown_protocol;
}

bool has_ports(std::uint8_t protocol) {
  return protocol == kProtocolTcp || protocol == kProtocolUdp;
}

// Where the transport of a quoted packet begins, 0 if there is none. The quote is cut short, so
// its lengths and sums say nothing.
std::size_t parse_quoted_ip(Bytes quote, bool is_v6, QuotedSegment& segment) {
  const std::uint8_t* const p = quote.data();
  if (is_v6) {
    if (quote.size() < kIpv6Header || p[0] >> 4 != 6) return 0;
    segment.source = IpAddress::v6(quote.subspan<8, 16>());
    segment.destination = IpAddress::v6(quote.subspan<24, 16>());
    segment.protocol = p[6];
    // Mapped addresses are for IPv4 only (address.hpp).
    return segment.source.is_v4() || segment.destination.is_v4() ? 0 : kIpv6Header;
  }
  if (quote.size() < kIpv4MinHeader || p[0] >> 4 != 4) return 0;
  if ((load_be16(p + 6) & 0x1fff) != 0) return 0;  // a later fragment quotes no header
  segment.source = IpAddress::v4(load_be32(p + 12));
  segment.destination = IpAddress::v4(load_be32(p + 16));
  segment.protocol = p[9];
  const std::size_t header_length = (p[0] & 0x0fU) * 4;
  return header_length < kIpv4MinHeader ? 0 : header_length;
}

}  // namespace

DropReason parse_packet(Bytes ip, const VirtioNetHeader& offload, Packet& packet) {
  if (!is_plausible(offload, ip.size())) return DropReason::bad_virtio_header;
  IpHeader header;
  const DropReason refused = parse_ip(ip, header);
  if (refused != DropReason::none) return refused;
  packet.is_fragment = header.is_fragment;
  packet.source = header.source;
  packet.destination = header.destination;
  if (header.is_fragment) return DropReason::fragment;
  packet.protocol = header.protocol;
  packet.hop_limit = header.hop_limit;
  packet.traffic_class = header.traffic_class;
  packet.gso_size =
      offload.gso_type == VirtioNetHeader::kGsoNone ? std::uint16_t{0} : offload.gso_size;
  packet.transport_offset = header.payload_offset;
  const Transport transport{ip.subspan(header.payload_offset, header.payload_length),
                            (offload.flags & VirtioNetHeader::kDataValid) != 0,
                            (offload.flags & VirtioNetHeader::kNeedsChecksum) != 0};
  return parse_transport(transport, header.source.is_v6(), packet);
}

// An error quotes the IP header and 8 bytes at least. RFC 792 R792-2
bool parse_quote(Bytes quote, bool is_v6, QuotedSegment& segment) {
  const std::size_t offset = parse_quoted_ip(quote, is_v6, segment);
  if (offset == 0 || quote.size() < offset + 8) return false;
  const std::uint8_t* const p = quote.data() + offset;
  const bool ports = has_ports(segment.protocol);
  segment.source_port = ports ? load_be16(p) : std::uint16_t{0};
  segment.destination_port = ports ? load_be16(p + 2) : std::uint16_t{0};
  segment.sequence = segment.protocol == kProtocolTcp ? load_be32(p + 4) : 0;
  return true;
}

}  // namespace sluice::wire
