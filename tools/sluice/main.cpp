// The command: `sluice SUBCOMMAND`.
#include <CLI/CLI.hpp>

#include "tools/sluice/run.hpp"

int main(int argc, char** argv) {
  CLI::App app("sluice: a user-space TCP/IP dataplane on a TUN device");
  app.require_subcommand(1);
  app.failure_message([](const CLI::App*, const CLI::Error& error) {
    return "sluice: " + std::string(error.what()) + " (see sluice --help)\n";
  });
  sluice::add_run_command(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  }
  return 0;
}
