// The options of `sluice perf`, named as iperf3 names them.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "dataplane/config.hpp"
#include "proto/base/time.hpp"
#include "proto/wire/family.hpp"
#include "tools/sluice/perf/facts.hpp"
#include "tools/sluice/perf/parameters.hpp"
#include "tools/sluice/perf/report.hpp"

namespace sluice::perf {

struct Options {
  Role role = Role::client;
  Config config;  // of the engine: run's device options, workers, impairment
  std::string netns;
  std::uint16_t port = 5201;
  std::optional<IpAddress> bind;  // -B: our address; none: the first of ours in that family
  std::optional<Family> family;   // -4, -6
  ReportOptions report;
  double interval_seconds = 1;  // 0: only the end
  std::string logfile;
  std::string pidfile;
  std::string trace;                                  // file; empty: none
  Duration receive_timeout = Duration::seconds(120);  // no data while it receives

  // Client.
  std::string host;
  Parameters parameters;          // block_bytes is 0 for UDP without -l
  std::uint16_t client_port = 0;  // --cport, of the first stream; 0: chosen
  Duration connect_timeout;       // zero: TCP's own

  // Server.
  bool one_off = false;
  Duration idle_timeout;                                   // zero: none
  std::uint64_t bitrate_limit = 0;                         // of all streams; 0: none
  Duration bitrate_limit_interval = Duration::seconds(5);  // over which it is the average
};

// `run` gets what was typed, checked. What is wrong is said in one line on stderr, and thrown as
// CLI::RuntimeError(1), or as CLI's own errors.
void add_perf_command(CLI::App& app, std::function<void(Options)> run);

}  // namespace sluice::perf
