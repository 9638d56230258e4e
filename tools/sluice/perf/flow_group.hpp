// The streams of one test, on whatever cores they live, as the core of the control connection sees
// them. Its tasks belong to that core.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "dataplane/core.hpp"
#include "dataplane/coroutine.hpp"
#include "tools/sluice/perf/facts.hpp"
#include "tools/sluice/perf/flow.hpp"

namespace sluice::perf {

class FlowGroup : public std::enable_shared_from_this<FlowGroup> {
 public:
  FlowGroup(Engine& engine, std::size_t flows);
  ~FlowGroup();
  FlowGroup(const FlowGroup&) = delete;
  FlowGroup& operator=(const FlowGroup&) = delete;

  std::size_t size() const { return size_; }
  // On the flow's core, where it stays. `place`: its rank among the test's streams.
  void add(std::size_t place, std::unique_ptr<Flow> flow);

  // Each goes on when all cores have done it; what is missing then lives on a core that has ended.
  co::Task<> start();
  co::Task<std::vector<FlowCount>> begin_counting();
  co::Task<std::vector<FlowCount>> count();
  struct Moved {  // bytes
    std::uint64_t received = 0;
    std::uint64_t sent = 0;
  };
  co::Task<Moved> moved();
  struct Last {
    std::vector<FlowCount> counts;
    std::vector<EndFacts::Extremes> extremes;
  };
  co::Task<Last> stop();
  // Lets go of them all: there are none afterwards.
  co::Task<> close();

 private:
  struct Share;  // of a core

  using Work = std::function<void(std::size_t place, Flow& flow)>;
  co::Task<> for_each(Work work);
  co::Task<std::vector<FlowCount>> count_by(FlowCount (Flow::*way)());

  Engine& engine_;
  std::vector<std::unique_ptr<Share>> shares_;  // each touched on its own core only
  std::size_t size_;
};

}  // namespace sluice::perf
