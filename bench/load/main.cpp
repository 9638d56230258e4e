// sluice_load: the one client that puts load on every system of a comparison, and the server that
// stands for the kernel's own stack. Kernel sockets, one thread, one JSON line for each run.
//
// Exit status: 0; 1 when a run went wrong; 3 when the congestion control could not be set.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>
#include <optional>

#include "bench/load/measure.hpp"
#include "bench/load/server.hpp"
#include "dataplane/io/cpu.hpp"

namespace sluice::load {
namespace {

constexpr int kWrongCongestion = 3;

struct Options {
  std::string address = "10.0.5.1";
  std::uint32_t addresses = 1;
  Direction direction = Direction::in;
  JobOptions job;
  Plan plan;
  std::optional<std::uint32_t> pin;
};

const std::map<std::string, Direction> kDirections{
    {"in", Direction::in}, {"out", Direction::out}, {"both", Direction::both}};

void add_common_options(CLI::App& command, Options& options) {
  command.add_option("--pin", options.pin, "CPU to run on");
  command.add_option("--congestion", options.job.congestion, "Congestion control of every socket")
      ->default_val("cubic");
}

void add_job_options(CLI::App& command, Options& options) {
  add_common_options(command, options);
  command.add_option("--address", options.address, "IPv4 address of the system under test")
      ->capture_default_str();
  command.add_option("--addresses", options.addresses, "How many from there on are its own")
      ->check(CLI::Range(1, 65'536))
      ->capture_default_str();
  command.add_option("--connections", options.job.connections, "How many at a time")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command.add_option("--seconds", options.plan.seconds, "How long it is measured")
      ->check(CLI::Range(0.01, 60.0))
      ->capture_default_str();
  command.add_option("--warmup", options.plan.warmup_seconds, "Seconds before that")
      ->check(CLI::Range(0.0, 60.0))
      ->capture_default_str();
  command.add_option("--watch", options.plan.watched, "Process whose CPU time is counted")
      ->type_name("PID");
}

void pin(const Options& options) {
  if (options.pin) io::pin_to_cpu(*options.pin);
}

void run_server(const Options& options) {
  pin(options);
  serve(options.job.congestion, [] {
    std::puts("ready");
    std::fflush(stdout);
  });
}

template <typename MakeJob>
void run_job(Options& options, MakeJob make_job) {
  pin(options);
  options.job.target = Target::parse(options.address, options.addresses);
  const std::unique_ptr<Job> job = make_job(options.job);
  std::puts(measure(*job, options.plan).dump().c_str());
}

void probe(const Options& options) {
  const UniqueFd fd = listen_on(0, options.job.congestion);
  require_congestion(fd.get(), options.job.congestion);
}

void add_subcommands(CLI::App& app, Options& options) {
  CLI::App& bulk = *app.add_subcommand("bulk", "Bytes to port 5001, from port 19, or both at once");
  bulk.add_option("--direction", options.direction,
                  "Seen from the system under test: in, out, both")
      ->transform(CLI::CheckedTransformer(kDirections))
      ->required();
  add_job_options(bulk, options);
  bulk.callback([&options] {
    run_job(options, [&](const JobOptions& job) { return make_bulk(job, options.direction); });
  });
  CLI::App& request = *app.add_subcommand("request", "One byte to port 7 and back");
  add_job_options(request, options);
  request.callback([&options] { run_job(options, make_request); });
  CLI::App& connect = *app.add_subcommand("connect", "Connect to port 7, one byte, close");
  add_job_options(connect, options);
  connect.callback([&options] { run_job(options, make_connect); });
  CLI::App& server = *app.add_subcommand("serve", "Sink 5001 and 9, source 19, echo 7");
  add_common_options(server, options);
  server.callback([&options] { run_server(options); });
  CLI::App& probe_only = *app.add_subcommand("probe", "Whether the congestion control can be set");
  add_common_options(probe_only, options);
  probe_only.callback([&options] { probe(options); });
}

}  // namespace
}  // namespace sluice::load

int main(int argc, char** argv) {
  sluice::load::Options options;
  CLI::App app("sluice_load: load on a TCP stack from kernel sockets, and its measure");
  app.require_subcommand(1);
  app.failure_message([](const CLI::App*, const CLI::Error& error) {
    return "sluice_load: " + std::string(error.what()) + " (see sluice_load --help)\n";
  });
  sluice::load::add_subcommands(app, options);
  try {
    CLI11_PARSE(app, argc, argv);
  } catch (const sluice::load::CongestionError& error) {
    std::fprintf(stderr, "sluice_load: %s\n", error.what());
    return sluice::load::kWrongCongestion;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "sluice_load: %s\n", error.what());
    return 1;
  }
}
