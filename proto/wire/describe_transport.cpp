#include "proto/wire/describe_transport.hpp"

#include <algorithm>

#include "proto/wire/format.hpp"
#include "proto/wire/icmp.hpp"
#include "proto/wire/names.hpp"
#include "proto/wire/packet.hpp"
#include "proto/wire/tcp.hpp"
#include "proto/wire/udp.hpp"

namespace sluice::wire {
namespace {

constexpr std::size_t kIgmpHeader = 8;

// Why nobody can tell whether the transport's sum is right; empty when one can.
std::string_view why_unchecked(const Outline& outline, bool sum_deferred) {
  if (sum_deferred) return "unfinished: left to the device";
  if (outline.is_truncated) return "not checked: the packet is cut short";
  if (outline.is_fragment) return "not checked: a fragment";
  if (outline.is_routed) return "not checked: this is not the last destination";
  return {};
}

Checksum with_pseudo_header(const Outline& outline, Bytes covered) {
  Checksum sum;
  sum.add_pseudo_header(outline.source, outline.destination, outline.protocol,
                        static_cast<std::uint32_t>(covered.size()));
  sum.add(covered);
  return sum;
}

void put_checksum(Description& out, std::uint16_t value, const Checksum& covered,
                  std::string_view unchecked) {
  if (unchecked.empty()) return out.checksum(value, covered);
  out.field("checksum") << Hex{value, 4} << " (" << unchecked << ")";
}

// Nothing of the header but the ports, which TCP and UDP begin with.
Bytes describe_stump(Description& out, Bytes bytes, std::size_t header_length, bool has_ports) {
  if (has_ports && bytes.size() >= 4) {
    out.field("source port") << load_be16(bytes.data());
    out.field("destination port") << load_be16(bytes.data() + 2);
  }
  out.field("header") << "(wrong: only " << bytes.size() << " of " << header_length
                      << " bytes are here)";
  return bytes;
}

// --- TCP --------------------------------------------------------------------------------------

void describe_tcp_option(Description& out, Bytes option) {
  TcpOptions decoded;
  parse_tcp_options(option, decoded);
  const std::string text = format_tcp_options(decoded);
  Text& line = out.field("option");
  if (!text.empty()) {
    line << text;
    return;
  }
  line << "kind " << option[0] << ", length " << option.size();
  if (option.size() > 2) line << ": " << option.subspan(2);
}

// RFC 9293 3.1: kinds 0 and 1 are alone, all others have a length.
void describe_tcp_options(Description& out, Bytes options) {
  while (!options.empty()) {
    std::size_t length = 1;
    if (options[0] <= 1) {
      out.field("option") << (options[0] == 0 ? "end" : "nop");
      if (options[0] == 0) return;
    } else {
      length = options.size() < 2 ? 0 : options[1];
      if (length < 2 || length > options.size()) {
        out.field("option") << "kind " << options[0] << " (wrong: its length)";
        return;
      }
      describe_tcp_option(out, options.first(length));
    }
    options = options.subspan(length);
  }
}

Bytes describe_tcp(Description& out, const Outline& outline, std::string_view unchecked) {
  const Bytes bytes = outline.payload;
  out.section("TCP");
  if (bytes.size() < kTcpMinHeader) return describe_stump(out, bytes, kTcpMinHeader, true);
  const std::uint8_t* const p = bytes.data();
  const std::size_t header_length = (p[12] >> 4U) * 4;
  out.field("source port") << load_be16(p);
  out.field("destination port") << load_be16(p + 2);
  out.field("sequence") << load_be32(p + 4);
  out.field("acknowledgment") << load_be32(p + 8);
  Text& length = out.field("header length");
  length << header_length;
  if (header_length < kTcpMinHeader) length << " (wrong: below " << kTcpMinHeader << ")";
  if (header_length > bytes.size())
    length << " (wrong: only " << bytes.size() << " bytes are here)";
  out.field("flags") << Hex{p[13]} << " [" << format_tcp_flags(p[13]) << "]";
  out.field("window") << load_be16(p + 14);
  put_checksum(out, load_be16(p + 16), with_pseudo_header(outline, bytes), unchecked);
  out.field("urgent pointer") << load_be16(p + 18);
  const std::size_t end = std::clamp(header_length, kTcpMinHeader, bytes.size());
  describe_tcp_options(out, bytes.subspan(kTcpMinHeader, end - kTcpMinHeader));
  return bytes.subspan(end);
}

// --- UDP --------------------------------------------------------------------------------------

void put_udp_checksum(Description& out, const Outline& outline, Bytes datagram,
                      std::string_view unchecked) {
  const std::uint16_t value = load_be16(datagram.data() + 6);
  if (value != 0) {
    put_checksum(out, value, with_pseudo_header(outline, datagram), unchecked);
  } else {
    out.field("checksum") << Hex{value, 4}
                          << (outline.is_v6() ? " (wrong: IPv6 needs one)" : " (none)");
  }
}

Bytes describe_udp(Description& out, const Outline& outline, std::string_view unchecked) {
  const Bytes bytes = outline.payload;
  out.section("UDP");
  if (bytes.size() < kUdpHeader) return describe_stump(out, bytes, kUdpHeader, true);
  const std::size_t said = load_be16(bytes.data() + 4);
  out.field("source port") << load_be16(bytes.data());
  out.field("destination port") << load_be16(bytes.data() + 2);
  Text& length = out.field("length");
  length << said;
  if (said < kUdpHeader) length << " (wrong: below " << kUdpHeader << ")";
  // Of a fragment the rest is elsewhere.
  if (said > bytes.size() && !outline.is_fragment) {
    length << " (wrong: only " << bytes.size() << " bytes are here)";
  }
  const Bytes datagram = bytes.first(std::clamp(said, kUdpHeader, bytes.size()));
  put_udp_checksum(out, outline, datagram, unchecked);
  return datagram.subspan(kUdpHeader);
}

// --- ICMP, ICMPv6 and IGMP ----------------------------------------------------------------------

bool is_any_of(std::uint8_t type, std::initializer_list<std::uint8_t> types) {
  return std::find(types.begin(), types.end(), type) != types.end();
}

// The second four bytes of the header, whose meaning depends on the type.
void put_icmp_rest(Description& out, const IcmpHeader& icmp, bool is_v6) {
  const bool has_id = is_v6 ? is_any_of(icmp.type, {icmp_v6::kEcho, icmp_v6::kEchoReply})
                            : is_any_of(icmp.type, {icmp_v4::kEcho, icmp_v4::kEchoReply});
  if (has_id) {
    out.field("identifier") << (icmp.rest >> 16);
    out.field("sequence") << (icmp.rest & 0xffff);
  } else if (is_v6 && icmp.type == icmp_v6::kPacketTooBig) {
    out.field("MTU") << icmp.rest;
  } else if (!is_v6 && icmp.type == icmp_v4::kUnreachable &&
             icmp.code == icmp_v4::kFragmentationNeeded) {
    out.field("MTU") << (icmp.rest & 0xffff);
  } else if (is_v6 && icmp.type == icmp_v6::kParameterProblem) {
    out.field("pointer") << icmp.rest;
  } else if (!is_v6 && icmp.type == icmp_v4::kParameterProblem) {
    out.field("pointer") << (icmp.rest >> 24);
  } else {
    out.field("rest of header") << Hex{icmp.rest, 8};
  }
}

bool quotes(std::uint8_t type, bool is_v6) {
  constexpr std::uint8_t kRedirect = 5;  // no error, and yet it quotes: RFC 792
  return is_v6 ? icmp_v6::is_error(type) : icmp_v4::is_error(type) || type == kRedirect;
}

// Whose packet an error is about.
void put_quote(Description& out, Bytes quote, bool is_v6) {
  QuotedSegment quoted;
  if (!parse_quote(quote, is_v6, quoted)) return;
  const bool has_ports = quoted.protocol == kProtocolTcp || quoted.protocol == kProtocolUdp;
  Text& line = out.field("quotes");
  line << protocol_name(quoted.protocol) << " " << quoted.source.to_string();
  if (has_ports) line << "." << quoted.source_port;
  line << " > " << quoted.destination.to_string();
  if (has_ports) line << "." << quoted.destination_port;
  if (quoted.protocol == kProtocolTcp) line << ", seq " << quoted.sequence;
}

Bytes describe_icmp(Description& out, const Outline& outline, std::string_view unchecked) {
  const Bytes bytes = outline.payload;
  const bool is_v6 = outline.is_v6();
  out.section(is_v6 ? "ICMPv6" : "ICMP");
  IcmpHeader icmp;
  if (!parse_icmp(bytes, icmp)) return describe_stump(out, bytes, kIcmpHeader, false);
  out.named("type", icmp.type, icmp_type_name(icmp.type, is_v6));
  out.named("code", icmp.code, icmp_code_name(icmp.type, icmp.code, is_v6));
  Checksum sum;
  sum.add(bytes);
  put_checksum(out, load_be16(bytes.data() + 2), is_v6 ? with_pseudo_header(outline, bytes) : sum,
               unchecked);
  put_icmp_rest(out, icmp, is_v6);
  const Bytes payload = bytes.subspan(kIcmpHeader);
  if (quotes(icmp.type, is_v6)) put_quote(out, payload, is_v6);
  return payload;
}

Bytes describe_igmp(Description& out, const Outline& outline, std::string_view unchecked) {
  const Bytes bytes = outline.payload;
  out.section("IGMP");
  if (bytes.size() < kIgmpHeader) return describe_stump(out, bytes, kIgmpHeader, false);
  out.named("type", bytes[0], igmp_type_name(bytes[0]));
  Checksum sum;
  sum.add(bytes);
  put_checksum(out, load_be16(bytes.data() + 2), sum, unchecked);
  return bytes.subspan(4);
}

}  // namespace

Bytes describe_transport(Description& out, const Outline& outline, bool sum_deferred) {
  if (outline.fragment_offset != 0) return outline.payload;  // its header is in another fragment
  const std::string_view unchecked = why_unchecked(outline, sum_deferred);
  const std::uint8_t protocol = outline.protocol;
  if (protocol == kProtocolTcp) return describe_tcp(out, outline, unchecked);
  if (protocol == kProtocolUdp) return describe_udp(out, outline, unchecked);
  if (protocol == (outline.is_v6() ? kProtocolIcmpV6 : kProtocolIcmp)) {
    return describe_icmp(out, outline, unchecked);
  }
  if (protocol == kProtocolIgmp && !outline.is_v6()) return describe_igmp(out, outline, unchecked);
  return outline.payload;
}

}  // namespace sluice::wire
