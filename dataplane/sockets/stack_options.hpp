// How a stack is set up: sluice_config with every value in its range, and with secrets.
#pragma once

#include <cstdint>

#include "dataplane/shard/port_picker.hpp"
#include "dataplane/shard/shard.hpp"

namespace sluice::sockets {

struct StackOptions {
  ShardOptions shard;
  std::uint32_t max_sockets = 1024;
  std::uint64_t max_memory = 64 << 20;  // bytes for what buffers hold
  PortRange ports;                      // of sockets that were not bound
};

}  // namespace sluice::sockets
