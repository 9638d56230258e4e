// `sluice run`: the dataplane with its built-in services.
#pragma once

#include <CLI/CLI.hpp>

namespace sluice {

// Adds the subcommand; its callback runs it and throws CLI::RuntimeError with the exit code.
void add_run_command(CLI::App& app);

}  // namespace sluice
