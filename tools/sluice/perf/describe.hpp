// What there is to say of a connection, from what the engine knows of it.
#pragma once

#include <cstddef>
#include <string_view>

#include "dataplane/stream.hpp"
#include "tools/sluice/perf/facts.hpp"
#include "tools/sluice/perf/parameters.hpp"

namespace sluice::perf {

// Of a test, by its control connection, now.
ConnectFacts describe_test(Role role, const Parameters& parameters, std::string_view cookie,
                           const Stream& control);
// `engines_choice`: the algorithm, where the parameters name none that there is.
FlowFacts describe_flow(std::size_t place, Role role, const Parameters& parameters,
                        const FlowKey& flow, std::string_view engines_choice);

}  // namespace sluice::perf
