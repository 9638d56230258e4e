// How both sides number a test's streams, and who sends on which: in the order in which the client
// opens them, first those on which it sends.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/stream_options.hpp"
#include "tools/sluice/perf/facts.hpp"
#include "tools/sluice/perf/parameters.hpp"

namespace sluice::perf {

// 1, 3, 4, 5, ...: stock peers leave 2 out.
inline int id_at(std::size_t place) {
  return place == 0 ? 1 : static_cast<int>(place) + 2;
}
// What stands in brackets where stock programs show a descriptor.
inline int socket_at(std::size_t place) {
  return 5 + 2 * static_cast<int>(place);
}
bool sends_at(std::size_t place, Role role, const Parameters& parameters);
// "cubic,bbr" by turns; "" leaves it to the engine.
std::string congestion_at(std::size_t place, const Parameters& parameters);
// The algorithms of this side as a list, each named once: of the streams that it sends on, if any.
std::string congestion_of(const std::vector<FlowFacts>& flows);
// What both sides' connections have from their first packet on.
StreamOptions stream_options(const Parameters& parameters);
std::vector<std::string> split_names(std::string_view list);
// Throws TestFailure(stream_id) when the other side's results lack one of these.
void check_ids(const Results& theirs, const std::vector<FlowFacts>& flows);

}  // namespace sluice::perf
