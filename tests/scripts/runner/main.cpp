// packet_script FILE...|FOLDER: runs packet scripts on virtual time.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/scripts/runner/run.hpp"

namespace sluice::script {
namespace {

namespace fs = std::filesystem;

void add_scripts(const fs::path& path, std::vector<fs::path>& scripts) {
  if (!fs::is_directory(path)) {
    scripts.push_back(path);
    return;
  }
  const std::size_t before = scripts.size();
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(path)) {
    if (entry.path().extension() == ".pkt") scripts.push_back(entry.path());
  }
  std::sort(scripts.begin() + static_cast<std::ptrdiff_t>(before), scripts.end());
}

std::string run_file(const fs::path& path, bool verbose) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return path.string() + ": cannot be read";
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  RunOptions options;
  options.say = [](const std::string& line) { fmt::print("{}\n", line); };
  options.verbose = verbose;
  return run_text(path.string(), text, options);
}

int run_all(const std::vector<std::string>& paths, bool verbose) {
  std::vector<fs::path> scripts;
  for (const std::string& path : paths) add_scripts(path, scripts);
  if (scripts.empty()) {
    fmt::print(stderr,
               "packet_script: no script (.pkt) is there; name a file or a folder of them\n");
    return 1;
  }
  int failed = 0;
  for (const fs::path& path : scripts) {
    if (verbose) fmt::print("== {}\n", path.string());
    const std::string complaint = run_file(path, verbose);
    if (complaint.empty()) continue;
    fmt::print("{}{}", complaint, complaint.ends_with('\n') ? "" : "\n");
    ++failed;
  }
  fmt::print("{} passed, {} failed\n", scripts.size() - static_cast<std::size_t>(failed), failed);
  return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace sluice::script

int main(int argc, char** argv) {
  CLI::App app("packet_script: runs packet scripts (.pkt) on virtual time, through sluice.h");
  std::vector<std::string> paths;
  bool verbose = false;
  app.add_option("PATH", paths, "scripts, and folders of them")
      ->required()
      ->check(CLI::ExistingPath);
  app.add_flag("--verbose,-v", verbose, "each event as it happens");
  CLI11_PARSE(app, argc, argv);
  return sluice::script::run_all(paths, verbose);
}
