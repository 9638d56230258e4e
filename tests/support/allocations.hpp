// What a program has asked of operator new, where one of its sources includes replace_new.hpp.
#pragma once

#include <cstdint>

namespace sluice::test {

// Of the thread that asks.
struct Allocations {
  std::uint64_t live_bytes = 0;  // as the allocator rounds them
  std::uint64_t live = 0;
  std::uint64_t made = 0;
  // So many more succeed; those behind are refused, or the next of them.
  std::uint64_t until_refusal = UINT64_MAX;
  bool refuses_once = false;
  std::uint64_t refused = 0;
};

inline thread_local Allocations allocations;

// No memory while it lives, but for `first` allocations.
class MemoryRefused {
 public:
  explicit MemoryRefused(std::uint64_t first = 0) { allocations.until_refusal = first; }
  ~MemoryRefused() { allocations.until_refusal = UINT64_MAX; }
  MemoryRefused(const MemoryRefused&) = delete;
  MemoryRefused& operator=(const MemoryRefused&) = delete;
};

}  // namespace sluice::test
