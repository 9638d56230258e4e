// `sluice perf`: a server, or a client, of iperf3's protocol on an engine of its own.
#pragma once

#include "tools/sluice/perf/options.hpp"

namespace sluice::perf {

// Until it is done, or interrupted by a signal. Throws CLI::RuntimeError with the exit code when
// that is not 0.
void run(const Options& options);

}  // namespace sluice::perf
