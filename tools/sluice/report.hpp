// What a run prints: its ready line and its totals, as text or JSON.
#pragma once

#include <string>

#include "dataplane/engine.hpp"

namespace sluice::report {

// One line: "ready: tun1 10.0.5.100/24 fd05::100/64, MTU 1500, 1 worker, io_uring, tso, ...".
std::string ready(const Config& config, const Engine::Facts& facts, bool json);

// Packets, bytes, connections, retransmissions, drops by name.
std::string totals(const EngineStats& stats, bool json);

}  // namespace sluice::report
