// From a flow to what is known of it: a connection, or its TIME-WAIT. Open addressing with linear
// probing; the flow itself stays in the object, the table holds its hash and a reference.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <new>
#include <utility>
#include <vector>

#include "proto/base/assert.hpp"
#include "proto/base/piece_pool.hpp"

namespace sluice {

// An index into the slab of connections or of TIME-WAITs.
class FlowRef {
 public:
  static FlowRef connection(std::uint32_t index) { return FlowRef(index); }
  static FlowRef time_wait(std::uint32_t index) { return FlowRef(index | kTimeWaitBit); }
  static FlowRef none() { return FlowRef(UINT32_MAX); }

  bool is_none() const { return value_ == UINT32_MAX; }
  bool is_time_wait() const { return !is_none() && (value_ & kTimeWaitBit) != 0; }
  std::uint32_t index() const { return value_ & ~kTimeWaitBit; }
  bool operator==(const FlowRef&) const = default;

 private:
  static constexpr std::uint32_t kTimeWaitBit = 1u << 31;
  explicit FlowRef(std::uint32_t value) : value_(value) {}
  std::uint32_t value_;
};

class ConnectionTable {
 public:
  // Holds up to `flows` of them, at most half full. On demand it begins small, and doubles.
  explicit ConnectionTable(std::uint32_t flows, Growth growth = Growth::at_start)
      : most_entries_(entries_for(flows)) {
    resize(growth == Growth::at_start ? most_entries_ : std::min(most_entries_, kFewestEntries));
  }

  // `is_same(ref)` says whether the object behind `ref` is of the flow that is looked for.
  template <class IsSame>
  FlowRef find(std::uint64_t hash, IsSame is_same) const {
    for (std::size_t i = hash & mask_;; i = (i + 1) & mask_) {
      const Entry& entry = entries_[i];
      if (entry.ref.is_none()) return FlowRef::none();
      if (entry.hash == hash && is_same(entry.ref)) return entry.ref;
    }
  }

  // Makes room for one flow more. False without memory for that.
  bool try_make_room() {
    if ((size_ + 1) * 2 <= entries_.size()) [[likely]]
      return true;
    return entries_.size() < most_entries_ && try_resize(entries_.size() * 2);
  }
  // Gives back what has been empty for the most part: for quiet moments.
  void trim() {
    if (entries_.size() > kFewestEntries && size_ * 8 < entries_.size()) {
      try_resize(entries_for(size_ * 2));
    }
  }

  // The flow must not be in the table, and there must be room.
  void insert(std::uint64_t hash, FlowRef ref) {
    SLUICE_ASSERT(size_ * 2 < entries_.size());
    put({hash, ref});
    ++size_;
  }

  // The flow must be in the table.
  void erase(std::uint64_t hash, FlowRef ref) {
    std::size_t hole = hash & mask_;
    while (entries_[hole].ref != ref) {
      SLUICE_ASSERT(!entries_[hole].ref.is_none());
      hole = (hole + 1) & mask_;
    }
    // Entries behind the hole move up, as long as that brings them no nearer than their home.
    for (std::size_t i = (hole + 1) & mask_; !entries_[i].ref.is_none(); i = (i + 1) & mask_) {
      const std::size_t home = entries_[i].hash & mask_;
      if (((i - home) & mask_) < ((i - hole) & mask_)) continue;
      entries_[hole] = entries_[i];
      hole = i;
    }
    entries_[hole] = {0, FlowRef::none()};
    --size_;
  }

  std::size_t size() const { return size_; }
  std::uint64_t held_bytes() const { return entries_.size() * sizeof(Entry); }

 private:
  struct Entry {
    std::uint64_t hash = 0;
    FlowRef ref = FlowRef::none();
  };

  static constexpr std::size_t kFewestEntries = 16;
  static std::size_t entries_for(std::size_t flows) { return std::bit_ceil(flows * 2 + 2); }

  void put(const Entry& entry) {
    std::size_t i = entry.hash & mask_;
    while (!entries_[i].ref.is_none()) i = (i + 1) & mask_;
    entries_[i] = entry;
  }
  void resize(std::size_t entries) {
    const std::vector<Entry> old = std::exchange(entries_, std::vector<Entry>(entries));
    mask_ = entries - 1;
    for (const Entry& entry : old) {
      if (!entry.ref.is_none()) put(entry);
    }
  }
  bool try_resize(std::size_t entries) {
    try {
      resize(entries);
    } catch (const std::bad_alloc&) {
      return false;
    }
    return true;
  }

  std::vector<Entry> entries_;
  std::size_t most_entries_;
  std::size_t mask_ = 0;
  std::size_t size_ = 0;
};

}  // namespace sluice
