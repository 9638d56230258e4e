// What an ICMP error says about the path to the peer (RFC 9293 3.9.2.2).
#pragma once

#include <cstdint>
#include <optional>

#include "proto/wire/icmp.hpp"

namespace sluice::tcp {

// Each is an errno of its own in the usual interfaces.
enum class PathError : std::uint8_t {
  packet_too_big,
  net_unreachable,
  host_unreachable,
  protocol_unreachable,
  port_unreachable,
  source_route_failed,
  net_unknown,
  host_unknown,
  host_isolated,
  prohibited,  // by an administrator, a filter or a policy
  time_exceeded,
  parameter_problem,
};

// None for what is no error of the path: echo, source quench (RFC 9293 MUST-55), and unknown ones.
std::optional<PathError> path_error_of(const wire::IcmpHeader& icmp, bool is_v6);

// RFC 9293 SHLD-26: nobody there wants it, so that another try is in vain. All others but
// packet_too_big are soft (MUST-56).
constexpr bool is_hard(PathError error) {
  return error == PathError::protocol_unreachable || error == PathError::port_unreachable;
}

}  // namespace sluice::tcp
