// All that a script's events act upon.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>

#include "tests/scripts/runner/flow.hpp"
#include "tests/scripts/runner/settings.hpp"
#include "tests/scripts/runner/stack.hpp"

namespace sluice::script {

// A socket by the script's number.
struct Descriptor {
  int handle = 0;
  bool is_stream = true;
  bool nonblocking = false;         // said by fcntl, and only read back
  std::optional<Endpoints> ends;    // once they are known
  std::uint32_t read_position = 0;  // in the peer's stream
};

struct World {
  explicit World(const Settings& its)
      : settings(its),
        stack(its.config),
        flows({its.local, its.remote, its.bind_port, its.remote_port}) {}

  const Settings& settings;
  Stack stack;
  Flows flows;
  std::map<int, Descriptor> descriptors;
  std::deque<std::string> datagrams;  // handed to the stack, and not seen on the wire yet
  std::deque<int> connections;        // descriptors, the latest accepted or connected in front
};

}  // namespace sluice::script
