// Secrets and seeds, from getrandom(2).
#pragma once

#include "proto/base/bytes.hpp"

namespace sluice::io {

// Fills `out` with bytes that nobody can guess; throws std::system_error when the kernel has none.
void fill_random(MutableBytes out);

}  // namespace sluice::io
