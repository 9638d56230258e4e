// The command: `sluice SUBCOMMAND`.
#include <fcntl.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include "dataplane/sluice.h"
#include "tools/sluice/check.hpp"
#include "tools/sluice/dump.hpp"
#include "tools/sluice/near_match.hpp"
#include "tools/sluice/perf/perf.hpp"
#include "tools/sluice/run.hpp"
#include "tools/sluice/sim.hpp"

namespace {

std::string version() {
  return "sluice " + std::to_string(SLUICE_VERSION_MAJOR) + '.' +
         std::to_string(SLUICE_VERSION_MINOR) + '.' + std::to_string(SLUICE_VERSION_PATCH);
}

// Whoever closed one of the three (`>&-`) would get the device's queue in its place, and the text
// of the command written into it as packets.
void hold_standard_descriptors() {
  int fd = open("/dev/null", O_RDWR);
  while (fd >= 0 && fd <= STDERR_FILENO) fd = open("/dev/null", O_RDWR);
  if (fd >= 0) close(fd);
}

std::string failure(const CLI::App* app, const CLI::Error& error) {
  const bool was_unexpected = dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr;
  const std::string what = was_unexpected ? sluice::unexpected_word(*app) : error.what();
  const auto commands = app->get_subcommands();
  const std::string command = commands.empty() ? "" : ' ' + commands.front()->get_name();
  return "sluice: " + what + " (see sluice" + command + " --help)\n";
}

}  // namespace

int main(int argc, char** argv) {
  hold_standard_descriptors();
  CLI::App app("sluice: a user-space TCP/IP dataplane on a TUN device");
  app.set_version_flag("--version", version(), "Print the version and exit");
  app.require_subcommand(0, 1);  // checked below: an unknown word shall be named first
  app.failure_message(failure);
  sluice::add_run_command(app);
  sluice::perf::add_perf_command(app, sluice::perf::run);
  sluice::add_dump_command(app);
  sluice::add_check_command(app);
  sluice::add_sim_command(app);
  try {
    app.parse(argc, argv);
    if (app.get_subcommands().empty()) throw CLI::RequiredError("A subcommand");
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code != 0 && app.got_subcommand("perf") ? 1 : code;  // as iperf3 has it
  }
  return 0;
}
