// What one direction of a wire has done to packets.
#pragma once

#include <cstdint>

namespace sluice {

struct LinkCounters {
  std::uint64_t sent = 0;  // packets, as are all but the bytes
  std::uint64_t delivered = 0;
  std::uint64_t delivered_bytes = 0;
  std::uint64_t lost = 0;        // at random, or while it was down
  std::uint64_t queue_full = 0;  // lost, too
  std::uint64_t too_big = 0;     // lost, too
  std::uint64_t marked = 0;
  std::uint64_t reordered = 0;
  std::uint64_t duplicated = 0;
  std::uint64_t corrupted = 0;

  LinkCounters& operator+=(const LinkCounters& other) {
    sent += other.sent;
    delivered += other.delivered;
    delivered_bytes += other.delivered_bytes;
    lost += other.lost;
    queue_full += other.queue_full;
    too_big += other.too_big;
    marked += other.marked;
    reordered += other.reordered;
    duplicated += other.duplicated;
    corrupted += other.corrupted;
    return *this;
  }
};

}  // namespace sluice
