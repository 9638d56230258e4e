// Runs a script from its first event to its last, on virtual time.
#pragma once

#include <functional>
#include <string>

#include "tests/scripts/runner/script.hpp"

namespace sluice::script {

struct RunOptions {
  // What was printed, and with `verbose` each event as it happens; a line without its end.
  std::function<void(const std::string& line)> say = [](const std::string&) {};
  bool verbose = false;
};

// What is not as the script says, beginning with "NAME:LINE: "; empty when all is as it says.
std::string run_script(const Script& script, const RunOptions& options = {});

// Reads and runs. A syntax error is told as "NAME:LINE:COLUMN: ".
std::string run_text(const std::string& name, std::string_view text,
                     const RunOptions& options = {});

}  // namespace sluice::script
