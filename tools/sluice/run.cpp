#include "tools/sluice/run.hpp"

#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/engine.hpp"
#include "dataplane/io/network_namespace.hpp"
#include "tools/sluice/report.hpp"
#include "tools/sluice/services/services.hpp"

namespace sluice {
namespace {

struct RunOptions {
  Config config;
  std::vector<std::string> addresses;
  std::string io = "uring";
  std::string netns;
  bool no_tso = false;
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

Services: echo 7, discard 9, chargen 19, http 80, a sink for iperf 2 on 5001 (all TCP).
SIGUSR1 prints totals; SIGINT and SIGTERM drain, print totals and end with exit code 0.)";

[[noreturn]] void fail(const std::string& what) {
  std::string line;
  for (const char c : what + "\n") {
    line += c;
    if (c != '\n') continue;
    fmt::print(stderr, "sluice: {}", line);
    line.clear();
  }
  throw CLI::RuntimeError(1);
}

void say(const std::string& line) {
  fmt::print("{}\n", line);
  std::fflush(stdout);
}

std::vector<Cidr> parse_addresses(const std::vector<std::string>& texts) {
  std::vector<Cidr> addresses;
  for (const std::string& text : texts) {
    const auto cidr = Cidr::parse(text);
    if (!cidr)
      fail(
          fmt::format("--address {}: not an address with its prefix, "
                      "such as 10.0.5.100/24 or fd05::100/64",
                      text));
    addresses.push_back(*cidr);
  }
  return addresses;
}

// Blocks them in this thread and in those it starts: they are waited for instead.
sigset_t block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return signals;
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
  if (!options.addresses.empty()) config.addresses = parse_addresses(options.addresses);
  config.io = options.io == "poll" ? IoBackend::poll : IoBackend::uring;
  config.checksum = !options.no_checksum;
  config.tso = !options.no_tso && config.checksum;  // segmentation needs the sums
  try {
    Engine engine(config);
    services::listen_all(engine);
    const sigset_t signals = block_signals();
    std::optional<io::NetworkNamespace> netns;
    if (!options.netns.empty()) netns.emplace(options.netns);
    engine.start();
    const Engine::Facts facts = engine.facts();
    for (const std::string& note : facts.notes) fmt::print(stderr, "sluice: {}\n", note);
    say(report::ready(config, facts, options.json));
    serve(engine, signals, options.json);
    engine.stop();
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
  command.add_option("--tun", config.tun_name, "Name of the TUN device it makes")
      ->capture_default_str();
  command
      .add_option("--address", options->addresses,
                  "The kernel's address with its prefix (CIDR); the engine answers on every "
                  "other address of the network. Repeatable; replaces the defaults "
                  "10.0.5.100/24 and fd05::100/64")
      ->type_name("CIDR");
  command.add_option("--mtu", config.mtu, "Largest IP packet, in bytes")->capture_default_str();
  command.add_option("--workers", config.workers, "Threads, each with a queue of the device")
      ->capture_default_str();
  command
      .add_option("--queue-length", config.queue_length,
                  "Packets from the kernel that may wait for the engine")
      ->capture_default_str();
  command.add_option("--io", options->io, "How packets are read and written")
      ->check(CLI::IsMember({"uring", "poll"}))
      ->capture_default_str();
  command
      .add_option("--netns", options->netns,
                  "Network namespace to run in; made, and removed at the end, when absent")
      ->type_name("NAME");
  command.add_option("--pin", config.pin, "CPU of each worker, separated by commas")
      ->delimiter(',')
      ->type_name("LIST");
  command.add_flag("--busy-poll", config.busy_poll, "Never sleep: one CPU for each worker");
  command.add_flag("--no-tso", options->no_tso, "Without segmentation offload");
  command.add_flag("--no-csum", options->no_checksum,
                   "Without checksum (and so segmentation) offload");
  command.add_flag("--json", options->json, "Print JSON, one document a line");
  command.callback([options] { run(*options); });
}

}  // namespace sluice
