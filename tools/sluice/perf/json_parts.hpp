// The parts of iperf3's JSON document, each from what it tells.
#pragma once

#include "tools/sluice/perf/document.hpp"
#include "tools/sluice/perf/facts.hpp"
#include "tools/sluice/perf/tally.hpp"

namespace sluice::perf {

// "start", as far as it is known before anything is connected; then what comes to it.
Json start_part();
void add_connection(Json& start, const ConnectFacts& connection);
void add_test(Json& start, const ConnectFacts& connection, const StartFacts& facts);

// One of "intervals".
Json interval_part(Protocol protocol, const IntervalTally& interval);

// "end".
Json end_part(Protocol protocol, const EndTally& end);

}  // namespace sluice::perf
