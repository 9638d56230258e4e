// Two named sets of settings, for those who want to know exactly what they get.
#pragma once

#include "proto/tcp/constants.hpp"

namespace sluice::tcp {

// What Linux 6 does by default, but for SYNs that are repeated each second at first.
Settings linux_settings();

// What the RFCs say where Linux does otherwise.
Settings strict_settings();

// How long `retries` retransmissions last that begin with `first` and double up to `max`: what
// Linux counts as tcp_retries2.
Duration patience_of(std::uint32_t retries, Duration first, Duration max);

}  // namespace sluice::tcp
