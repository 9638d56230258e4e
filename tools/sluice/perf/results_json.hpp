// Results as both sides send them: the client first.
#pragma once

#include <cstdint>
#include <string_view>

#include "tools/sluice/perf/document.hpp"
#include "tools/sluice/perf/results.hpp"

namespace sluice::perf {

// Of the documents: a client's is of 256 streams at most, a server's may hold all that it printed.
inline constexpr std::uint32_t kMaxClientResultsBytes = 1U << 20;
inline constexpr std::uint32_t kMaxServerResultsBytes = 16U << 20;

Json to_json(const Results& results);

// Throws BadDocument when a required member is missing, or says what cannot be. Whether the ids
// are those of the test is for the session to judge.
Results parse_results(std::string_view text);

}  // namespace sluice::perf
