// Connections in TIME-WAIT, oldest first: since all wait equally long, that is their order of
// expiry, and no wheel is needed.
#pragma once

#include <cstdint>

#include "dataplane/shard/slab.hpp"
#include "proto/base/intrusive_list.hpp"
#include "proto/base/time.hpp"
#include "proto/flow.hpp"
#include "proto/tcp/time_wait.hpp"

namespace sluice {

struct TimeWaitTag {};

// Of a connection's packets.
struct IpMarks {
  std::uint8_t hop_limit = 64;
  std::uint8_t traffic_class = 0;
};

struct TimeWaitEntry : ListNode<TimeWaitTag> {
  FlowKey flow;
  std::uint64_t hash = 0;
  bool shares_port = false;  // as of the connection
  IpMarks marks;
  tcp::TimeWait tcp;
  Instant expiry;
};

class TimeWaitTable {
 public:
  explicit TimeWaitTable(std::uint32_t capacity, Growth growth = Growth::at_start)
      : slab_(capacity, growth) {}
  ~TimeWaitTable() {
    while (!oldest_first_.empty()) remove(oldest_first_.front());
  }

  // Null when all are taken, or no memory is to be had: remove the oldest first.
  TimeWaitEntry* add(Instant expiry) {
    TimeWaitEntry* const entry = slab_.make();
    if (entry == nullptr) return nullptr;
    entry->expiry = expiry;
    oldest_first_.push_back(*entry);
    return entry;
  }
  void remove(TimeWaitEntry& entry) {
    entry.unlink();
    slab_.destroy(entry);
  }
  void trim() { slab_.trim(); }
  std::uint64_t held_bytes() const { return slab_.held_bytes(); }
  void restart(TimeWaitEntry& entry, Instant expiry) {
    entry.unlink();
    entry.expiry = expiry;
    oldest_first_.push_back(entry);
  }

  bool empty() const { return oldest_first_.empty(); }
  TimeWaitEntry& oldest() { return oldest_first_.front(); }
  const TimeWaitEntry& oldest() const { return oldest_first_.front(); }
  TimeWaitEntry& at(std::uint32_t index) { return slab_.at(index); }
  const TimeWaitEntry& at(std::uint32_t index) const { return slab_.at(index); }
  std::uint32_t index_of(const TimeWaitEntry& entry) const { return slab_.index_of(entry); }
  std::uint32_t size() const { return slab_.live(); }
  template <class Visit>
  void for_each(Visit visit) const {
    oldest_first_.for_each(visit);
  }

 private:
  Slab<TimeWaitEntry> slab_;
  IntrusiveList<TimeWaitEntry, TimeWaitTag> oldest_first_;
};

}  // namespace sluice
