#include "tools/sluice/sim.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "dataplane/io/capture.hpp"
#include "dataplane/sim/simulation.hpp"
#include "proto/base/assert.hpp"
#include "proto/wire/format.hpp"
#include "tools/sluice/options.hpp"
#include "tools/sluice/scenario_file.hpp"

namespace sluice {
namespace {

struct SimOptions {
  std::uint64_t seed = 1;
  std::uint64_t seeds = 1;
  double minutes = 1;
  std::string scenario;
  std::string pcap;
  std::string broken;
  bool trace = false;
};

constexpr const char* kExamples = R"(
Examples:
  sluice sim                             one virtual minute, drawn from seed 1
  sluice sim --seed 4711 --pcap crossed  again, with a capture file for each link
  sluice sim --seeds 10000               as many scenarios; each that fails says so in one line
  sluice sim --break lost-frame          a planted fault, and the checker that sees it
  sluice sim --scenario bulk.json        one written by hand:
    {"hosts": [{"up": {"rate": "100M", "delay": "10ms", "queue": "250k"}},
               {"up": {"delay": "10ms"}, "tcp": {"receive-buffer": "4M"}}],
     "flows": [{"kind": "bulk", "from": 0, "to": 1, "for": "65s"}],
     "measure": {"from": "5s", "to": "65s"}}

Each packet that a host's stack sends, and each that comes to the end of a link, counts for the
digest, with its time. A checker that fails says so in one line, the last of its run,

  sim seed=S t=MICROSECONDSus: WHAT (repeat: COMMAND)

and the exit code is 1. What a scenario may hold: dataplane/sim/README.md.)";

void report_assertion(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "sim seed=%llu: assertion %s failed at %s:%d\n",
               static_cast<unsigned long long>(sim::Simulation::latest_seed()), expression, file,
               line);
}

// Shows packets, and writes those that cross a link into its capture file.
class Recorder final : public sim::Observer {
 public:
  Recorder(const SimOptions& options, std::uint64_t seed)
      : trace_(options.trace), folder_(options.pcap) {
    if (folder_.empty()) return;
    if (options.seeds > 1) folder_ = folder_ / std::to_string(seed);
    std::error_code error;
    std::filesystem::create_directories(folder_, error);
    if (error) fail(fmt::format("--pcap {}: {}", folder_.string(), error.message()));
  }

  void on_sent(std::uint32_t host, Bytes whole, Instant now) override {
    if (trace_) show(fmt::format("host {} sends", host), whole, now);
  }

  void on_crossed(std::uint32_t host, sim::Direction direction, Bytes whole, Instant now) override {
    const bool up = direction == sim::Direction::up;
    if (trace_) show(fmt::format("host {} {}", host, up ? "to hub" : "gets"), whole, now);
    if (folder_.empty()) return;
    const iovec bytes{const_cast<std::uint8_t*>(whole.data()), whole.size()};
    file_of(fmt::format("host-{}-{}", host, up ? "up" : "down")).write({&bytes, 1}, now);
  }

  void close() {
    for (auto& [name, file] : files_) file.close();
  }

 private:
  static void show(const std::string& event, Bytes whole, Instant now) {
    const Bytes ip = whole.subspan(wire::kVirtioNetHeaderSize);
    fmt::print("{:.6f} {}: {}\n", static_cast<double>(now.ns()) / 1e9, event,
               wire::format_packet(ip, wire::parse_virtio_net(whole)));
  }

  io::Capture& file_of(const std::string& name) {
    return files_.try_emplace(name, (folder_ / (name + ".pcap")).string()).first->second;
  }

  bool trace_;
  std::filesystem::path folder_;
  std::map<std::string, io::Capture> files_;
};

sim::Scenario scenario_of(const SimOptions& options, std::uint64_t seed) {
  const sim::Fault fault = sim::fault_of(options.broken);
  if (!options.scenario.empty()) {
    sim::Scenario scenario = read_scenario(options.scenario, seed);
    scenario.fault = fault;
    return scenario;
  }
  if (fault != sim::Fault::none) return sim::faulty_scenario(seed, fault);
  constexpr double kNanosecondsPerMinute = 60e9;
  return sim::draw_scenario(
      seed,
      Duration::nanoseconds(static_cast<std::int64_t>(options.minutes * kNanosecondsPerMinute)));
}

double seconds(Duration duration) {
  return static_cast<double>(duration.ns()) / 1e9;
}

void say_measured(const sim::Scenario& scenario, const sim::Outcome& outcome) {
  const double time = seconds(scenario.measured.to - scenario.measured.from);
  if (time <= 0) return;
  for (std::size_t i = 0; i < outcome.hosts.size(); ++i) {
    const auto bits = static_cast<double>(outcome.hosts[i].measured_up_bytes) * 8;
    const std::uint64_t rate = scenario.hosts[i].up.options.rate_bits;
    fmt::print("  host {}: {:.3f} Mbit/s over its link", i, bits / time / 1e6);
    if (rate != 0)
      fmt::print(", {:.2f} % of its rate", bits / time / static_cast<double>(rate) * 100);
    fmt::print("\n");
  }
  std::vector<double> rates;
  for (const sim::FlowOutcome& flow : outcome.flows) {
    rates.push_back(static_cast<double>(flow.measured_bytes) * 8 / time);
  }
  if (rates.size() > 1) fmt::print("  fairness {:.4f}\n", sim::Fairness::index(rates));
  for (std::size_t i = 0; i < rates.size(); ++i) {
    fmt::print("  flow {} ({}): {:.3f} Mbit/s of text, {:.3f} s\n", i + 1, scenario.flows[i].kind,
               rates[i] / 1e6, seconds(outcome.flows[i].took));
  }
}

void say_outcome(const sim::Scenario& scenario, const sim::Outcome& outcome, double took) {
  const double end = seconds(outcome.end - Instant());
  ShardStats sum;
  std::pair<std::uint64_t, std::uint64_t> lost;  // at all, and by full queues
  for (const sim::HostOutcome& host : outcome.hosts) {
    sum += host.stats;
    for (const LinkCounters& link : {host.up, host.down}) {
      lost.first += link.lost + link.queue_full + link.too_big;
      lost.second += link.queue_full;
    }
  }
  fmt::print(
      "seed {}: digest {:016x}; {} flows, {:.3f} s in {:.3f} s ({:.0f} times as fast)\n"
      "  {} segments, {} sent again, {} timeouts; {} packets lost, {} by full queues\n",
      scenario.seed, outcome.digest, scenario.flows.size(), end, took, end / took, sum.segments_out,
      sum.retransmitted, sum.timeouts, lost.first, lost.second);
  say_measured(scenario, outcome);
}

// What repeats a run.
std::string command_of(const SimOptions& options, std::uint64_t seed) {
  std::string command = fmt::format("sluice sim --seed {}", seed);
  if (!options.scenario.empty()) command += " --scenario " + options.scenario;
  if (options.scenario.empty() && options.minutes != 1) {
    command += fmt::format(" --minutes {}", options.minutes);
  }
  if (!options.broken.empty()) command += " --break " + options.broken;
  return command;
}

// The outcome's digest.
std::uint64_t run_one(const SimOptions& options, std::uint64_t seed, bool& failed) {
  const sim::Scenario scenario = scenario_of(options, seed);
  const auto begin = std::chrono::steady_clock::now();
  sim::Simulation simulation(scenario);
  std::optional<Recorder> recorder;
  if (options.trace || !options.pcap.empty()) {
    recorder.emplace(options, seed);
    simulation.set_observer(&*recorder);
  }
  const sim::Outcome outcome = simulation.run();
  if (recorder) recorder->close();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  if (options.seeds == 1) say_outcome(scenario, outcome, took.count());
  failed = !outcome.failure.empty();
  if (failed) fmt::print("{} (repeat: {})\n", outcome.failure, command_of(options, seed));
  std::fflush(stdout);
  return outcome.digest;
}

void check(const SimOptions& options) {
  if (!(options.minutes > 0 && options.minutes <= 10'000)) {
    fail(fmt::format("--minutes {}: give more than 0, and at most 10000", options.minutes));
  }
  if (options.broken.empty() || sim::fault_of(options.broken) != sim::Fault::none) return;
  std::string known;
  for (const sim::FaultRow& row : sim::all_faults()) {
    known += fmt::format("\n  {:20} {}", row.name, row.effect);
  }
  fail(fmt::format("--break {}: unknown; the known faults are{}", options.broken, known));
}

void run(const SimOptions& options) {
  check(options);
  set_assertion_reporter(report_assertion);
  std::uint64_t failures = 0;
  sim::Digest digest;
  try {
    for (std::uint64_t i = 0; i < options.seeds; ++i) {
      bool failed = false;
      digest.add(run_one(options, options.seed + i, failed));
      failures += failed ? 1 : 0;
    }
  } catch (const CLI::Error&) {
    throw;  // said already
  } catch (const std::runtime_error& error) {
    fail(error.what());
  }
  if (options.seeds > 1) {
    fmt::print("seeds {} to {}: digest {:016x}; {} failed\n", options.seed,
               options.seed + options.seeds - 1, digest.value(), failures);
  }
  if (failures > 0) throw CLI::RuntimeError(1);
}

}  // namespace

void add_sim_command(CLI::App& app) {
  auto options = std::make_shared<SimOptions>();
  CLI::App& command = *app.add_subcommand("sim", "Run the stack against itself on virtual time");
  command.footer(kExamples);
  command.add_option("--seed", options->seed, "What everything is drawn from")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command.add_option("--seeds", options->seeds, "How many seeds, from --seed on")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  auto* const minutes =
      command.add_option("--minutes", options->minutes, "Virtual time of a drawn scenario")
          ->capture_default_str();
  command.add_option("--scenario", options->scenario, "A scenario in JSON, instead of a drawn one")
      ->type_name("FILE")
      ->excludes(minutes);
  command
      .add_option("--pcap", options->pcap, "Write what crosses each link, for tcpdump or tshark")
      ->type_name("DIR");
  command.add_option("--break", options->broken, "Plant a known fault; a wrong name lists them")
      ->type_name("NAME");
  command.add_flag("--trace", options->trace, "Show each packet");
  command.callback([options] { run(*options); });
}

}  // namespace sluice
