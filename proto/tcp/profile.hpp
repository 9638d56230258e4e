// Two named sets of settings, for those who want to know exactly what they get.
#pragma once

#include "proto/tcp/constants.hpp"

namespace sluice::tcp {

// What Linux 6 does by default, but for SYNs that are repeated each second at first. Beside the
// values (Settings::as_linux):
// - A timeout is the smoothed round trip and four variations, which are no less than min_rto and
//   fall but once a round trip; each ACK gives a sample.
// - R2 counts from the first retransmission, and what the application has set from the first probe
//   of a closed window, answered or not.
// - A closed window is probed without a byte; what is corked goes after a timeout.
// - Any ICMP error ends a connection attempt.
// - One lost SYN leaves the initial window; an idle time halves the window once a timeout.
// - The window grows with what an ACK acknowledges, less what was SACKed before, and as long as it
//   was full once in the flight.
// - Segments are no larger than half of the window in the peer's SYN.
// - A SYN with FIN finds no listener. The FIN's ACK may wait for an answer.
Settings linux_settings();

// What the RFCs say where Linux does otherwise.
Settings strict_settings();

// How long `retries` retransmissions last that begin with `first` and double up to `max`: what
// Linux counts as tcp_retries2.
Duration patience_of(std::uint32_t retries, Duration first, Duration max);

}  // namespace sluice::tcp
