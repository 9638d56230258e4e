// For how long a count has been the same.
#pragma once

#include <cstdint>

#include "proto/base/time.hpp"

namespace sluice::perf {

class Standstill {
 public:
  explicit Standstill(Instant now) : since_(now) {}

  // Since it was another one, or the beginning.
  Duration observe(Instant now, std::uint64_t count) {
    if (count != last_) since_ = now;
    last_ = count;
    return now - since_;
  }

 private:
  Instant since_;
  std::uint64_t last_ = 0;
};

}  // namespace sluice::perf
