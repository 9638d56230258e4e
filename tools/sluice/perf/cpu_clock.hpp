// What this program has used of the CPUs since some moment.
#pragma once

#include <cstdint>

#include "tools/sluice/perf/results.hpp"

namespace sluice::perf {

class CpuClock {
 public:
  CpuClock();  // from now on
  CpuUse used() const;

 private:
  struct Reading {
    double wall = 0;  // seconds, all three
    double user = 0;
    double system = 0;
  };
  static Reading read();

  Reading start_;
};

}  // namespace sluice::perf
