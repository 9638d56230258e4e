// CPU time that has been used, in seconds, in steps of a tick (10 ms). Source: proc(5).
#pragma once

#include <sys/types.h>

namespace sluice::load {

// User and system time of all threads of a process, softirqs that ran on its back included. Throws
// std::runtime_error when there is no such process.
double process_cpu_seconds(pid_t pid);

// Of all CPUs together: everything but idle, waiting for a disk, and stolen by the hypervisor.
double machine_cpu_seconds();

}  // namespace sluice::load
