// What options say together: contradictions, and the defaults of what was not said.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "tools/sluice/perf/error_text.hpp"
#include "tools/sluice/perf/options.hpp"

namespace sluice::perf {

inline constexpr const char* kServerGroup = "Server specific";
inline constexpr const char* kClientGroup = "Client specific";

// "sluice: parameter error - WHAT" on stderr, and the end: throws CLI::RuntimeError(1).
[[noreturn]] void parameter_error(const std::string& what);

// Of a command that was parsed into `options`: says what is wrong, or completes them.
void settle(const CLI::App& command, Options& options);

}  // namespace sluice::perf
