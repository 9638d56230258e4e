// What a shard counts, as a value.
#pragma once

#include <array>
#include <cstdint>

#include "proto/base/memory_level.hpp"
#include "proto/wire/drop_reason.hpp"

namespace sluice {

// Counts of one shard since it was made.
struct ShardStats {
  std::uint64_t packets_in = 0;  // parsed and taken; a super-segment is one
  std::uint64_t packets_out = 0;
  std::uint64_t bytes_in = 0;   // TCP payload, in order
  std::uint64_t bytes_out = 0;  // TCP payload, acknowledged by the peers
  std::uint64_t accepted = 0;   // connections opened by peers
  std::uint64_t connected = 0;  // opened by us
  std::uint64_t closed = 0;     // ended in order
  std::uint64_t reset = 0;      // by the peer
  std::uint64_t aborted = 0;    // by us
  std::uint64_t timed_out = 0;
  std::uint64_t refused = 0;
  std::uint64_t segments_in = 0;
  std::uint64_t segments_out = 0;
  std::uint64_t retransmitted = 0;  // segments
  std::uint64_t timeouts = 0;       // retransmission timer
  std::uint64_t fast_retransmits = 0;
  std::uint64_t tail_probes = 0;
  std::uint64_t undone = 0;            // recoveries that turned out to be needless
  std::uint64_t gaps_forgotten = 0;    // what lay beyond a gap was given up for want of memory
  std::uint64_t memory_shortages = 0;  // how often memory was no longer plenty
  std::uint64_t resets_sent = 0;       // for segments that nobody expected
  std::uint64_t echo_replies = 0;
  std::uint64_t errors_sent = 0;   // ICMP: unreachable, time exceeded
  std::uint64_t datagrams_in = 0;  // UDP, to a socket; one that came cut counts as its pieces
  std::uint64_t datagrams_out = 0;
  std::uint64_t datagrams_joined = 0;  // packets joined from fragments, of any protocol
  std::uint64_t fragments_out = 0;
  std::uint64_t replies_dropped = 0;               // answers for which the reply queue had no room
  std::uint64_t time_wait_recycled = 0;            // forgotten early because the slab was full
  std::uint32_t connections = 0;                   // now
  std::uint32_t half_open = 0;                     // now, of listeners
  std::uint32_t time_waits = 0;                    // now
  MemoryLevel memory_level = MemoryLevel::plenty;  // now; of several shards the worst
  std::array<std::uint64_t, kDropReasons> drops{};

  ShardStats& operator+=(const ShardStats& other);
};

}  // namespace sluice
