// Two hosts, two links, flows and checkers, on virtual time: one seed, one outcome.
#pragma once

#include <array>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/apps.hpp"
#include "tests/sim/checkers.hpp"
#include "tests/sim/host.hpp"
#include "tests/sim/scenario.hpp"
#include "tests/sim/wire_checker.hpp"

namespace sluice::sim {

struct Outcome {
  std::string failure;       // empty: all is well. Otherwise one line, with the seed
  std::uint64_t digest = 0;  // of every packet and its time
  std::uint64_t turns = 0;
  Instant end;
  std::array<LinkCounters, 2> links;
  std::array<ShardStats, 2> shards;
};

class Simulation {
 public:
  explicit Simulation(const Scenario& scenario);
  ~Simulation();
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  // Writes a line for every packet that is sent or arrives.
  void trace_to(std::FILE* file) { trace_ = file; }
  // Lets the flows play to their end.
  Outcome run();

 private:
  struct Flow {
    FlowPlan plan;
    std::unique_ptr<Endpoint> opening;
    std::unique_ptr<Endpoint> accepting;
    bool has_ended() const;
  };

  void add_flow(const FlowPlan& plan);
  std::unique_ptr<Endpoint> make_endpoint(const FlowPlan& plan, bool opens);
  void start_flow(Flow& flow);
  Instant next_event() const;
  void step(Instant now);
  void turn(std::size_t host, Instant now);
  void send(std::size_t host, PacketBytes packet, Instant now);
  void note(const char* event, std::size_t host, const PacketBytes& packet, Instant now);
  void digest(const PacketBytes& packet, Instant now);
  std::uint64_t flows_left();
  std::string describe(const Flow& flow) const;
  bool is_quiet() const;
  bool is_over(Instant now);
  void check_end();

  Scenario scenario_;
  Verdict verdict_;
  WireChecker wire_{verdict_};
  Progress progress_;
  LentFrames lent_;
  std::vector<Flow> flows_;
  std::array<std::unique_ptr<Host>, 2> hosts_;
  std::vector<Link> links_;
  std::size_t first_left_ = 0;
  std::FILE* trace_ = nullptr;
  Outcome outcome_;
};

// The whole of it.
Outcome simulate(std::uint64_t seed);
Outcome simulate(const Scenario& scenario);

}  // namespace sluice::sim
