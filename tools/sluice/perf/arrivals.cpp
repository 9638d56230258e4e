#include "tools/sluice/perf/arrivals.hpp"

#include <algorithm>
#include <utility>

#include "dataplane/core.hpp"

namespace sluice::perf {

Arrival arrival_of(const Stream& stream, std::shared_ptr<Admission> admission) {
  const StreamStats stats = stream.stats();
  return {.worker = Core::here().worker(),
          .began = stream.began(),
          .flow = stream.flow(),
          .mss = stream.snapshot().snd_mss,
          .send_buffer = stats.send_buffer,
          .receive_buffer = stats.receive_buffer,
          .congestion = std::string(stats.congestion),
          .admission = std::move(admission)};
}

Arrival arrival_of(const FlowKey& datagrams) {
  const Core& core = Core::here();
  Arrival arrival;
  arrival.worker = core.worker();
  arrival.began = core.now();
  arrival.flow = datagrams;
  return arrival;
}

void Arrivals::expect(std::size_t count) {
  const std::lock_guard guard(guard_);
  expected_ = count;
}

Arrivals::Taken Arrivals::add(Arrival arrival) {
  const std::lock_guard guard(guard_);
  if (expected_ == 0) return Taken::refused;
  all_.push_back(std::move(arrival));
  return --expected_ == 0 ? Taken::was_last : Taken::taken;
}

bool Arrivals::has(const FlowKey& flow) const {
  const std::lock_guard guard(guard_);
  return std::ranges::find(all_, flow, &Arrival::flow) != all_.end();
}

std::vector<Arrival> Arrivals::take() {
  const std::lock_guard guard(guard_);
  expected_ = 0;
  std::ranges::stable_sort(all_, {}, &Arrival::began);
  return std::exchange(all_, {});
}

}  // namespace sluice::perf
