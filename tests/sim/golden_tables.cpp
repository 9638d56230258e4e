// Tables of what the stack reaches in the simulator, beside what theory expects.
//
//   golden_tables FOLDER          writes them
//   golden_tables --check FOLDER  says where they differ from those that are there
//
// The same sources give the same tables on every machine.
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>

#include "tests/sim/path.hpp"
#include "tests/sim/theory.hpp"

namespace sluice::sim {
namespace {

using tcp::Algorithm;

constexpr std::uint64_t kRate = 50'000'000;
constexpr Duration kRoundTrip = Duration::milliseconds(40);
constexpr std::array<std::pair<Algorithm, const char*>, 3> kAlgorithms = {
    {{Algorithm::cubic, "cubic"}, {Algorithm::newreno, "newreno"}, {Algorithm::bbr, "bbr"}}};

std::string text_of(const char* format, auto... values) {
  std::array<char, 200> line{};
  std::snprintf(line.data(), line.size(), format, values...);
  return line.data();
}

// A failed checker must not hide in a table.
std::string mark_of(const Outcome& outcome) {
  return outcome.failure.empty() ? "" : "  FAILED " + outcome.failure;
}

// --- goodput by buffer and loss -----------------------------------------------------------------

double expected_share(Algorithm algorithm, double queue, double p) {
  if (algorithm == Algorithm::bbr) return 1 - p;
  const bool is_cubic = algorithm == Algorithm::cubic;
  const double full = saw_tooth_share(queue, is_cubic ? 0.7 : 0.5);
  if (p == 0) return full;
  const double round_trip = static_cast<double>(kRoundTrip.ns()) / 1e9;
  const double segments = is_cubic ? cubic_window(p, round_trip) : reno_window(p);
  return std::min(full, segments * 1500 * 8 / round_trip / static_cast<double>(kRate));
}

std::string goodput_table() {
  std::string table =
      "Share of the rate that one flow uses, in percent; in parentheses what theory expects.\n"
      "50 Mbit/s, round trip 40 ms, seconds 5 to 35. Buffers in bandwidth-delay products; losses "
      "at random.\n"
      "Theory: the saw tooth of the buffer, or the response function (RFC 9438 5.1, and Reno's), "
      "whichever is less;\nBBR: all that is not lost.\n\n"
      "algorithm  buffer   no loss          0.01 %           0.1 %            1 %\n";
  for (const auto& [algorithm, name] : kAlgorithms) {
    for (const double queue : {0.1, 0.25, 0.5, 1.0, 4.0}) {
      table += text_of("%-9s  %6.2f", name, queue);
      std::string marks;
      for (const double p : {0.0, 1e-4, 1e-3, 1e-2}) {
        const Carried carried = run({.algorithm = algorithm,
                                     .rate_bits = kRate,
                                     .round_trip = kRoundTrip,
                                     .queue = queue,
                                     .faults = {.loss = p},
                                     .to = Duration::seconds(35)});
        table += text_of("   %6.2f (%5.1f)", carried.share * 100,
                         expected_share(algorithm, queue, p) * 100);
        marks += mark_of(carried.outcome);
      }
      table += marks + "\n";
    }
  }
  return table;
}

// --- short flows --------------------------------------------------------------------------------

// One after another on an empty path.
Scenario short_flows(const Path& path, std::uint64_t bytes) {
  constexpr std::uint32_t kFlows = 40;
  Scenario scenario = hosts_of(path);
  for (std::uint32_t i = 0; i < kFlows; ++i) {
    FlowPlan flow = bulk_flow(bytes);
    flow.port = static_cast<std::uint16_t>(i + 1);
    flow.seed = i;
    flow.start = Instant() + Duration::seconds(10) * i;
    scenario.flows.push_back(flow);
  }
  return scenario;
}

std::string short_flow_cell(const Path& path, std::uint64_t bytes) {
  const Outcome outcome = simulate(short_flows(path, bytes));
  std::vector<double> times;
  for (const FlowOutcome& flow : outcome.flows) {
    times.push_back(static_cast<double>(flow.text_took.ns()) / 1e6);
  }
  std::ranges::sort(times);
  return text_of("%9.1f %9.1f", times[times.size() / 2], times[times.size() * 95 / 100]) +
         mark_of(outcome);
}

std::string short_flows_table() {
  std::string table =
      "Time from connect() until the last byte has arrived, in milliseconds: median and 95th "
      "percentile.\n"
      "50 Mbit/s, round trip 40 ms, a buffer of one bandwidth-delay product, forty flows one "
      "after another.\n"
      "Theory, without losses: the handshake, slow start's rounds from ten segments on, the "
      "rate, and half a round trip.\n\n"
      "algorithm      bytes    theory   no loss     95th   loss 1 %     95th\n";
  for (const auto& [algorithm, name] : kAlgorithms) {
    for (const std::uint64_t bytes : {1000U, 10'000U, 100'000U, 1'000'000U}) {
      Path path{.algorithm = algorithm, .rate_bits = kRate, .round_trip = kRoundTrip};
      const double theory = slow_start_seconds(static_cast<double>(bytes), 0.04, kRate) * 1e3;
      table += text_of("%-9s  %9llu  %8.1f ", name, static_cast<unsigned long long>(bytes), theory);
      table += short_flow_cell(path, bytes);
      path.faults.loss = 0.01;
      table += "  " + short_flow_cell(path, bytes) + "\n";
    }
  }
  return table;
}

// --- fairness -----------------------------------------------------------------------------------

// Four flows of one host and four of another over the way to a third.
Scenario rivals(Algorithm first, Algorithm second) {
  const Path path{.rate_bits = kRate, .round_trip = kRoundTrip, .to = Duration::seconds(60)};
  Scenario scenario = hosts_of(path);
  Rng rng(2);
  scenario.hosts.push_back(engine_host(rng, 2));
  scenario.hosts[2].options.shard.tcp = scenario.hosts[1].options.shard.tcp;
  scenario.hosts[2].down.options = scenario.hosts[0].up.options;
  scenario.hosts[2].down.options.delay = Duration();
  for (const std::uint32_t host : {0U, 1U, 2U}) {
    scenario.hosts[host].up.options = {.delay = kRoundTrip / 2};
  }
  scenario.hosts[0].options.shard.tcp.congestion = first;
  scenario.hosts[1].options.shard.tcp.congestion = second;
  scenario.measured.from = Instant() + Duration::seconds(10);
  for (std::uint32_t i = 0; i < 8; ++i) {
    FlowPlan flow = bulk_flow(UINT64_MAX);
    flow.opener = i / 4;
    flow.acceptor = 2;
    flow.port = static_cast<std::uint16_t>(i + 1);
    flow.seed = i;
    flow.opening.send_for = path.to;
    flow.opening.by_reference = true;
    scenario.flows.push_back(flow);
  }
  return scenario;
}

std::string rivals_table() {
  std::string table =
      "\nShare of the first, in percent, of four flows of each; equal would be 50.0.\n\n"
      "first      second     share\n";
  const auto row = [&table](std::size_t i, std::size_t j) {
    const Outcome outcome = simulate(rivals(kAlgorithms[i].first, kAlgorithms[j].first));
    double first = 0;
    double all = 0;
    for (std::size_t flow = 0; flow < outcome.flows.size(); ++flow) {
      const auto bytes = static_cast<double>(outcome.flows[flow].measured_bytes);
      all += bytes;
      if (flow < 4) first += bytes;
    }
    table += text_of("%-9s  %-9s  %5.1f", kAlgorithms[i].second, kAlgorithms[j].second,
                     first / all * 100) +
             mark_of(outcome) + "\n";
  };
  row(0, 1);
  row(0, 2);
  row(1, 2);
  return table;
}

std::string fairness_table() {
  std::string table =
      "Jain's index of equal flows, seconds 10 to 60; one would be equal shares.\n"
      "50 Mbit/s, round trip 40 ms, a buffer of one bandwidth-delay product.\n\n"
      "algorithm  flows   begin together   0.5 s apart   theory\n";
  for (const auto& [algorithm, name] : kAlgorithms) {
    for (const std::uint32_t flows : {2U, 4U, 8U, 16U}) {
      Path path{.algorithm = algorithm,
                .rate_bits = kRate,
                .round_trip = kRoundTrip,
                .flows = flows,
                .from = Duration::seconds(10),
                .to = Duration::seconds(60)};
      const Carried together = run(path);
      path.apart = Duration::milliseconds(500);
      const Carried apart = run(path);
      table += text_of("%-9s  %5u   %14.4f   %11.4f   1.0000", name, flows, together.fairness,
                       apart.fairness) +
               mark_of(together.outcome) + mark_of(apart.outcome) + "\n";
    }
  }
  return table + rivals_table();
}

// --- files --------------------------------------------------------------------------------------

struct Table {
  const char* name;
  std::string (*make)();
};

constexpr std::array<Table, 3> kTables = {{{"goodput.txt", goodput_table},
                                           {"short_flows.txt", short_flows_table},
                                           {"fairness.txt", fairness_table}}};

std::string content_of(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// The first line that differs.
void say_difference(const std::filesystem::path& path, const std::string& made) {
  std::istringstream before(content_of(path));
  std::istringstream after(made);
  std::string old_line;
  std::string new_line;
  for (int number = 1;; ++number) {
    const bool has_old = static_cast<bool>(std::getline(before, old_line));
    const bool has_new = static_cast<bool>(std::getline(after, new_line));
    if (!has_old && !has_new) return;
    if (has_old && has_new && old_line == new_line) continue;
    std::printf("%s:%d: is now\n%s\nand was\n%s\nwhere that is right, write the tables anew\n",
                path.c_str(), number, new_line.c_str(), old_line.c_str());
    return;
  }
}

int work(const std::filesystem::path& folder, bool only_checks) {
  int wrong = 0;
  for (const Table& table : kTables) {
    const std::filesystem::path path = folder / table.name;
    const std::string made = table.make();
    if (!only_checks) {
      std::ofstream(path) << made;
    } else if (content_of(path) != made) {
      say_difference(path, made);
      wrong = 1;
    }
  }
  return wrong;
}

}  // namespace
}  // namespace sluice::sim

int main(int argc, char** argv) {
  const bool only_checks = argc == 3 && std::string_view(argv[1]) == "--check";
  if (argc != 2 && !only_checks) {
    std::fprintf(stderr, "golden_tables: give a folder: golden_tables [--check] FOLDER\n");
    return 2;
  }
  return sluice::sim::work(argv[argc - 1], only_checks);
}
