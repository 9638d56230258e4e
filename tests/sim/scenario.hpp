// Everything that a run depends on, drawn from one number.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/sim/apps.hpp"
#include "tests/sim/host.hpp"
#include "tests/sim/link.hpp"

namespace sluice::sim {

struct Scenario {
  std::uint64_t seed = 0;
  std::array<HostOptions, 2> hosts;
  std::array<LinkOptions, 2> links;  // links[i] carries what host i sends
  std::vector<FlowPlan> flows;
  Instant faults_until;
  Duration patience = Duration::seconds(400);  // for all flows to end, once faults have stopped

  // One line: what is special about it.
  std::string describe() const;
};

Scenario draw_scenario(std::uint64_t seed);

// Two hosts, a clean and fast wire, default sizes, no flows: for tests that plant one fault.
Scenario plain_scenario(std::uint64_t seed);

// `bytes` from host 0 to host 1, who reads all at once; the sender closes first.
FlowPlan bulk_flow(std::uint64_t bytes, bool v4 = true);

}  // namespace sluice::sim
