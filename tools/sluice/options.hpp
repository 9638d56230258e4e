// What the subcommands share: the options of a device, and how a command ends.
#pragma once

#include <CLI/CLI.hpp>
#include <csignal>
#include <initializer_list>
#include <string>

#include "dataplane/config.hpp"

namespace sluice {

// --tun, --address and --mtu, which go into `config`, and --netns. Both must outlive `command`.
void add_device_options(CLI::App& command, Config& config, std::string& netns);

// How the engine runs on the device: workers, queues, offloads, steering and a capture, which go
// into `config`. It must outlive `command`.
void add_engine_options(CLI::App& command, Config& config);

// --congestion, which goes into `config`. It must outlive `command`.
void add_congestion_option(CLI::App& command, Config& config);

// --receive-buffer and --send-buffer, which go into `config`. It must outlive `command`.
void add_buffer_options(CLI::App& command, Config& config);

// Says each line of `what` on stderr and ends the command with exit code 1.
[[noreturn]] void fail(const std::string& what);

// Blocks the signals in this thread and in those it starts: they are waited for instead. SIGPIPE
// is ignored: a write says it with EPIPE.
sigset_t block_signals(std::initializer_list<int> numbers);

}  // namespace sluice
