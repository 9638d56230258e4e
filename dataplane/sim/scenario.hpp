// Everything that a run depends on: a value, drawn from one number or written by hand.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/sim/apps.hpp"
#include "dataplane/sim/core.hpp"
#include "dataplane/sim/star.hpp"

namespace sluice::sim {

struct HostPlan {
  HostOptions options;
  LinkPlan up;  // from the host to the hub
  LinkPlan down;
};

struct Scenario {
  std::uint64_t seed = 0;
  std::vector<HostPlan> hosts;
  std::vector<FlowPlan> flows;
  Instant faults_until;                        // of all links; and the latest start of a flow
  Duration patience = Duration::seconds(400);  // without a byte for anybody, from then on
  MeasuredTime measured;
  double least_fairness = 0;  // of the flows' measured bytes (Jain's index)
  Fault fault = Fault::none;

  // One line: what is special about it.
  std::string describe() const;
};

// The networks behind which a host lies: 10.N.0.0/16 and fd00:N::/64 with N = number + 1, the first
// address being its router's.
std::vector<Cidr> networks_of_host(std::uint32_t number);

// Secrets of a shard, and its networks; all else by default.
ShardOptions plain_shard(Rng& rng, std::uint32_t number);

// As large as an engine's defaults, and seldom looked through: for what runs long.
HostPlan engine_host(Rng& rng, std::uint32_t number);
// How its device coalesces packets where nothing else is said: a tenth of the time that they take
// on its links, a millisecond at most. What is finer is lost on such a path, and takes its time.
Duration usual_coalescing(const HostPlan& host);

// Hosts with default sizes, clean and fast wires, no flows.
Scenario plain_scenario(std::uint64_t seed, std::uint32_t hosts = 2);

// `bytes` from host 0 to host 1, who reads all at once; the sender closes first.
FlowPlan bulk_flow(std::uint64_t bytes, bool v4 = true);

// Anything that may happen to flows that start, and faults that end, within `length` of virtual
// time; then the flows play to their end.
Scenario draw_scenario(std::uint64_t seed, Duration length = Duration::seconds(60));

// Where the checkers cannot but see the fault.
Scenario faulty_scenario(std::uint64_t seed, Fault fault);

}  // namespace sluice::sim
