#include "tests/scripts/runner/codec.hpp"

#include <algorithm>
#include <array>

#include "proto/wire/checksum.hpp"
#include "proto/wire/format.hpp"
#include "proto/wire/fragment.hpp"
#include "proto/wire/packet.hpp"
#include "tests/scripts/runner/tcp_option_bytes.hpp"

namespace sluice::script {
namespace {

constexpr std::uint8_t kDefaultTtl = 64;

void append(Octets& out, Bytes bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

// Writes the transport's sum at `offset`.
void finish_sum(Octets& segment, std::size_t offset, std::uint8_t protocol, const IpAddress& source,
                const IpAddress& destination, bool spoil) {
  wire::Checksum sum;
  const auto length = static_cast<std::uint32_t>(segment.size());
  if (protocol != wire::kProtocolIcmp) {
    sum.add_pseudo_header(source, destination, protocol, length);
  }
  sum.add(segment);
  std::uint16_t finished = sum.finished();
  if (protocol == wire::kProtocolUdp && finished == 0) finished = 0xffff;
  store_be16(segment.data() + offset, static_cast<std::uint16_t>(finished + (spoil ? 1 : 0)));
}

Octets tcp_segment(const TcpText& text, const Ports& ports, Bytes payload) {
  const Octets options = encode_options(*text.options);
  Octets out(wire::kTcpMinHeader);
  store_be16(out.data(), ports.source);
  store_be16(out.data() + 2, ports.destination);
  store_be32(out.data() + 4, text.sequence);
  store_be32(out.data() + 8, text.acknowledgment.value_or(0));
  out[12] = static_cast<std::uint8_t>((wire::kTcpMinHeader + options.size()) / 4 << 4);
  out[13] = text.flags;
  store_be16(out.data() + 14, text.window.value_or(0));
  store_be16(out.data() + 18, text.urgent);
  append(out, options);
  append(out, payload);
  return out;
}

Octets udp_datagram(const Ports& ports, Bytes payload) {
  Octets out(wire::kUdpHeader);
  wire::UdpHeader header;
  header.source_port = ports.source;
  header.destination_port = ports.destination;
  header.length = static_cast<std::uint16_t>(wire::kUdpHeader + payload.size());
  wire::build_udp(out, header);
  append(out, payload);
  return out;
}

Octets ip_packet(const wire::IpFields& fields, const Octets& content) {
  Octets out(wire::ip_header_length(fields.destination));
  wire::build_ip(out, fields, content.size());
  append(out, content);
  return out;
}

// The packet that an error is about: its IP header and the first eight bytes behind it.
Octets quoted_packet(const Quote& quote, const Endpoints& ends) {
  wire::IpFields ip;
  ip.source = ends.local;
  ip.destination = ends.remote;
  const Ports ports = quote.ports.value_or(Ports{ends.local_port, ends.remote_port});
  Octets content;
  if (const auto* udp = std::get_if<UdpText>(&quote.packet)) {
    ip.protocol = wire::kProtocolUdp;
    content = udp_datagram(ports, Octets(udp->length));
  } else {
    TcpText tcp = std::get<TcpText>(quote.packet);
    tcp.options.emplace();
    ip.protocol = wire::kProtocolTcp;
    content = tcp_segment(tcp, ports, Octets(tcp.length));
  }
  Octets packet = ip_packet(ip, content);
  packet.resize(wire::ip_header_length(ends.local) + 8);
  return packet;
}

Octets icmp_message(const IcmpText& text, const Endpoints& ends) {
  wire::IcmpHeader header;
  header.type = text.type;
  header.code = text.code;
  header.rest = text.mtu.value_or(std::uint32_t{text.id.value_or(0)} << 16);
  Octets out(wire::kIcmpHeader);
  wire::build_icmp(out, header);
  if (text.quote) append(out, quoted_packet(*text.quote, ends));
  return out;
}

struct Content {
  std::uint8_t protocol;
  std::size_t sum_offset;
  Octets bytes;
};

Content content_of(const Packet& packet, const Endpoints& ends, Bytes payload) {
  const Ports ports{ends.remote_port, ends.local_port};
  if (const auto* tcp = std::get_if<TcpText>(&packet.text)) {
    return {wire::kProtocolTcp, 16, tcp_segment(*tcp, ports, payload)};
  }
  if (const auto* icmp = std::get_if<IcmpText>(&packet.text)) {
    return {icmp->is_v6 ? wire::kProtocolIcmpV6 : wire::kProtocolIcmp, 2,
            icmp_message(*icmp, ends)};
  }
  return {wire::kProtocolUdp, 6, udp_datagram(ports, payload)};
}

IpMarks marks_of(Bytes ip, const IpAddress& source, const IpAddress& destination) {
  IpMarks marks;
  marks.from = source;
  marks.to = destination;
  if (source.is_v4()) {
    marks.tos = ip[1];
    marks.ttl = ip[8];
    marks.dont_fragment = (ip[6] & 0x40) != 0;
  } else {
    const std::uint32_t first = load_be32(ip.data());
    marks.tos = static_cast<std::uint8_t>(first >> 20);
    marks.flow_label = first & 0xf'ffff;
    marks.ttl = ip[7];
  }
  marks.ecn = static_cast<std::uint8_t>(*marks.tos & 3);
  return marks;
}

TcpText tcp_of(Bytes segment, const wire::Packet& parsed) {
  TcpText text;
  text.flags = parsed.tcp.flags;
  text.sequence = parsed.tcp.sequence;
  text.length = parsed.payload_length;
  if (parsed.tcp.has(wire::kAck)) text.acknowledgment = parsed.tcp.acknowledgment;
  text.window = parsed.tcp.window;
  text.urgent = parsed.tcp.urgent;
  const std::size_t header = parsed.payload_offset - parsed.transport_offset;
  text.options = decode_options(segment.first(header).subspan(wire::kTcpMinHeader));
  return text;
}

// What an error of ours quotes: the sender of the packet is the remote end.
std::optional<Quote> quote_of(Bytes quoted, bool is_v6) {
  wire::QuotedSegment segment;
  if (!wire::parse_quote(quoted, is_v6, segment)) return std::nullopt;
  wire::IpHeader ip;
  Quote quote;
  quote.ports = Ports{segment.source_port, segment.destination_port};
  const std::size_t header = is_v6 ? wire::kIpv6Header : wire::kIpv4MinHeader;
  const std::uint32_t total =
      is_v6 ? load_be16(quoted.data() + 4)
            : load_be16(quoted.data() + 2) - static_cast<std::uint32_t>(wire::kIpv4MinHeader);
  if (segment.protocol == wire::kProtocolUdp) {
    quote.packet = UdpText{load_be16(quoted.data() + header + 4) -
                           static_cast<std::uint32_t>(wire::kUdpHeader)};
  } else {
    TcpText tcp;
    tcp.sequence = segment.sequence;
    tcp.length = total - static_cast<std::uint32_t>(wire::kTcpMinHeader);
    quote.packet = tcp;
  }
  return quote;
}

IcmpText icmp_of(const wire::Packet& parsed, Bytes payload, bool is_v6) {
  IcmpText text;
  text.is_v6 = is_v6;
  text.type = parsed.icmp.type;
  text.code = parsed.icmp.code;
  const bool is_error =
      is_v6 ? wire::icmp_v6::is_error(text.type) : wire::icmp_v4::is_error(text.type);
  if (is_error) {
    text.quote = quote_of(payload, is_v6);
    if (parsed.icmp.rest != 0) text.mtu = parsed.icmp.rest;
  } else {
    text.id = static_cast<std::uint16_t>(parsed.icmp.rest >> 16);
  }
  return text;
}

Decoded decode_fragment(Bytes ip) {
  wire::IpHeader header;
  if (wire::parse_fragment(ip, header) != DropReason::none) throw Malformed("a bad fragment");
  Decoded decoded;
  decoded.packet.marks = marks_of(ip, header.source, header.destination);
  decoded.packet.text =
      FragmentText{header.payload_length, header.fragment.offset, header.fragment.more};
  decoded.ends.local = header.source;
  decoded.ends.remote = header.destination;
  return decoded;
}

}  // namespace

Octets encode(const Packet& packet, const Endpoints& ends, Bytes payload) {
  wire::IpFields ip;
  ip.source = packet.marks.from.value_or(ends.remote);
  ip.destination = packet.marks.to.value_or(ends.local);
  ip.hop_limit = packet.marks.ttl.value_or(kDefaultTtl);
  ip.traffic_class = packet.marks.tos.value_or(packet.marks.ecn.value_or(0));
  ip.flow_label = packet.marks.flow_label.value_or(0);
  Content content = content_of(packet, ends, payload);
  ip.protocol = content.protocol;
  finish_sum(content.bytes, content.sum_offset, content.protocol, ip.source, ip.destination,
             packet.marks.bad_checksum);
  return ip_packet(ip, content.bytes);
}

Decoded decode(Bytes ip) {
  wire::Packet parsed;
  const DropReason reason = wire::parse_packet(ip, {}, parsed);
  if (reason == DropReason::fragment) {
    Decoded piece = decode_fragment(ip);
    piece.packet.direction = Direction::out;
    return piece;
  }
  if (reason != DropReason::none) throw Malformed(wire::format_packet(ip, {}));
  Decoded decoded;
  decoded.packet.direction = Direction::out;
  decoded.packet.marks = marks_of(ip, parsed.source, parsed.destination);
  decoded.ends.local = parsed.source;
  decoded.ends.remote = parsed.destination;
  const Bytes payload = ip.subspan(parsed.payload_offset, parsed.payload_length);
  decoded.payload.assign(payload.begin(), payload.end());
  if (parsed.protocol == wire::kProtocolTcp) {
    decoded.packet.text = tcp_of(ip.subspan(parsed.transport_offset), parsed);
    decoded.packet.ports = Ports{parsed.tcp.source_port, parsed.tcp.destination_port};
  } else if (parsed.protocol == wire::kProtocolUdp) {
    decoded.packet.text = UdpText{parsed.payload_length};
    decoded.packet.ports = Ports{parsed.udp.source_port, parsed.udp.destination_port};
  } else {
    decoded.packet.text = icmp_of(parsed, payload, parsed.source.is_v6());
    return decoded;
  }
  decoded.ends.local_port = decoded.packet.ports->source;
  decoded.ends.remote_port = decoded.packet.ports->destination;
  return decoded;
}

}  // namespace sluice::script
