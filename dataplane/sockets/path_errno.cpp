#include "dataplane/sockets/path_errno.hpp"

#include <cerrno>

namespace sluice::sockets {

using tcp::PathError;

int errno_of(PathError error, bool v4) {
  switch (error) {
    case PathError::packet_too_big: return EMSGSIZE;
    case PathError::net_unreachable:
    case PathError::net_unknown: return ENETUNREACH;
    case PathError::host_unreachable:
    case PathError::time_exceeded: return EHOSTUNREACH;
    case PathError::protocol_unreachable: return ENOPROTOOPT;
    case PathError::port_unreachable: return ECONNREFUSED;
    case PathError::source_route_failed: return EOPNOTSUPP;
    case PathError::host_unknown: return EHOSTDOWN;
    case PathError::host_isolated: return ENONET;
    case PathError::prohibited: return v4 ? EHOSTUNREACH : EACCES;
    case PathError::parameter_problem: return EPROTO;
  }
  return EHOSTUNREACH;
}

bool is_fatal(PathError error) {
  switch (error) {
    case PathError::protocol_unreachable:
    case PathError::port_unreachable:
    case PathError::net_unknown:
    case PathError::host_unknown:
    case PathError::host_isolated:
    case PathError::prohibited:
    case PathError::parameter_problem: return true;
    case PathError::packet_too_big:
    case PathError::net_unreachable:
    case PathError::host_unreachable:
    case PathError::time_exceeded:
    case PathError::source_route_failed: break;
  }
  return false;
}

}  // namespace sluice::sockets
