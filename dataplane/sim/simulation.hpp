// Hosts, their network, flows and checkers, on virtual time: one scenario, one outcome.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/sim/apps.hpp"
#include "dataplane/sim/checkers.hpp"
#include "dataplane/sim/digest.hpp"
#include "dataplane/sim/host.hpp"
#include "dataplane/sim/observer.hpp"
#include "dataplane/sim/scenario.hpp"
#include "dataplane/sim/star.hpp"
#include "dataplane/sim/wire_checker.hpp"

namespace sluice::sim {

struct HostOutcome {
  ShardStats stats;
  LinkCounters up;
  LinkCounters down;
  std::uint64_t measured_up_bytes =
      0;  // that left its up link in the measured time, IP headers too
};

struct FlowOutcome {
  std::uint64_t measured_bytes = 0;  // of both directions' text
  Duration text_took;                // from its start until the last byte of text had arrived
  Duration took;                     // ... and until both ends had closed
  bool has_ended = false;
};

struct Outcome {
  std::string failure;       // empty: all is well. Otherwise one line, with the seed
  std::uint64_t digest = 0;  // of every packet and its time
  std::uint64_t turns = 0;
  Instant end;
  std::vector<HostOutcome> hosts;
  std::vector<FlowOutcome> flows;
};

class Simulation final : HostEvents, StarEvents {
 public:
  explicit Simulation(const Scenario& scenario);
  ~Simulation();
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  // Null: nobody. Outlives the run.
  void set_observer(Observer* observer) { observer_ = observer; }
  // Lets the flows play to their end.
  Outcome run();

  // The seed of the scenario that was begun last in this program: for who reports an assertion.
  static std::uint64_t latest_seed();

 private:
  struct Flow {
    FlowPlan plan;
    std::unique_ptr<Endpoint> opening;
    std::unique_ptr<Endpoint> accepting;
    bool has_ended() const;
  };

  void on_sent(std::uint32_t host, MutableBytes whole, Instant now) override;
  void on_taken(std::uint32_t host, const wire::Packet& packet) override;
  void on_crossed(std::uint32_t host, Direction direction, const LinkPacket& packet,
                  Instant now) override;
  void on_arrival(std::uint32_t host, LinkPacket packet, Instant now) override;
  void on_nonsense(const char* what) override { verdict_.fail(what); }

  Fault fault_in(std::uint32_t host) const;
  void add_flow(const FlowPlan& plan);
  std::unique_ptr<Endpoint> make_endpoint(const FlowPlan& plan, bool opens);
  void start_flow(Flow& flow);
  // The opener's.
  std::uint32_t core_of(const FlowPlan& plan) const;
  Instant next_event() const;
  void step(Instant now);
  std::uint64_t flows_left() const;
  std::string describe(const Flow& flow) const;
  std::string describe_first_left() const;
  bool is_quiet() const;
  bool is_over(Instant now);
  void check_end();
  void sum_up(Instant now);

  Scenario scenario_;
  Verdict verdict_;
  WireChecker wire_{verdict_};
  Progress progress_;
  LentFrames lent_;
  Star star_;
  std::vector<Flow> flows_;
  std::vector<std::unique_ptr<Host>> hosts_;
  std::size_t first_left_ = 0;  // of the flows; those before it have ended
  Observer* observer_ = nullptr;
  Digest digest_;
  Outcome outcome_;
};

Outcome simulate(const Scenario& scenario);
Outcome simulate(std::uint64_t seed);

}  // namespace sluice::sim
