#include "dataplane/io/clock.hpp"

#include <time.h>

#include "proto/base/assert.hpp"

namespace sluice::io {

Instant now() {
  timespec time{};
  SLUICE_ASSERT(clock_gettime(CLOCK_MONOTONIC, &time) == 0);
  return Instant::from_ns(std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec);
}

}  // namespace sluice::io
