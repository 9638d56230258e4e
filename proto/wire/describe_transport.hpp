// The part of a description that is about TCP, UDP, ICMP, ICMPv6 and IGMP.
#pragma once

#include "proto/wire/description.hpp"
#include "proto/wire/outline.hpp"

namespace sluice::wire {

// Returns what no field was made of: the payload. `sum_deferred`: the device is to finish the sum.
Bytes describe_transport(Description& out, const Outline& outline, bool sum_deferred);

}  // namespace sluice::wire
