#include "tests/scripts/runner/compare.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "tests/scripts/runner/notation.hpp"

namespace sluice::script {
namespace {

using Names = std::vector<std::string>;

void note(Names& names, const char* name, bool same) {
  if (!same) names.emplace_back(name);
}

template <typename T>
bool agrees(const std::optional<T>& expected, const std::optional<T>& came) {
  return !expected || expected == came;
}

bool marks_agree(const IpMarks& expected, const IpMarks& came) {
  const bool is_ect = came.ecn == 1 || came.ecn == 2;
  return agrees(expected.ecn, came.ecn) && (!expected.any_ect || is_ect) &&
         agrees(expected.tos, came.tos) && agrees(expected.ttl, came.ttl) &&
         agrees(expected.flow_label, came.flow_label) &&
         agrees(expected.dont_fragment, came.dont_fragment) && agrees(expected.from, came.from) &&
         agrees(expected.to, came.to);
}

void compare_tcp(const TcpText& expected, const TcpText& came, Names& names) {
  note(names, "flags", expected.flags == came.flags);
  note(names, "seq", expected.sequence == came.sequence && expected.length == came.length);
  note(names, "ack", expected.acknowledgment == came.acknowledgment);
  note(names, "win", agrees(expected.window, came.window));
  note(names, "urg", expected.urgent == came.urgent);
  note(names, "options", agrees(expected.options, came.options));
}

bool quotes_agree(const Quote& expected, const std::optional<Quote>& came) {
  if (!came || expected.packet.index() != came->packet.index()) return false;
  if (!agrees(expected.ports, came->ports)) return false;
  if (const auto* udp = std::get_if<UdpText>(&expected.packet)) {
    return udp->length == std::get<UdpText>(came->packet).length;
  }
  const auto& tcp = std::get<TcpText>(expected.packet);
  const auto& other = std::get<TcpText>(came->packet);
  return tcp.sequence == other.sequence && tcp.length == other.length;
}

void compare_icmp(const IcmpText& expected, const IcmpText& came, Names& names) {
  note(names, "type", expected.is_v6 == came.is_v6 && expected.type == came.type);
  note(names, "code", expected.code == came.code);
  note(names, "mtu", agrees(expected.mtu, came.mtu));
  note(names, "id", agrees(expected.id, came.id));
  note(names, "quote", !expected.quote || quotes_agree(*expected.quote, came.quote));
}

std::string indented(const std::string& title, const std::string& text) {
  return fmt::format("    {:<9}{}\n", title, text);
}

// `came` in notation, and below it what differs.
std::string underlined(const std::string& time, const Packet& came, const Names& differing) {
  std::string text = time;
  std::string marks(time.size(), ' ');
  for (const Field& field : fields_of(came)) {
    const bool differs =
        std::find(differing.begin(), differing.end(), field.name) != differing.end();
    text += " " + field.text;
    marks += " " + std::string(field.text.size(), differs ? '^' : ' ');
  }
  marks.erase(marks.find_last_not_of(' ') + 1);
  return indented("came", text) + (marks.empty() ? "" : indented("", marks));
}

}  // namespace

std::vector<std::string> differences(const Packet& expected, const Packet& came) {
  Names names;
  if (expected.text.index() != came.text.index()) return {"protocol"};
  note(names, "marks", marks_agree(expected.marks, came.marks));
  note(names, "ports", expected.ports == came.ports);
  if (const auto* tcp = std::get_if<TcpText>(&expected.text)) {
    compare_tcp(*tcp, std::get<TcpText>(came.text), names);
  } else if (const auto* icmp = std::get_if<IcmpText>(&expected.text)) {
    compare_icmp(*icmp, std::get<IcmpText>(came.text), names);
  } else if (const auto* udp = std::get_if<UdpText>(&expected.text)) {
    note(names, "length", udp->length == std::get<UdpText>(came.text).length);
  } else {
    note(names, "piece",
         std::get<FragmentText>(expected.text) == std::get<FragmentText>(came.text));
  }
  return names;
}

std::string beside(const std::string& expected_time, const Packet& expected,
                   const std::string& came_time, const Packet& came,
                   const std::vector<std::string>& differing) {
  return indented("expected", expected_time + " " + to_string(expected)) +
         underlined(came_time, came, differing);
}

Packet shown_as(const Packet& expected, Packet came) {
  const IpMarks& wanted = expected.marks;
  IpMarks& marks = came.marks;
  if (!wanted.ecn && !wanted.any_ect) marks.ecn.reset();
  if (!wanted.tos) marks.tos.reset();
  if (!wanted.ttl) marks.ttl.reset();
  if (!wanted.flow_label) marks.flow_label.reset();
  if (!wanted.dont_fragment) marks.dont_fragment.reset();
  if (!wanted.from) marks.from.reset();
  if (!wanted.to) marks.to.reset();
  return came;
}

}  // namespace sluice::script
