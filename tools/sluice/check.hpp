// `sluice check`: what this machine offers, and which mode the engine would pick.
#pragma once

#include <CLI/CLI.hpp>

namespace sluice {

// Adds the subcommand; its callback runs it and, when the engine could not run here, throws
// CLI::RuntimeError with exit code 1.
void add_check_command(CLI::App& app);

}  // namespace sluice
