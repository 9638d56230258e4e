// The command: `sluice SUBCOMMAND`.
#include <fcntl.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include "dataplane/sluice.h"
#include "tools/sluice/check.hpp"
#include "tools/sluice/dump.hpp"
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

}  // namespace

int main(int argc, char** argv) {
  hold_standard_descriptors();
  CLI::App app("sluice: a user-space TCP/IP dataplane on a TUN device");
  app.set_version_flag("--version", version(), "Print the version and exit");
  app.require_subcommand(0, 1);  // checked below: an unknown word shall be named first
  app.failure_message([](const CLI::App*, const CLI::Error& error) {
    return "sluice: " + std::string(error.what()) + " (see sluice --help)\n";
  });
  sluice::add_run_command(app);
  sluice::add_dump_command(app);
  sluice::add_check_command(app);
  sluice::add_sim_command(app);
  try {
    app.parse(argc, argv);
    if (app.get_subcommands().empty()) throw CLI::RequiredError("A subcommand");
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  }
  return 0;
}
