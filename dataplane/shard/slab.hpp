// Objects of one type in memory taken at start. Untouched memory stays untouched: a slab for a
// hundred thousand connections costs what its connections use.
#pragma once

#include <cstdint>
#include <memory>
#include <new>
#include <utility>

#include "proto/base/assert.hpp"

namespace sluice {

template <class T>
class Slab {
 public:
  explicit Slab(std::uint32_t capacity)
      : memory_(static_cast<Cell*>(
            ::operator new[](sizeof(Cell) * capacity, std::align_val_t(alignof(Cell))))),
        capacity_(capacity) {}
  ~Slab() {
    SLUICE_ASSERT(live_ == 0);
    ::operator delete[](memory_, std::align_val_t(alignof(Cell)));
  }
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;

  // Null when the slab is full.
  template <class... Args>
  T* make(Args&&... args) {
    Cell* cell = free_;
    if (cell != nullptr) {
      free_ = cell->next;
    } else if (touched_ < capacity_) {
      cell = &memory_[touched_++];
    } else {
      return nullptr;
    }
    ++live_;
    return new (cell->object) T(std::forward<Args>(args)...);
  }
  void destroy(T& object) {
    object.~T();
    Cell* const cell = reinterpret_cast<Cell*>(&object);
    cell->next = free_;
    free_ = cell;
    --live_;
  }

  T& at(std::uint32_t index) { return *std::launder(reinterpret_cast<T*>(memory_[index].object)); }
  const T& at(std::uint32_t index) const { return const_cast<Slab&>(*this).at(index); }
  std::uint32_t index_of(const T& object) const {
    return static_cast<std::uint32_t>(reinterpret_cast<const Cell*>(&object) - memory_);
  }
  // Cells below this index have held an object at some time.
  std::uint32_t touched() const { return touched_; }
  std::uint32_t live() const { return live_; }
  std::uint32_t capacity() const { return capacity_; }

 private:
  union Cell {
    Cell* next;
    alignas(T) std::byte object[sizeof(T)];
  };

  Cell* memory_;
  Cell* free_ = nullptr;
  std::uint32_t capacity_;
  std::uint32_t touched_ = 0;
  std::uint32_t live_ = 0;
};

}  // namespace sluice
