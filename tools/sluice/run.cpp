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
#include "tools/sluice/perf/server.hpp"
#include "tools/sluice/report.hpp"
#include "tools/sluice/services/services.hpp"

namespace sluice {
namespace {

struct RunOptions {
  Config config;
  std::string netns;
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

Services: echo 7, discard 9 and chargen 19 over TCP and UDP; http 80, a sink for iperf 2 on 5001,
and the server of `sluice perf`, which any iperf3 can talk to, on 5201.
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

void run(const RunOptions& options) {
  const Config& config = options.config;
  try {
    Engine engine(config);
    services::listen_all(engine);
    perf::Server perf(engine, {.most_send_buffer = config.tcp.send_buffer_bytes});
    perf.open();
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
  add_engine_options(command, config);
  add_congestion_option(command, config);
  add_buffer_options(command, config);
  add_impairment_options(command, config);
  command.add_flag("--json", options->json, "Print JSON, one document a line");
  command.callback([options] { run(*options); });
}

}  // namespace sluice
