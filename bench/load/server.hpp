// The kernel's side of a comparison: the services of `sluice run` on kernel sockets.
#pragma once

#include <string>

namespace sluice::load {

// Sink on 5001 and 9, source on 19, echo on 7, for whoever connects; one thread. Calls `ready` once
// all ports listen. Never returns: a signal ends it, and std::runtime_error what cannot be served.
[[noreturn]] void serve(const std::string& congestion, void (*ready)());

}  // namespace sluice::load
