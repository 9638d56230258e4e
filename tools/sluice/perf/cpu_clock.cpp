#include "tools/sluice/perf/cpu_clock.hpp"

#include <sys/resource.h>

#include <algorithm>

#include "dataplane/io/clock.hpp"

namespace sluice::perf {
namespace {

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

}  // namespace

CpuClock::Reading CpuClock::read() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return {static_cast<double>(io::now().ns()) * 1e-9, seconds(usage.ru_utime),
          seconds(usage.ru_stime)};
}

CpuClock::CpuClock() : start_(read()) {}

CpuUse CpuClock::used() const {
  const Reading now = read();
  const double wall = std::max(now.wall - start_.wall, 1e-9);
  const double user = 100 * (now.user - start_.user) / wall;
  const double system = 100 * (now.system - start_.system) / wall;
  return {user + system, user, system};
}

}  // namespace sluice::perf
