// What ICMP errors are in errno: Linux' icmp_err_convert and icmpv6_err_convert.
#pragma once

#include "proto/tcp/path_error.hpp"

namespace sluice::sockets {

// Positive.
int errno_of(tcp::PathError error, bool v4);

// Whether a datagram socket hears of it although no datagram is lost for good.
bool is_fatal(tcp::PathError error);

}  // namespace sluice::sockets
