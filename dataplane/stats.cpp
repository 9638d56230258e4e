#include "dataplane/stats.hpp"

namespace sluice {
namespace {

void add(io::IoCounters& sum, const io::IoCounters& other) {
  sum.rx_packets += other.rx_packets;
  sum.rx_bytes += other.rx_bytes;
  sum.tx_packets += other.tx_packets;
  sum.tx_bytes += other.tx_bytes;
  sum.tx_refused += other.tx_refused;
  sum.rx_errors += other.rx_errors;
  sum.rx_starved += other.rx_starved;
  sum.turns += other.turns;
  sum.sleeps += other.sleeps;
}

}  // namespace

EngineStats& EngineStats::operator+=(const EngineStats& other) {
  shard += other.shard;
  add(io, other.io);
  handoff.given += other.handoff.given;
  handoff.taken += other.handoff.taken;
  handoff.refused += other.handoff.refused;
  link_in += other.link_in;
  link_out += other.link_out;
  device_dropped += other.device_dropped;
  return *this;
}

}  // namespace sluice
