// Counts what a program asks of operator new, and refuses it on demand. It replaces the global
// operators: include it in one source file of a program that links all of itself.
#pragma once

#include <malloc.h>

#include <cstdint>
#include <cstdlib>
#include <new>

namespace sluice::test {

// Of one thread, as the tests that ask.
struct Allocations {
  std::uint64_t live_bytes = 0;  // as the allocator rounds them
  std::uint64_t live = 0;
  std::uint64_t made = 0;
  // So many more succeed; those behind are refused.
  std::uint64_t until_refusal = UINT64_MAX;
  std::uint64_t refused = 0;
};

inline Allocations allocations;

// No memory while it lives, but for `first` allocations.
class MemoryRefused {
 public:
  explicit MemoryRefused(std::uint64_t first = 0) { allocations.until_refusal = first; }
  ~MemoryRefused() { allocations.until_refusal = UINT64_MAX; }
  MemoryRefused(const MemoryRefused&) = delete;
  MemoryRefused& operator=(const MemoryRefused&) = delete;
};

inline void* allocate(std::size_t bytes, std::size_t alignment) {
  if (allocations.until_refusal == 0) {
    ++allocations.refused;
    return nullptr;
  }
  void* memory = nullptr;
  if (posix_memalign(&memory, alignment, bytes == 0 ? 1 : bytes) != 0) return nullptr;
  if (allocations.until_refusal != UINT64_MAX) --allocations.until_refusal;
  ++allocations.made;
  ++allocations.live;
  allocations.live_bytes += malloc_usable_size(memory);
  return memory;
}

inline void* allocate_or_throw(std::size_t bytes, std::size_t alignment) {
  void* const memory = allocate(bytes, alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

inline void release(void* memory) {
  if (memory == nullptr) return;
  --allocations.live;
  allocations.live_bytes -= malloc_usable_size(memory);
  std::free(memory);
}

}  // namespace sluice::test

// The C++ library's other forms call these.
void* operator new(std::size_t bytes) {
  return sluice::test::allocate_or_throw(bytes, __STDCPP_DEFAULT_NEW_ALIGNMENT__);
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return sluice::test::allocate_or_throw(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept {
  sluice::test::release(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  sluice::test::release(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  sluice::test::release(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  sluice::test::release(memory);
}
