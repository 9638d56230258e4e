// `sluice dump`: shows each packet that the kernel sends into a TUN device, and answers nothing.
#pragma once

#include <CLI/CLI.hpp>

namespace sluice {

// Adds the subcommand; its callback runs it and throws CLI::RuntimeError with the exit code.
void add_dump_command(CLI::App& app);

}  // namespace sluice
