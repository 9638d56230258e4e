// `sluice sim`: the stack against itself on virtual time, over a network that does its worst.
#pragma once

#include <CLI/CLI.hpp>

namespace sluice {

// Adds the subcommand; its callback runs it and throws CLI::RuntimeError with the exit code.
void add_sim_command(CLI::App& app);

}  // namespace sluice
