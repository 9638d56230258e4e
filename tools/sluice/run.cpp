#include "tools/sluice/run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "dataplane/engine.hpp"
#include "dataplane/io/network_namespace.hpp"
#include "tools/sluice/impairment.hpp"
#include "tools/sluice/options.hpp"
#include "tools/sluice/report.hpp"
#include "tools/sluice/services/services.hpp"

namespace sluice {
namespace {

struct RunOptions {
  Config config;
  std::string io = "uring";
  std::string netns;
  bool no_tso = false;
  bool no_uso = false;
  bool no_steering = false;
  bool misroute = false;
  bool no_checksum = false;
  bool json = false;
};

constexpr const char* kExamples = R"(
Examples:
  sluice run --netns demo            in a network namespace of its own, gone at the end
  ip netns exec demo ping 10.0.5.101 talk to it (any address of the network but 10.0.5.100)
  ip netns exec demo curl http://10.0.5.7/
  sluice run --netns demo --tun tun7 --address 192.0.2.1/24 --address 2001:db8::1/64
  sluice run --netns demo --mtu 9000 --io poll --no-tso --json

  sluice run --netns demo --workers 4 --pin 0,1,2,3
  sluice run --netns demo --pcap packets.pcap
  sluice run --netns demo --delay 20ms --loss 1%        20 ms and 1 % each way
  sluice run --netns demo --rate 100M --queue 256k --in-rate 20M

Services: echo 7, discard 9 and chargen 19 over TCP and UDP; http 80 and a sink for iperf 2 on 5001.
SIGUSR1 prints totals; SIGINT and SIGTERM drain, print totals and end with exit code 0.)";

void say(const std::string& line) {
  fmt::print("{}\n", line);
  std::fflush(stdout);
}

void warn(const std::string& line) {
  fmt::print(stderr, "sluice: {}\n", line);
}

void serve(Engine& engine, const sigset_t& signals, bool json) {
  while (true) {
    int signal = 0;
    if (sigwait(&signals, &signal) != 0) continue;
    if (signal != SIGUSR1) return;
    say(report::totals(engine.stats(), json));
  }
}

void run(RunOptions options) {
  Config& config = options.config;
  config.io = options.io == "poll" ? IoBackend::poll : IoBackend::uring;
  config.checksum = !options.no_checksum;
  config.tso = !options.no_tso && config.checksum;  // segmentation needs the sums
  config.uso = !options.no_uso && config.checksum;
  if (options.no_steering) config.steering = SteeringMode::learned;
  if (options.misroute) config.steering = SteeringMode::misroute;
  try {
    Engine engine(config);
    services::listen_all(engine);
    const sigset_t signals = block_signals({SIGINT, SIGTERM, SIGUSR1});
    std::optional<io::NetworkNamespace> netns;
    if (!options.netns.empty()) netns.emplace(options.netns);
    engine.start();
    const Engine::Facts facts = engine.facts();
    for (const std::string& note : facts.notes) warn(note);
    say(report::ready(config, facts, options.json));
    serve(engine, signals, options.json);
    engine.stop();
    for (const std::string& note : engine.facts().notes) {
      if (std::ranges::count(facts.notes, note) == 0) warn(note);
    }
    say(report::totals(engine.stats(), options.json));
  } catch (const std::runtime_error& error) {
    fail(error.what());
  }
}

}  // namespace

void add_run_command(CLI::App& app) {
  auto options = std::make_shared<RunOptions>();
  Config& config = options->config;
  CLI::App& command = *app.add_subcommand("run", "Run the dataplane with its built-in services");
  command.footer(kExamples);
  add_device_options(command, config, options->netns);
  command.add_option("--workers", config.workers, "Threads, each with a queue of the device")
      ->capture_default_str();
  command
      .add_option("--queue-length", config.queue_length,
                  "Packets from the kernel that may wait for the engine")
      ->capture_default_str();
  command.add_option("--io", options->io, "How packets are read and written")
      ->check(CLI::IsMember({"uring", "poll"}))
      ->capture_default_str();
  command.add_option("--pin", config.pin, "CPU of each worker, separated by commas")
      ->delimiter(',')
      ->type_name("LIST");
  command.add_flag("--busy-poll", config.busy_poll, "Never sleep: one CPU for each worker");
  command.add_flag("--no-tso", options->no_tso, "Without segmentation offload");
  command.add_flag("--no-uso", options->no_uso, "Without segmentation offload for UDP");
  command.add_flag("--no-csum", options->no_checksum,
                   "Without checksum (and so segmentation) offload");
  command.add_flag("!--no-offload-test", config.test_offloads,
                   "Trust the device's offloads without trying them first");
  auto* const no_steering =
      command.add_flag("--no-steering", options->no_steering,
                       "Leave the choice of a worker to the kernel's learning, without eBPF");
  command
      .add_flag("--misroute", options->misroute,
                "For tests: steer every packet to a wrong worker, which hands it over")
      ->excludes(no_steering);
  command.add_option("--pcap", config.pcap, "Record all packets, both ways, for tcpdump or tshark")
      ->type_name("FILE");
  add_tcp_options(command, config);
  add_impairment_options(command, config);
  command.add_flag("--json", options->json, "Print JSON, one document a line");
  command.callback([options] { run(*options); });
}

}  // namespace sluice
