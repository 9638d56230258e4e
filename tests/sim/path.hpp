// One path and the flows on it, as tests of congestion control speak of them: host 0 sends, host 1
// receives, the rate and the queue are on the way of the data.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/sim/simulation.hpp"

namespace sluice::sim {

struct Path {
  tcp::Algorithm algorithm = tcp::Algorithm::cubic;
  std::uint64_t rate_bits = 100'000'000;  // a second
  Duration round_trip = Duration::milliseconds(20);
  double queue = 1;  // in bandwidth-delay products
  std::uint32_t flows = 1;
  Duration apart{};                      // between their starts
  LinkOptions faults{};                  // on the way of the data; rate, delay and queue are above
  std::vector<LinkChange> changes{};     // of its faults
  Duration from = Duration::seconds(5);  // of the measured time
  Duration to = Duration::seconds(65);
  std::uint64_t seed = 1;

  double bdp_bytes() const {
    return static_cast<double>(rate_bits) / 8 * static_cast<double>(round_trip.ns()) / 1e9;
  }
  double measured_seconds() const { return static_cast<double>((to - from).ns()) / 1e9; }
};

inline LinkOptions with_faults(const Path& path, LinkOptions faults) {
  faults.rate_bits = path.rate_bits;
  faults.delay = path.round_trip / 2;
  faults.queue_bytes = static_cast<std::uint64_t>(path.bdp_bytes() * path.queue);
  return faults;
}

// Two hosts, with buffers that leave the window to congestion control.
inline Scenario hosts_of(const Path& path) {
  constexpr std::uint32_t kBuffer = 1 << 26;
  Scenario scenario;
  scenario.seed = path.seed;
  Rng rng(path.seed);
  for (std::uint32_t i = 0; i < 2; ++i) {
    scenario.hosts.push_back(engine_host(rng, i));
    tcp::Settings& tcp = scenario.hosts[i].options.shard.tcp;
    tcp.congestion = path.algorithm;
    tcp.receive_buffer_bytes = tcp.send_buffer_bytes = kBuffer;
  }
  scenario.hosts[0].up.options = with_faults(path, path.faults);
  for (const LinkChange& change : path.changes) {
    scenario.hosts[0].up.changes.push_back({change.at, with_faults(path, change.options)});
  }
  scenario.hosts[1].up.options.delay = path.round_trip / 2;
  for (HostPlan& host : scenario.hosts) host.options.coalesce = usual_coalescing(host);
  scenario.measured = {Instant() + path.from, Instant() + path.to};
  return scenario;
}

// Bulk flows until the measured time is over.
inline Scenario scenario_of(const Path& path) {
  Scenario scenario = hosts_of(path);
  for (std::uint32_t i = 0; i < path.flows; ++i) {
    FlowPlan flow = bulk_flow(UINT64_MAX);
    flow.port = static_cast<std::uint16_t>(i + 1);
    flow.seed = path.seed * 1000 + i;
    flow.start = Instant() + path.apart * i;
    flow.opening.send_for = path.to - path.apart * i;
    flow.opening.by_reference = true;
    scenario.flows.push_back(flow);
  }
  return scenario;
}

// What a run of a path has carried in the measured time.
struct Carried {
  double share = 0;     // of the rate, IP headers counted
  double segments = 0;  // of 1500 bytes, in a round trip without queue
  double fairness = 0;  // Jain's index of the flows' text
  Outcome outcome;
};

inline Carried run(const Path& path) {
  Carried carried;
  carried.outcome = simulate(scenario_of(path));
  const double bytes = static_cast<double>(carried.outcome.hosts[0].measured_up_bytes);
  const double rate = bytes / path.measured_seconds();
  carried.share = rate * 8 / static_cast<double>(path.rate_bits);
  carried.segments = rate * static_cast<double>(path.round_trip.ns()) / 1e9 / 1500;
  std::vector<double> rates;
  for (const FlowOutcome& flow : carried.outcome.flows) {
    rates.push_back(static_cast<double>(flow.measured_bytes));
  }
  carried.fairness = Fairness::index(rates);
  return carried;
}

}  // namespace sluice::sim
