#include "tests/scripts/runner/notation.hpp"

#include <fmt/format.h>

#include "proto/wire/tcp.hpp"
#include "tests/scripts/runner/icmp_names.hpp"

namespace sluice::script {
namespace {

std::string joined(const std::vector<std::string>& parts, std::string_view between) {
  return fmt::format("{}", fmt::join(parts, between));
}

std::string flags_text(std::uint8_t flags) {
  static constexpr struct {
    wire::TcpFlag flag;
    char letter;
  } kLetters[] = {{wire::kFin, 'F'}, {wire::kSyn, 'S'}, {wire::kRst, 'R'}, {wire::kPsh, 'P'},
                  {wire::kUrg, 'U'}, {wire::kEce, 'E'}, {wire::kCwr, 'W'}, {wire::kAck, '.'}};
  std::string text;
  for (const auto& [flag, letter] : kLetters) {
    if ((flags & flag) != 0) text += letter;
  }
  return text.empty() ? "-" : text;
}

std::string_view ecn_text(std::uint8_t bits) {
  static constexpr std::string_view kNames[] = {"noecn", "ect1", "ect0", "ce"};
  return kNames[bits & 3];
}

std::string sequence_text(const TcpText& tcp) {
  return fmt::format("{}:{}({})", tcp.sequence, tcp.sequence + tcp.length, tcp.length);
}

std::string ports_text(const Ports& ports) {
  return fmt::format("{}>{}", ports.source, ports.destination);
}

std::string option_text(const TcpOption& option) {
  using Kind = TcpOption::Kind;
  switch (option.kind) {
    case Kind::end: return "eol";
    case Kind::nop: return "nop";
    case Kind::sack_ok: return "sackOK";
    case Kind::mss: return fmt::format("mss {}", option.value);
    case Kind::wscale: return fmt::format("wscale {}", option.value);
    case Kind::timestamps: return fmt::format("TS val {} ecr {}", option.value, option.echo);
    case Kind::sack: break;
    case Kind::raw: return fmt::format("raw \"{:02x}\"", fmt::join(option.bytes, ""));
  }
  std::string text = "sack";
  for (const wire::SackBlock& block : option.blocks) {
    text += fmt::format(" {}:{}", block.left, block.right);
  }
  return text;
}

std::string marks_text(const IpMarks& marks) {
  std::vector<std::string> parts;
  if (marks.ecn) parts.emplace_back(ecn_text(*marks.ecn));
  if (marks.any_ect) parts.emplace_back("ect01");
  if (marks.tos) parts.push_back(fmt::format("tos {:#04x}", *marks.tos));
  if (marks.ttl) parts.push_back(fmt::format("ttl {}", *marks.ttl));
  if (marks.flow_label) parts.push_back(fmt::format("flowlabel {:#x}", *marks.flow_label));
  if (marks.dont_fragment) parts.emplace_back(*marks.dont_fragment ? "df" : "nodf");
  if (marks.from) parts.push_back(fmt::format("from \"{}\"", marks.from->to_string()));
  if (marks.to) parts.push_back(fmt::format("to \"{}\"", marks.to->to_string()));
  if (marks.bad_checksum) parts.emplace_back("bad_checksum");
  return parts.empty() ? "" : "[" + joined(parts, ", ") + "]";
}

class Fields {
 public:
  void add(std::string name, std::string text) {
    if (!text.empty()) fields_.push_back({std::move(name), std::move(text)});
  }
  std::vector<Field> take() { return std::move(fields_); }

 private:
  std::vector<Field> fields_;
};

void add_tcp(Fields& fields, const TcpText& tcp) {
  fields.add("flags", flags_text(tcp.flags));
  fields.add("seq", sequence_text(tcp));
  if (tcp.acknowledgment) fields.add("ack", fmt::format("ack {}", *tcp.acknowledgment));
  if (tcp.window) fields.add("win", fmt::format("win {}", *tcp.window));
  if (tcp.urgent != 0) fields.add("urg", fmt::format("urg {}", tcp.urgent));
  if (!tcp.options) {
    fields.add("options", "<...>");
  } else if (!tcp.options->empty()) {
    fields.add("options", "<" + to_string(*tcp.options) + ">");
  }
}

std::string quote_text(const Quote& quote) {
  std::string text;
  if (const auto* udp = std::get_if<UdpText>(&quote.packet)) {
    text =
        fmt::format("udp{} ({})", quote.ports ? " " + ports_text(*quote.ports) : "", udp->length);
  } else {
    if (quote.ports) text = ports_text(*quote.ports) + " ";
    text += sequence_text(std::get<TcpText>(quote.packet));
  }
  return "[" + text + "]";
}

void add_icmp(Fields& fields, const IcmpText& icmp) {
  fields.add("protocol", icmp.is_v6 ? "icmpv6" : "icmp");
  fields.add("type", icmp_type_name(icmp.type, icmp.is_v6));
  fields.add("code", icmp_code_name(icmp.code, icmp.type, icmp.is_v6));
  if (icmp.mtu) fields.add("mtu", fmt::format("mtu {}", *icmp.mtu));
  if (icmp.id) fields.add("id", fmt::format("id {}", *icmp.id));
  if (icmp.quote) fields.add("quote", quote_text(*icmp.quote));
}

}  // namespace

std::vector<Field> fields_of(const Packet& packet) {
  Fields fields;
  fields.add("direction", packet.direction == Direction::in ? "<" : ">");
  fields.add("marks", marks_text(packet.marks));
  const auto* udp = std::get_if<UdpText>(&packet.text);
  if (udp != nullptr) fields.add("protocol", "udp");
  if (packet.ports) fields.add("ports", ports_text(*packet.ports));
  if (const auto* tcp = std::get_if<TcpText>(&packet.text)) add_tcp(fields, *tcp);
  if (const auto* icmp = std::get_if<IcmpText>(&packet.text)) add_icmp(fields, *icmp);
  if (const auto* piece = std::get_if<FragmentText>(&packet.text)) {
    fields.add("protocol", "frag");
    fields.add("piece",
               fmt::format("({}@{}{})", piece->length, piece->offset, piece->more ? "+" : ""));
  }
  if (udp != nullptr) fields.add("length", fmt::format("({})", udp->length));
  return fields.take();
}

std::string to_string(const Packet& packet) {
  std::vector<std::string> parts;
  for (const Field& field : fields_of(packet)) parts.push_back(field.text);
  return joined(parts, " ");
}

std::string to_string(const std::vector<TcpOption>& options) {
  std::vector<std::string> parts;
  for (const TcpOption& option : options) parts.push_back(option_text(option));
  return joined(parts, ",");
}

}  // namespace sluice::script
