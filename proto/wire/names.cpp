#include "proto/wire/names.hpp"

#include <span>

#include "proto/wire/icmp.hpp"

namespace sluice::wire {
namespace {

struct Name {
  unsigned number;
  std::string_view text;
};

std::string_view find(std::span<const Name> names, unsigned number) {
  for (const Name& name : names) {
    if (name.number == number) return name.text;
  }
  return {};
}

constexpr Name kProtocols[] = {{0, "hop-by-hop options"},
                               {1, "ICMP"},
                               {2, "IGMP"},
                               {4, "IPv4"},
                               {6, "TCP"},
                               {17, "UDP"},
                               {33, "DCCP"},
                               {41, "IPv6"},
                               {43, "routing"},
                               {44, "fragment"},
                               {46, "RSVP"},
                               {47, "GRE"},
                               {50, "ESP"},
                               {51, "AH"},
                               {58, "ICMPv6"},
                               {59, "no next header"},
                               {60, "destination options"},
                               {89, "OSPF"},
                               {103, "PIM"},
                               {112, "VRRP"},
                               {132, "SCTP"},
                               {136, "UDP-Lite"}};

constexpr Name kIcmpTypes[] = {{icmp_v4::kEchoReply, "echo reply"},
                               {icmp_v4::kUnreachable, "destination unreachable"},
                               {icmp_v4::kSourceQuench, "source quench"},
                               {5, "redirect"},
                               {icmp_v4::kEcho, "echo request"},
                               {9, "router advertisement"},
                               {10, "router solicitation"},
                               {icmp_v4::kTimeExceeded, "time exceeded"},
                               {icmp_v4::kParameterProblem, "parameter problem"},
                               {13, "timestamp request"},
                               {14, "timestamp reply"}};

constexpr Name kIcmpV6Types[] = {{icmp_v6::kUnreachable, "destination unreachable"},
                                 {icmp_v6::kPacketTooBig, "packet too big"},
                                 {icmp_v6::kTimeExceeded, "time exceeded"},
                                 {icmp_v6::kParameterProblem, "parameter problem"},
                                 {icmp_v6::kEcho, "echo request"},
                                 {icmp_v6::kEchoReply, "echo reply"},
                                 {130, "multicast listener query"},
                                 {131, "multicast listener report"},
                                 {132, "multicast listener done"},
                                 {133, "router solicitation"},
                                 {134, "router advertisement"},
                                 {135, "neighbor solicitation"},
                                 {136, "neighbor advertisement"},
                                 {137, "redirect"},
                                 {143, "multicast listener report v2"}};

// Type and code together.
constexpr unsigned of(unsigned type, unsigned code) {
  return type << 8 | code;
}

constexpr Name kIcmpCodes[] = {{of(icmp_v4::kUnreachable, 0), "net unreachable"},
                               {of(icmp_v4::kUnreachable, 1), "host unreachable"},
                               {of(icmp_v4::kUnreachable, 2), "protocol unreachable"},
                               {of(icmp_v4::kUnreachable, 3), "port unreachable"},
                               {of(icmp_v4::kUnreachable, 4), "fragmentation needed"},
                               {of(icmp_v4::kUnreachable, 5), "source route failed"},
                               {of(icmp_v4::kUnreachable, 9), "net prohibited"},
                               {of(icmp_v4::kUnreachable, 10), "host prohibited"},
                               {of(icmp_v4::kUnreachable, 13), "communication prohibited"},
                               {of(5, 0), "for the net"},
                               {of(5, 1), "for the host"},
                               {of(icmp_v4::kTimeExceeded, 0), "in transit"},
                               {of(icmp_v4::kTimeExceeded, 1), "in reassembly"}};

constexpr Name kIcmpV6Codes[] = {{of(icmp_v6::kUnreachable, 0), "no route"},
                                 {of(icmp_v6::kUnreachable, 1), "communication prohibited"},
                                 {of(icmp_v6::kUnreachable, 2), "beyond scope of source"},
                                 {of(icmp_v6::kUnreachable, 3), "address unreachable"},
                                 {of(icmp_v6::kUnreachable, 4), "port unreachable"},
                                 {of(icmp_v6::kUnreachable, 5), "source policy failed"},
                                 {of(icmp_v6::kUnreachable, 6), "route rejected"},
                                 {of(icmp_v6::kTimeExceeded, 0), "in transit"},
                                 {of(icmp_v6::kTimeExceeded, 1), "in reassembly"},
                                 {of(icmp_v6::kParameterProblem, 0), "erroneous header field"},
                                 {of(icmp_v6::kParameterProblem, 1), "unknown next header"},
                                 {of(icmp_v6::kParameterProblem, 2), "unknown option"}};

constexpr Name kIgmpTypes[] = {{0x11, "query"},
                               {0x12, "v1 report"},
                               {0x16, "v2 report"},
                               {0x17, "leave"},
                               {0x22, "v3 report"}};

constexpr Name kIpv4Options[] = {{0, "end"},
                                 {1, "nop"},
                                 {7, "record route"},
                                 {68, "timestamp"},
                                 {130, "security"},
                                 {131, "loose source route"},
                                 {137, "strict source route"},
                                 {148, "router alert"}};

constexpr Name kIpv6Options[] = {{0, "Pad1"},
                                 {1, "PadN"},
                                 {4, "tunnel encapsulation limit"},
                                 {5, "router alert"},
                                 {0xc2, "jumbo payload"},
                                 {0xc9, "home address"}};

constexpr std::string_view kEcnNames[] = {"not ECT", "ECT(1)", "ECT(0)", "CE"};

}  // namespace

std::string_view protocol_name(std::uint8_t protocol) {
  return find(kProtocols, protocol);
}

std::string_view icmp_type_name(std::uint8_t type, bool is_v6) {
  return is_v6 ? find(kIcmpV6Types, type) : find(kIcmpTypes, type);
}

std::string_view icmp_code_name(std::uint8_t type, std::uint8_t code, bool is_v6) {
  return is_v6 ? find(kIcmpV6Codes, of(type, code)) : find(kIcmpCodes, of(type, code));
}

std::string_view igmp_type_name(std::uint8_t type) {
  return find(kIgmpTypes, type);
}

std::string_view ipv4_option_name(std::uint8_t type) {
  return find(kIpv4Options, type);
}

std::string_view ipv6_option_name(std::uint8_t type) {
  return find(kIpv6Options, type);
}

std::string_view ecn_name(std::uint8_t traffic_class) {
  return kEcnNames[traffic_class & 3];
}

// RFC 2474 4.2.2 (CS), RFC 2597 6 (AF), RFC 3246 2.7 (EF), RFC 8622 (LE)
std::string dscp_name(std::uint8_t traffic_class) {
  const unsigned dscp = traffic_class >> 2;
  const unsigned klass = dscp >> 3;
  const unsigned precedence = dscp & 7;
  if (dscp == 46) return "EF";
  if (dscp == 1) return "LE";
  if (precedence == 0) return "CS" + std::to_string(klass);
  const bool assured = klass >= 1 && klass <= 4 && precedence % 2 == 0;
  return assured ? "AF" + std::to_string(klass) + std::to_string(precedence / 2) : std::string();
}

}  // namespace sluice::wire
