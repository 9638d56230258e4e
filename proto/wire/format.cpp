#include "proto/wire/format.hpp"

#include "proto/wire/names.hpp"
#include "proto/wire/outline.hpp"
#include "proto/wire/text.hpp"

namespace sluice::wire {
namespace {

void put_tcp(Text& line, const Packet& packet) {
  const TcpHeader& tcp = packet.tcp;
  line << "Flags [" << format_tcp_flags(tcp.flags) << "]";
  if (packet.payload_length > 0) {
    line << ", seq " << tcp.sequence << ":" << std::uint32_t{tcp.sequence + packet.payload_length};
  } else if ((tcp.flags & (kSyn | kFin | kRst)) != 0) {
    line << ", seq " << tcp.sequence;
  }
  if (tcp.has(kAck)) line << ", ack " << tcp.acknowledgment;
  line << ", win " << tcp.window;
  if (tcp.has(kUrg)) line << ", urg " << tcp.urgent;
  const std::string options = format_tcp_options(tcp.options);
  if (!options.empty()) line << ", options [" << options << "]";
  line << ", length " << packet.payload_length;
}

bool is_echo(const IcmpHeader& icmp, bool is_v6) {
  return is_v6 ? icmp.type == icmp_v6::kEcho || icmp.type == icmp_v6::kEchoReply
               : icmp.type == icmp_v4::kEcho || icmp.type == icmp_v4::kEchoReply;
}

bool has_mtu(const IcmpHeader& icmp, bool is_v6) {
  return is_v6 ? icmp.type == icmp_v6::kPacketTooBig
               : icmp.type == icmp_v4::kUnreachable && icmp.code == icmp_v4::kFragmentationNeeded;
}

void put_icmp(Text& line, const Packet& packet) {
  const bool is_v6 = packet.protocol == kProtocolIcmpV6;
  const IcmpHeader& icmp = packet.icmp;
  const std::string_view name = icmp_type_name(icmp.type, is_v6);
  const std::string_view code = icmp_code_name(icmp.type, icmp.code, is_v6);
  line << (is_v6 ? "ICMP6, " : "ICMP ");
  if (name.empty()) {
    line << "type " << icmp.type << " code " << icmp.code;
  } else {
    line << name;
    if (!code.empty()) line << ", " << code;
  }
  if (is_echo(icmp, is_v6)) {
    line << ", id " << (icmp.rest >> 16) << ", seq " << (icmp.rest & 0xffff);
  }
  if (has_mtu(icmp, is_v6)) line << ", mtu " << (is_v6 ? icmp.rest : icmp.rest & 0xffff);
  line << ", length " << kIcmpHeader + packet.payload_length;
}

void put_transport(Text& line, const Packet& packet) {
  if (packet.protocol == kProtocolTcp) {
    put_tcp(line, packet);
  } else if (packet.protocol == kProtocolUdp) {
    line << "UDP, length " << packet.payload_length;
  } else {
    put_icmp(line, packet);
  }
  if (packet.gso_size != 0) line << ", gso " << packet.gso_size;
}

void put_endpoints(Text& line, const Packet& packet, bool is_v6) {
  const bool is_tcp = packet.protocol == kProtocolTcp;
  const bool has_ports = is_tcp || packet.protocol == kProtocolUdp;
  line << (is_v6 ? "IP6 " : "IP ") << address_text(packet.source, is_v6);
  if (has_ports) line << "." << (is_tcp ? packet.tcp.source_port : packet.udp.source_port);
  line << " > " << address_text(packet.destination, is_v6);
  if (has_ports)
    line << "." << (is_tcp ? packet.tcp.destination_port : packet.udp.destination_port);
  line << ": ";
}

// --- what parse_packet refuses ----------------------------------------------------------------

// The transport's own header, whatever its sum; false when it is no TCP, UDP or ICMP, or not whole.
bool read_transport(const Outline& outline, Packet& packet) {
  const Bytes bytes = outline.payload;
  std::size_t header_length = kIcmpHeader;  // as long as UDP's
  if (outline.protocol == kProtocolTcp) {
    if (parse_tcp(bytes, packet.tcp, header_length) == TcpParse::bad_header) return false;
  } else if (outline.protocol == kProtocolUdp) {
    if (bytes.size() < kUdpHeader) return false;
    parse_udp(bytes, packet.udp);  // a wrong length is named behind the line
  } else if (outline.protocol == (outline.is_v6() ? kProtocolIcmpV6 : kProtocolIcmp)) {
    if (!parse_icmp(bytes, packet.icmp)) return false;
  } else {
    return false;
  }
  packet.payload_length = static_cast<std::uint32_t>(bytes.size() - header_length);
  return true;
}

void put_protocol(Text& line, const Outline& outline) {
  const std::string_view name = protocol_name(outline.protocol);
  if (name.empty()) {
    line << "protocol " << outline.protocol;
  } else {
    line << name;
  }
  if (outline.is_fragment) {
    line << " fragment, id " << outline.fragment_identification << ", offset "
         << outline.fragment_offset << (outline.more_fragments ? ", more to come" : "");
  } else if (outline.protocol == kProtocolIgmp && !outline.payload.empty()) {
    const std::string_view type = igmp_type_name(outline.payload[0]);
    if (!type.empty()) line << " " << type;
  }
  line << ", length " << outline.payload.size();
}

// Of a packet that is as it should be, although it is none for us.
bool is_sound(DropReason refused) {
  return refused == DropReason::unknown_protocol || refused == DropReason::fragment ||
         refused == DropReason::bad_source_address;
}

std::string format_refused(Bytes ip, DropReason refused) {
  const Outline outline = outline_packet(ip);
  Text line;
  if (!outline.has_addresses) {
    line << drop_reason_name(refused) << ", " << ip.size() << " bytes";
    return line.take();
  }
  Packet packet;
  packet.source = outline.source;
  packet.destination = outline.destination;
  if (!outline.is_fragment && read_transport(outline, packet)) {
    packet.protocol = outline.protocol;
    put_endpoints(line, packet, outline.is_v6());
    put_transport(line, packet);
  } else {
    put_endpoints(line, packet, outline.is_v6());
    put_protocol(line, outline);
  }
  if (!is_sound(refused)) line << ", " << drop_reason_name(refused);
  return line.take();
}

}  // namespace

std::string format_packet(const Packet& packet) {
  Text line;
  put_endpoints(line, packet, packet.source.is_v6());
  put_transport(line, packet);
  return line.take();
}

std::string format_packet(Bytes ip, const VirtioNetHeader& offload) {
  Packet packet;
  const DropReason refused = parse_packet(ip, offload, packet);
  return refused == DropReason::none ? format_packet(packet) : format_refused(ip, refused);
}

std::string format_tcp_flags(std::uint8_t flags) {
  struct Letter {
    TcpFlag flag;
    char letter;
  };
  constexpr Letter kLetters[] = {{kFin, 'F'}, {kSyn, 'S'}, {kRst, 'R'}, {kPsh, 'P'},
                                 {kAck, '.'}, {kUrg, 'U'}, {kEce, 'E'}, {kCwr, 'W'}};
  std::string text;
  for (const auto& [flag, letter] : kLetters) {
    if ((flags & flag) != 0) text += letter;
  }
  return text.empty() ? "none" : text;
}

std::string format_tcp_options(const TcpOptions& options) {
  Text line;
  const auto next = [&line]() -> Text& { return line.empty() ? line : line << ","; };
  if (options.has_mss) next() << "mss " << options.mss;
  if (options.sack_permitted) next() << "sackOK";
  if (options.has_timestamps) {
    next() << "TS val " << options.ts_value << " ecr " << options.ts_echo;
  }
  if (options.has_window_scale) next() << "wscale " << options.window_scale;
  if (options.sack_count > 0) next() << "sack " << options.sack_count << " ";
  for (std::size_t i = 0; i < options.sack_count; ++i) {
    line << "{" << options.sack[i].left << ":" << options.sack[i].right << "}";
  }
  return line.take();
}

}  // namespace sluice::wire
