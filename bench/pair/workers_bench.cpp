// Many workers: how throughput grows with them, and what a hand-off costs.
#include <benchmark/benchmark.h>

#include <chrono>
#include <thread>

#include "bench/pair/fleet.hpp"

namespace sluice::bench {
namespace {

// Arguments: workers; whether every packet comes to a wrong one. Each worker runs both ends of its
// connections, on a thread of its own.
void workers(benchmark::State& state) {
  constexpr std::uint32_t kConnectionsEach = 4;
  Workers workers(static_cast<std::uint32_t>(state.range(0)), kConnectionsEach,
                  state.range(1) != 0);
  std::this_thread::sleep_for(std::chrono::milliseconds(200));  // past slow start
  const std::uint64_t bytes_before = workers.received();
  const std::uint64_t handed_before = workers.handed();
  for (auto _ : state) std::this_thread::sleep_for(std::chrono::milliseconds(500));
  const auto bytes = static_cast<double>(workers.received() - bytes_before);
  const auto handed = static_cast<double>(workers.handed() - handed_before);
  if (bytes == 0) state.SkipWithError("nothing moves");
  state.counters["Gbit/s"] = benchmark::Counter(bytes * 8e-9, benchmark::Counter::kIsRate);
  state.counters["handed/s"] = benchmark::Counter(handed, benchmark::Counter::kIsRate);
}
BENCHMARK(workers)
    ->ArgNames({"workers", "misrouted"})
    ->Args({1, 0})
    ->Args({2, 0})
    ->Args({2, 1})
    ->Args({4, 0})
    ->Args({4, 1})
    ->Args({8, 0})
    ->Args({16, 0})
    ->Iterations(2)
    ->UseRealTime();

}  // namespace
}  // namespace sluice::bench
