#include "bench/load/measure.hpp"

#include <algorithm>

#include "bench/load/cpu_time.hpp"
#include "bench/load/stopwatch.hpp"

namespace sluice::load {
namespace {

using Json = nlohmann::ordered_json;

// Everything that is read at both ends of the span.
struct Mark {
  Tally tally;
  double machine_cpu = 0;
  double system_cpu = 0;

  Mark(const Job& job, const Plan& plan)
      : tally(job.tally()),
        machine_cpu(machine_cpu_seconds()),
        system_cpu(plan.watched ? process_cpu_seconds(*plan.watched) : 0) {}
};

// Returns how long it took: a turn cannot be cut short.
double run_for(Job& job, double seconds) {
  const Stopwatch since;
  while (since.elapsed_seconds() < seconds) job.turn();
  return since.elapsed_seconds();
}

// Of sorted nanoseconds, which are not none: the smallest that `share` of them do not exceed.
double percentile_us(const std::vector<std::uint32_t>& sorted, double share) {
  const auto index = static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1));
  return sorted[index] / 1e3;
}

void add_latencies(Json& result, std::vector<std::uint32_t> latencies) {
  if (latencies.empty()) return;
  std::sort(latencies.begin(), latencies.end());
  result["p50_us"] = percentile_us(latencies, 0.50);
  result["p99_us"] = percentile_us(latencies, 0.99);
}

}  // namespace

Json measure(Job& job, const Plan& plan) {
  run_for(job, plan.warmup_seconds);
  job.take_latencies();
  const Mark begin(job, plan);
  const double seconds = run_for(job, plan.seconds);
  const Mark end(job, plan);
  Json result;
  result["seconds"] = seconds;
  result["bytes_in"] = end.tally.bytes_in - begin.tally.bytes_in;
  result["bytes_out"] = end.tally.bytes_out - begin.tally.bytes_out;
  result["operations"] = end.tally.operations - begin.tally.operations;
  add_latencies(result, job.take_latencies());
  result["machine_cpu_seconds"] = end.machine_cpu - begin.machine_cpu;
  if (plan.watched) result["system_cpu_seconds"] = end.system_cpu - begin.system_cpu;
  return result;
}

}  // namespace sluice::load
