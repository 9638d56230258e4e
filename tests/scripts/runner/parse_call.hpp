// The line of a system call: `connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)`.
#pragma once

#include "tests/scripts/runner/reader.hpp"
#include "tests/scripts/runner/script.hpp"

namespace sluice::script {

// From the call's name on; Call::until stays open. Throws SyntaxError.
Call parse_call(Reader& reader);

}  // namespace sluice::script
