// What an engine, or one of its workers, has counted, as a value.
#pragma once

#include <cstdint>

#include "dataplane/io/tun_queue.hpp"
#include "dataplane/link/link_counters.hpp"
#include "dataplane/shard/shard_stats.hpp"

namespace sluice {

// Packets that came to another worker's queue than their owner's.
struct HandoffCounters {
  std::uint64_t given = 0;    // handed to their owners
  std::uint64_t taken = 0;    // taken in by their owners
  std::uint64_t refused = 0;  // dropped: the owner's inbox was full
};

struct EngineStats {
  ShardStats shard;
  io::IoCounters io;
  HandoffCounters handoff;
  LinkCounters link_in;  // of the worse wires; nothing without
  LinkCounters link_out;
  // Packets that the kernel dropped because the queue to us was full; the sender saw success. Of
  // the whole device: only worker 0 tells.
  std::uint64_t device_dropped = 0;

  EngineStats& operator+=(const EngineStats& other);
};

}  // namespace sluice
