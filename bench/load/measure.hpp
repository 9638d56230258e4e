// Runs a job for a while and says what came of it.
#pragma once

#include <sys/types.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "bench/load/job.hpp"

namespace sluice::load {

struct Plan {
  double warmup_seconds = 0.2;  // not counted: slow start, and buffers that grow
  double seconds = 1.0;
  std::optional<pid_t> watched;  // the system under test, for its CPU time
};

// One object: seconds, bytes_in, bytes_out, operations, machine_cpu_seconds; p50_us and p99_us for
// jobs of operations; system_cpu_seconds for a watched system. All over the same span of time.
nlohmann::ordered_json measure(Job& job, const Plan& plan);

}  // namespace sluice::load
