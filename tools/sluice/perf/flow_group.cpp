#include "tools/sluice/perf/flow_group.hpp"

#include <atomic>
#include <utility>

#include "tools/sluice/perf/everywhere.hpp"

namespace sluice::perf {

// The flows of one core. They go with it at the latest, and keep their group until then.
struct FlowGroup::Share final : Resident {
  Share(std::shared_ptr<FlowGroup> of, std::uint32_t on) : group(std::move(of)), worker(on) {}

  void on_core_end() override {
    const std::shared_ptr<FlowGroup> keep = std::move(group);
    keep->shares_[worker].reset();
  }

  std::shared_ptr<FlowGroup> group;
  std::uint32_t worker;
  std::vector<std::pair<std::size_t, std::unique_ptr<Flow>>> flows;
};

FlowGroup::FlowGroup(Engine& engine, std::size_t flows)
    : engine_(engine), shares_(engine.workers()), size_(flows) {}

FlowGroup::~FlowGroup() = default;

void FlowGroup::add(std::size_t place, std::unique_ptr<Flow> flow) {
  Core& core = Core::here();
  std::unique_ptr<Share>& share = shares_[core.worker()];
  if (!share) {
    share = std::make_unique<Share>(shared_from_this(), core.worker());
    core.add(*share);
  }
  share->flows.emplace_back(place, std::move(flow));
}

co::Task<> FlowGroup::for_each(Work work) {
  const auto group = shared_from_this();
  std::function<void(std::uint32_t)> on_core = [group, work](std::uint32_t worker) {
    Share* const share = group->shares_[worker].get();
    if (share == nullptr) return;
    for (auto& [place, flow] : share->flows) work(place, *flow);
  };
  co_await everywhere(engine_, std::move(on_core));
}

co::Task<> FlowGroup::start() {
  Work work = [](std::size_t, Flow& flow) { flow.start(); };
  co_await for_each(std::move(work));
}

co::Task<std::vector<FlowCount>> FlowGroup::begin_counting() {
  return count_by(&Flow::begin_counting);
}

co::Task<std::vector<FlowCount>> FlowGroup::count() {
  return count_by(&Flow::count);
}

co::Task<std::vector<FlowCount>> FlowGroup::count_by(FlowCount (Flow::*way)()) {
  // Shared: who waits may be gone when the last core counts.
  const auto counts = std::make_shared<std::vector<FlowCount>>(size_);
  Work work = [counts, way](std::size_t place, Flow& flow) { (*counts)[place] = (flow.*way)(); };
  co_await for_each(std::move(work));
  co_return std::move(*counts);
}

co::Task<FlowGroup::Moved> FlowGroup::moved() {
  struct Sum {
    std::atomic<std::uint64_t> received = 0;
    std::atomic<std::uint64_t> sent = 0;
  };
  const auto sum = std::make_shared<Sum>();
  Work work = [sum](std::size_t, Flow& flow) {
    sum->received += flow.received();
    sum->sent += flow.sent();
  };
  co_await for_each(std::move(work));
  co_return Moved{.received = sum->received, .sent = sum->sent};
}

co::Task<FlowGroup::Last> FlowGroup::stop() {
  const auto last = std::make_shared<Last>();
  last->counts.resize(size_);
  last->extremes.resize(size_);
  Work work = [last](std::size_t place, Flow& flow) {
    flow.stop();
    last->counts[place] = flow.count();
    last->extremes[place] = flow.extremes();
  };
  co_await for_each(std::move(work));
  co_return std::move(*last);
}

co::Task<> FlowGroup::close() {
  const auto group = shared_from_this();
  std::function<void(std::uint32_t)> on_core = [group](std::uint32_t worker) {
    const std::unique_ptr<Share> share = std::move(group->shares_[worker]);
    if (!share) return;
    for (auto& [place, flow] : share->flows) flow->close();
  };
  co_await everywhere(engine_, std::move(on_core));
}

}  // namespace sluice::perf
