// Parameters as the client sends them: reference for keys and units is what iperf3 3.12 sends.
#pragma once

#include <string_view>

#include "tools/sluice/perf/document.hpp"
#include "tools/sluice/perf/parameters.hpp"

namespace sluice::perf {

inline constexpr std::uint32_t kMaxParametersBytes = 8'192;  // of the document; as of 3.18

Json to_json(const Parameters& parameters);

// What a client asks for; each member may be absent. What it asks too much of (a longer test, a
// larger buffer than anybody has) becomes what there is; a number of streams, or a length of
// blocks, on which both sides must agree, is refused: throws BadDocument.
Parameters parse_parameters(std::string_view text);

}  // namespace sluice::perf
