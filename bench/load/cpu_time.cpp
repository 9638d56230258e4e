#include "bench/load/cpu_time.hpp"

#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

namespace sluice::load {
namespace {

double seconds_of(std::uint64_t ticks) {
  return static_cast<double>(ticks) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

std::string first_line_of(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) throw std::runtime_error("cannot read " + path);
  return line;
}

}  // namespace

// "pid (name) state ppid ... utime stime ...": the name may hold anything, ')' and spaces, too.
double process_cpu_seconds(pid_t pid) {
  const std::string line = first_line_of("/proc/" + std::to_string(pid) + "/stat");
  std::istringstream fields(line.substr(line.rfind(')') + 1));
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  std::uint64_t user = 0;
  std::uint64_t system = 0;
  fields >> user >> system;
  return seconds_of(user + system);
}

double machine_cpu_seconds() {
  std::istringstream fields(first_line_of("/proc/stat"));
  std::string name;
  std::uint64_t user = 0, nice = 0, system = 0, idle = 0, io_wait = 0, irq = 0, softirq = 0;
  fields >> name >> user >> nice >> system >> idle >> io_wait >> irq >> softirq;
  return seconds_of(user + nice + system + irq + softirq);
}

}  // namespace sluice::load
