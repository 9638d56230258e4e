// Objects of one type, each named by an index, and for good by index and generation. They never
// move. Untouched memory stays untouched: a slab for a hundred thousand connections costs what its
// connections use.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "proto/base/assert.hpp"
#include "proto/base/piece_pool.hpp"

namespace sluice {

template <class T>
class Slab {
 public:
  static constexpr std::uint32_t kMostObjects = 1U << 31;

  // Throws std::bad_alloc when all is wanted at the start and cannot be had.
  explicit Slab(std::uint32_t capacity, Growth growth = Growth::at_start)
      : shift_(growth == Growth::at_start ? shift_for(capacity) : kGrowingShift),
        capacity_(capacity) {
    SLUICE_ASSERT(capacity <= kMostObjects);
    if (growth == Growth::at_start && capacity > 0) add_chunk();
  }
  ~Slab() { SLUICE_ASSERT(live_ == 0); }
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;

  // Null when the slab is full, or no memory is to be had.
  template <class... Args>
  T* make(Args&&... args) {
    Cell* const cell = take_cell();
    if (cell == nullptr) return nullptr;
    if (++last_generation_ == 0) ++last_generation_;
    cell->generation = last_generation_;
    ++live_;
    return new (cell->object) T(std::forward<Args>(args)...);
  }
  void destroy(T& object) {
    Cell& cell = cell_of(object);
    object.~T();
    cell.generation = 0;
    cell.next = free_;
    free_ = &cell;
    --live_;
  }
  // Gives chunks back to the system in which nothing lives. It looks at every free place: for quiet
  // moments.
  void trim();

  T& at(std::uint32_t index) { return *std::launder(reinterpret_cast<T*>(cell_at(index).object)); }
  const T& at(std::uint32_t index) const { return const_cast<Slab&>(*this).at(index); }
  // Null when that object is no more, or never was.
  T* find(std::uint32_t index, std::uint32_t generation) {
    const bool lives = generation != 0 && has_been_used(index);
    return lives && cell_at(index).generation == generation ? &at(index) : nullptr;
  }
  std::uint32_t index_of(const T& object) const { return cell_of(object).index; }
  // Never 0.
  std::uint32_t generation_of(const T& object) const { return cell_of(object).generation; }

  std::uint32_t live() const { return live_; }
  std::uint32_t capacity() const { return capacity_; }
  // For how many there is memory now.
  std::uint32_t grown() const { return grown_; }
  std::uint64_t held_bytes() const { return std::uint64_t{grown_} * sizeof(Cell); }

 private:
  struct Cell {
    union {
      Cell* next;
      alignas(T) std::byte object[sizeof(T)];
    };
    std::uint32_t index;
    std::uint32_t generation;  // 0: nothing lives here
  };
  struct FreeCells {
    void operator()(Cell* cells) const {
      ::operator delete[](cells, std::align_val_t(alignof(Cell)));
    }
  };
  struct Chunk {
    std::unique_ptr<Cell, FreeCells> cells;  // null: given back
    std::uint32_t free = 0;                  // counted while trimming
  };

  static constexpr int kGrowingShift =
      std::bit_width(std::max<std::size_t>(kSmallestChunk / sizeof(Cell), 1)) - 1;
  static int shift_for(std::uint32_t capacity) {
    return static_cast<int>(std::bit_width(std::max(capacity, 2U) - 1));
  }

  Cell& cell_at(std::uint32_t index) const {
    const std::uint32_t within = index & ((1U << shift_) - 1);
    return chunks_[index >> shift_].cells.get()[within];
  }
  static Cell& cell_of(const T& object) {
    return *reinterpret_cast<Cell*>(&const_cast<T&>(object));
  }
  std::uint32_t begin_of(std::size_t chunk) const {
    return static_cast<std::uint32_t>(chunk << shift_);
  }
  std::uint32_t size_of(std::size_t chunk) const {
    return std::min(1U << shift_, capacity_ - begin_of(chunk));
  }
  // Whether the cell knows its generation.
  bool has_been_used(std::uint32_t index) const {
    const bool is_fresh = index >= fresh_ && index < fresh_end_;
    const std::size_t chunk = index >> shift_;
    return index < capacity_ && chunk < chunks_.size() && chunks_[chunk].cells && !is_fresh;
  }
  Cell* take_cell();
  bool try_grow();
  void add_chunk();

  std::vector<Chunk> chunks_;
  Cell* free_ = nullptr;  // those that have been used, in all chunks
  // Of the last chunk that was added, those that have not: [fresh_, fresh_end_).
  std::uint32_t fresh_ = 0;
  std::uint32_t fresh_end_ = 0;
  int shift_;  // 2^shift_ objects a chunk
  std::uint32_t capacity_;
  std::uint32_t grown_ = 0;
  std::uint32_t live_ = 0;
  std::uint32_t last_generation_ = 0;
};

template <class T>
typename Slab<T>::Cell* Slab<T>::take_cell() {
  if (Cell* const cell = free_) {
    free_ = cell->next;
    return cell;
  }
  if (fresh_ == fresh_end_ && !try_grow()) return nullptr;
  Cell* const cell = &cell_at(fresh_);
  cell->index = fresh_++;
  return cell;
}

template <class T>
bool Slab<T>::try_grow() {
  if (grown_ == capacity_) return false;
  try {
    add_chunk();
  } catch (const std::bad_alloc&) {
    return false;
  }
  return true;
}

template <class T>
void Slab<T>::add_chunk() {
  const auto hole = std::ranges::find_if(chunks_, [](const Chunk& chunk) { return !chunk.cells; });
  const auto number = static_cast<std::size_t>(hole - chunks_.begin());
  if (hole == chunks_.end()) chunks_.emplace_back();
  const std::uint32_t size = size_of(number);
  chunks_[number].cells.reset(
      static_cast<Cell*>(::operator new[](sizeof(Cell) * size, std::align_val_t(alignof(Cell)))));
  fresh_ = begin_of(number);
  fresh_end_ = fresh_ + size;
  grown_ += size;
}

template <class T>
void Slab<T>::trim() {
  if (fresh_ != fresh_end_) chunks_[fresh_ >> shift_].free = fresh_end_ - fresh_;
  for (Cell* cell = free_; cell != nullptr; cell = cell->next)
    ++chunks_[cell->index >> shift_].free;
  const auto is_idle = [this](std::uint32_t index) {
    return chunks_[index >> shift_].free == size_of(index >> shift_);
  };
  for (Cell** link = &free_; *link != nullptr;) {
    Cell& cell = **link;
    if (is_idle(cell.index)) {
      *link = cell.next;
    } else {
      link = &cell.next;
    }
  }
  if (fresh_ != fresh_end_ && is_idle(fresh_)) fresh_ = fresh_end_ = 0;
  for (std::size_t i = 0; i < chunks_.size(); ++i) {
    Chunk& chunk = chunks_[i];
    if (std::exchange(chunk.free, 0) != size_of(i)) continue;
    chunk.cells.reset();
    grown_ -= size_of(i);
  }
  while (!chunks_.empty() && !chunks_.back().cells) chunks_.pop_back();
}

}  // namespace sluice
