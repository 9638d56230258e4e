// CLOCK_MONOTONIC as an Instant: read once a turn, by the worker.
#pragma once

#include "proto/base/time.hpp"

namespace sluice::io {

Instant now();

}  // namespace sluice::io
