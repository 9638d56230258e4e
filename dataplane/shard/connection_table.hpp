// From a flow to what is known of it: a connection, or its TIME-WAIT. Open addressing with linear
// probing; the flow itself stays in the object, the table holds its hash and a reference.
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

#include "proto/base/assert.hpp"

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
  // Holds up to `flows` of them, at most half full.
  explicit ConnectionTable(std::uint32_t flows)
      : entries_(std::bit_ceil(static_cast<std::size_t>(flows) * 2 + 2)),
        mask_(entries_.size() - 1) {}

  // `is_same(ref)` says whether the object behind `ref` is of the flow that is looked for.
  template <class IsSame>
  FlowRef find(std::uint64_t hash, IsSame is_same) const {
    for (std::size_t i = hash & mask_;; i = (i + 1) & mask_) {
      const Entry& entry = entries_[i];
      if (entry.ref.is_none()) return FlowRef::none();
      if (entry.hash == hash && is_same(entry.ref)) return entry.ref;
    }
  }

  // The flow must not be in the table.
  void insert(std::uint64_t hash, FlowRef ref) {
    SLUICE_ASSERT(size_ * 2 < entries_.size());
    std::size_t i = hash & mask_;
    while (!entries_[i].ref.is_none()) i = (i + 1) & mask_;
    entries_[i] = {hash, ref};
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

 private:
  struct Entry {
    std::uint64_t hash = 0;
    FlowRef ref = FlowRef::none();
  };

  std::vector<Entry> entries_;
  std::size_t mask_;
  std::size_t size_ = 0;
};

}  // namespace sluice
