// A scenario of the simulator as people write it: JSON, with quantities as on the command line
// ("20ms", "1%", "100M"). `sluice sim --help` shows one.
#pragma once

#include <stdexcept>
#include <string>

#include "dataplane/sim/scenario.hpp"

namespace sluice {

// One line: which file, where in it, and what would be right.
class ScenarioError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Reads the file; `seed` draws secrets, and what chance does on the links. Throws ScenarioError.
sim::Scenario read_scenario(const std::string& path, std::uint64_t seed);

}  // namespace sluice
