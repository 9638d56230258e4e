// What this machine offers the engine, tried out rather than looked up.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/io/tun.hpp"

namespace sluice::io {

struct Finding {
  enum class Answer : std::uint8_t { yes, no, unknown };

  std::string name;  // lower case, words joined by '_'
  Answer answer = Answer::unknown;
  std::string text;     // one line: what there is; or why not, and how to get it
  bool needed = false;  // the engine does not run without it
};

struct MachineReport {
  std::vector<Finding> findings;
  // What the engine would pick by itself.
  bool uring = false;  // else poll
  Offloads offloads;
  bool steering = false;  // by eBPF; else the kernel learns where flows belong

  // The findings without which the engine does not run here.
  std::vector<Finding> missing() const;
};

// Tries everything in a network of its own, which the calling process then stays in: for a process
// of one thread that ends soon after. Never throws for what the machine lacks.
MachineReport check_machine();

}  // namespace sluice::io
