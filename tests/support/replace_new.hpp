// Replaces the global operators new and delete by such as count, and refuse when they are told to
// (allocations.hpp). For one source file of a program that links all of itself.
#pragma once

#include <malloc.h>

#include <cstdlib>
#include <new>

#include "tests/support/allocations.hpp"

namespace sluice::test {

inline void* allocate(std::size_t bytes, std::size_t alignment) {
  if (allocations.until_refusal == 0) {
    ++allocations.refused;
    if (allocations.refuses_once) allocations.until_refusal = UINT64_MAX;
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
