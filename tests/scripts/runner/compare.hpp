// What a script expects beside what came.
#pragma once

#include <string>
#include <vector>

#include "tests/scripts/runner/packet.hpp"

namespace sluice::script {

// The names of the fields in which `came` is not as `expected` says; nothing is compared that the
// line leaves open.
std::vector<std::string> differences(const Packet& expected, const Packet& came);

// Both packets, one below the other, each behind its `time`, with what differs underlined.
std::string beside(const std::string& expected_time, const Packet& expected,
                   const std::string& came_time, const Packet& came,
                   const std::vector<std::string>& differing);

// `came`, with those marks that `expected` names and no others: all that a message should show.
Packet shown_as(const Packet& expected, Packet came);

}  // namespace sluice::script
