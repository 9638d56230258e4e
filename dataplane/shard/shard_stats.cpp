#include "dataplane/shard/shard_stats.hpp"

#include <algorithm>

namespace sluice {

ShardStats& ShardStats::operator+=(const ShardStats& other) {
  packets_in += other.packets_in;
  packets_out += other.packets_out;
  bytes_in += other.bytes_in;
  bytes_out += other.bytes_out;
  accepted += other.accepted;
  connected += other.connected;
  closed += other.closed;
  reset += other.reset;
  aborted += other.aborted;
  timed_out += other.timed_out;
  refused += other.refused;
  segments_in += other.segments_in;
  segments_out += other.segments_out;
  retransmitted += other.retransmitted;
  timeouts += other.timeouts;
  fast_retransmits += other.fast_retransmits;
  tail_probes += other.tail_probes;
  undone += other.undone;
  gaps_forgotten += other.gaps_forgotten;
  memory_shortages += other.memory_shortages;
  resets_sent += other.resets_sent;
  echo_replies += other.echo_replies;
  errors_sent += other.errors_sent;
  datagrams_in += other.datagrams_in;
  datagrams_out += other.datagrams_out;
  datagrams_joined += other.datagrams_joined;
  fragments_out += other.fragments_out;
  replies_dropped += other.replies_dropped;
  time_wait_recycled += other.time_wait_recycled;
  connections += other.connections;
  half_open += other.half_open;
  time_waits += other.time_waits;
  memory_level = std::max(memory_level, other.memory_level);
  for (std::size_t i = 0; i < drops.size(); ++i) drops[i] += other.drops[i];
  return *this;
}

}  // namespace sluice
