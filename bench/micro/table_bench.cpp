// The shard's containers under load.
#include <benchmark/benchmark.h>

#include <vector>

#include "dataplane/shard/connection_table.hpp"
#include "dataplane/shard/timer_wheel.hpp"
#include "proto/base/rng.hpp"

namespace sluice {
namespace {

// Argument: connections in a table that is full.
void table_lookup(benchmark::State& state) {
  const auto flows = static_cast<std::uint32_t>(state.range(0));
  ConnectionTable table(flows);
  Rng rng(1);
  std::vector<std::uint64_t> hashes(flows);
  for (std::uint32_t i = 0; i < flows; ++i) {
    hashes[i] = rng.next();
    table.insert(hashes[i], FlowRef::connection(i));
  }
  std::uint32_t at = 0;
  for (auto _ : state) {
    at = (at + 7919) % flows;
    benchmark::DoNotOptimize(
        table.find(hashes[at], [at](FlowRef ref) { return ref.index() == at; }));
  }
}
BENCHMARK(table_lookup)->Arg(16)->Arg(1000)->Arg(16'384)->Arg(262'144);

void table_insert_erase(benchmark::State& state) {
  const auto flows = static_cast<std::uint32_t>(state.range(0));
  ConnectionTable table(flows);
  Rng rng(1);
  for (std::uint32_t i = 1; i < flows; ++i) table.insert(rng.next(), FlowRef::connection(i));
  for (auto _ : state) {
    const std::uint64_t hash = rng.next();
    table.insert(hash, FlowRef::connection(0));
    table.erase(hash, FlowRef::connection(0));
  }
}
BENCHMARK(table_insert_erase)->Arg(1000)->Arg(16'384)->Arg(262'144);

// Argument: other nodes that are armed at random within a minute.
void wheel_arm_cancel(benchmark::State& state) {
  TimerWheel wheel(Instant{});
  Rng rng(1);
  std::vector<WheelNode> others(static_cast<std::size_t>(state.range(0)));
  const auto draw = [&rng] {
    return Instant() + Duration::microseconds(static_cast<std::int64_t>(rng.below(60'000'000)));
  };
  for (WheelNode& node : others) wheel.arm(node, draw());
  WheelNode node;
  for (auto _ : state) {
    wheel.arm(node, draw());
    wheel.cancel(node);
  }
  for (WheelNode& other : others) wheel.cancel(other);
}
BENCHMARK(wheel_arm_cancel)->Arg(0)->Arg(10'000);

// Fires one node and arms it again, 200 ms on: a retransmission timer's life.
void wheel_fire_and_arm(benchmark::State& state) {
  TimerWheel wheel(Instant{});
  std::vector<WheelNode> nodes(static_cast<std::size_t>(state.range(0)));
  Rng rng(1);
  const Duration period = Duration::milliseconds(200);
  for (WheelNode& node : nodes) {
    const auto ns = static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(period.ns())));
    wheel.arm(node, Instant::from_ns(ns));
  }
  Instant now;
  for (auto _ : state) {
    WheelNode* node = nullptr;
    while ((node = wheel.pop_due(now)) == nullptr) now = wheel.next_deadline();
    wheel.arm(*node, now + period);
  }
  for (WheelNode& node : nodes) wheel.cancel(node);
}
BENCHMARK(wheel_fire_and_arm)->Arg(1)->Arg(1000)->Arg(100'000);

}  // namespace
}  // namespace sluice
