#include "proto/tcp/path_error.hpp"

#include <array>

namespace sluice::tcp {
namespace {

using enum PathError;

// By the code of "destination unreachable": RFC 792, RFC 1122 3.2.2.1, RFC 1812 5.2.7.1.
constexpr std::array kUnreachableV4 = {
    net_unreachable,  host_unreachable,    protocol_unreachable, port_unreachable,
    packet_too_big,   source_route_failed, net_unknown,          host_unknown,
    host_isolated,    net_unknown,         prohibited,           net_unreachable,
    host_unreachable, prohibited,          prohibited,           prohibited,
};
// RFC 4443 3.1.
constexpr std::array kUnreachableV6 = {
    net_unreachable,  prohibited, host_unreachable, host_unreachable,
    port_unreachable, prohibited, prohibited,
};

template <std::size_t n>
std::optional<PathError> at(const std::array<PathError, n>& table, std::uint8_t code) {
  if (code >= n) return std::nullopt;
  return table[code];
}

std::optional<PathError> path_error_v4(const wire::IcmpHeader& icmp) {
  switch (icmp.type) {
    case wire::icmp_v4::kUnreachable: return at(kUnreachableV4, icmp.code);
    case wire::icmp_v4::kTimeExceeded: return time_exceeded;
    case wire::icmp_v4::kParameterProblem: return parameter_problem;
    default: return std::nullopt;
  }
}

std::optional<PathError> path_error_v6(const wire::IcmpHeader& icmp) {
  switch (icmp.type) {
    case wire::icmp_v6::kUnreachable: return at(kUnreachableV6, icmp.code);
    case wire::icmp_v6::kPacketTooBig: return packet_too_big;
    case wire::icmp_v6::kTimeExceeded: return time_exceeded;
    case wire::icmp_v6::kParameterProblem: return parameter_problem;
    default: return std::nullopt;
  }
}

}  // namespace

std::optional<PathError> path_error_of(const wire::IcmpHeader& icmp, bool is_v6) {
  return is_v6 ? path_error_v6(icmp) : path_error_v4(icmp);
}

}  // namespace sluice::tcp
