// Where a worker runs, and how exactly it wakes.
#pragma once

#include <cstdint>
#include <vector>

namespace sluice::io {

// CPUs that this process may run on.
std::vector<std::uint32_t> allowed_cpus();

// Pins the calling thread to one CPU; throws std::system_error when it may not run there.
void pin_to_cpu(std::uint32_t cpu);

// Lets the calling thread's timers fire as late as one nanosecond after their time, not the 50
// microseconds of the default (PR_SET_TIMERSLACK), and names it for ps and top (15 characters).
void prepare_worker_thread(const char* name);

}  // namespace sluice::io
