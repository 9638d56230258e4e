#include "proto/wire/describe_ip.hpp"

#include "proto/wire/ip.hpp"
#include "proto/wire/names.hpp"

namespace sluice::wire {
namespace {

void put_traffic_class(Text& text, std::uint8_t traffic_class) {
  const std::string name = dscp_name(traffic_class);
  text << Hex{traffic_class} << " (DSCP " << std::uint64_t{traffic_class} / 4;
  if (!name.empty()) text << " " << name;
  text << ", ECN " << (traffic_class & 3U) << " " << ecn_name(traffic_class) << ")";
}

// `said` bytes where only `present` are.
void put_length(Text& text, std::size_t said, std::size_t present) {
  text << said;
  if (said > present) text << " (wrong: only " << present << " bytes are here)";
}

void put_ends(Description& out, const Outline& outline) {
  out.field("source") << address_text(outline.source, outline.is_v6());
  out.field("destination") << address_text(outline.destination, outline.is_v6());
}

// An option with its kind, length and what it holds; false when its length is impossible.
bool put_option(Description& out, Bytes option, std::size_t said, std::string_view name) {
  Text& line = out.field("option");
  if (name.empty()) {
    line << "type " << option[0];
  } else {
    line << name;
  }
  if (said < 2 || said > option.size()) {
    line << " (wrong: its length)";
    return false;
  }
  line << ", length " << said;
  if (said > 2) line << ": " << option.subspan(2, said - 2);
  return true;
}

// RFC 791 3.1
void describe_v4_options(Description& out, Bytes options) {
  while (!options.empty()) {
    const std::string_view name = ipv4_option_name(options[0]);
    std::size_t length = 1;
    if (options[0] <= 1) {
      out.field("option") << name;
      if (options[0] == 0) return;
    } else {
      length = options.size() < 2 ? 0 : options[1];
      if (!put_option(out, options, length, name)) return;
    }
    options = options.subspan(length);
  }
}

void put_v4_flags(Text& line, std::uint8_t bits) {
  if (bits == 0) line << "none";
  if ((bits & 4) != 0) line << "reserved ";
  if ((bits & 2) != 0) line << "DF (don't fragment)";
  if (bits == 3) line << ", ";
  if ((bits & 1) != 0) line << "MF (more fragments)";
}

void describe_v4(Description& out, Bytes ip, const Outline& outline) {
  const std::uint8_t* const p = ip.data();
  const std::size_t header_length = (p[0] & 0x0fU) * 4;
  const std::size_t total = load_be16(p + 2);
  out.section("IPv4");
  out.field("version") << (p[0] >> 4U);
  Text& length = out.field("header length");
  put_length(length, header_length, ip.size());
  if (header_length < kIpv4MinHeader) length << " (wrong: below " << kIpv4MinHeader << ")";
  put_traffic_class(out.field("TOS"), p[1]);
  put_length(out.field("total length"), total, ip.size());
  if (total < header_length) out.field("") << "(wrong: shorter than the header)";
  out.field("identification") << Hex{load_be16(p + 4), 4} << " (" << load_be16(p + 4) << ")";
  put_v4_flags(out.field("flags"), p[6] >> 5);
  out.field("fragment offset") << outline.fragment_offset;
  out.field("TTL") << p[8];
  out.named("protocol", p[9], protocol_name(p[9]));
  Checksum sum;
  sum.add(outline.header);
  out.checksum(load_be16(p + 10), sum);
  put_ends(out, outline);
  describe_v4_options(out, outline.header.subspan(kIpv4MinHeader));
}

// RFC 8200 4.2
void describe_v6_options(Description& out, Bytes options) {
  while (!options.empty()) {
    const std::string_view name = ipv6_option_name(options[0]);
    std::size_t length = 1;
    if (options[0] == 0) {
      out.field("option") << name;
    } else {
      length = options.size() < 2 ? 0 : 2U + options[1];
      if (!put_option(out, options, length, name)) return;
    }
    options = options.subspan(length);
  }
}

void describe_extension(Description& out, const ExtensionHeader& extension,
                        const Outline& outline) {
  const std::uint8_t* const p = extension.bytes.data();
  out.section("IPv6 ") << protocol_name(extension.kind);
  out.named("next header", p[0], protocol_name(p[0]));
  if (extension.kind == kProtocolFragment) {
    out.field("fragment offset") << outline.fragment_offset;
    out.field("more fragments") << (outline.more_fragments ? "yes" : "no");
    out.field("identification") << Hex{outline.fragment_identification, 8};
    return;
  }
  put_length(out.field("length"), (p[1] + 1U) * 8, extension.bytes.size());
  if (extension.kind == kNextRouting) {
    out.field("type") << p[2];
    out.field("segments left") << p[3];
    out.field("content") << extension.bytes.subspan(4);
  } else {
    describe_v6_options(out, extension.bytes.subspan(2));
  }
}

void describe_v6(Description& out, Bytes ip, const Outline& outline) {
  const std::uint8_t* const p = ip.data();
  out.section("IPv6");
  out.field("version") << (p[0] >> 4U);
  put_traffic_class(out.field("traffic class"), static_cast<std::uint8_t>(load_be16(p) >> 4));
  out.field("flow label") << Hex{load_be32(p) & 0xfffff, 5};
  put_length(out.field("payload length"), load_be16(p + 4), ip.size() - kIpv6Header);
  out.named("next header", p[6], protocol_name(p[6]));
  out.field("hop limit") << p[7];
  put_ends(out, outline);
  for (const ExtensionHeader& extension : outline.extensions) {
    describe_extension(out, extension, outline);
  }
}

}  // namespace

void describe_ip(Description& out, Bytes ip, const Outline& outline) {
  if (outline.is_v6()) {
    describe_v6(out, ip, outline);
  } else {
    describe_v4(out, ip, outline);
  }
}

}  // namespace sluice::wire
