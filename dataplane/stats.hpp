// What an engine has counted, as a value: the sum over its workers.
#pragma once

#include <cstdint>

#include "dataplane/io/tun_queue.hpp"
#include "dataplane/shard/shard_stats.hpp"

namespace sluice {

struct EngineStats {
  ShardStats shard;
  io::IoCounters io;
  // Packets that the kernel dropped because the queue to us was full; the sender saw success.
  std::uint64_t device_dropped = 0;
};

}  // namespace sluice
