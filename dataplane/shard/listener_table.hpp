// The listeners of a shard.
#pragma once

#include <cstdint>

#include "dataplane/listener.hpp"
#include "dataplane/shard/port_table.hpp"

namespace sluice {

struct ListenerEntry {
  ListenOptions options;
  Acceptor acceptor;
  std::uint32_t half_open = 0;  // connections in SYN-RECEIVED
};

using ListenerTable = PortTable<ListenerEntry>;

}  // namespace sluice
