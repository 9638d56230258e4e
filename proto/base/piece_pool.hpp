// Pieces of one type that are lent and come home: what the pools of frames, nodes and records are
// made of. They come from the system in chunks, and never move.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

namespace sluice {

// When the memory is taken that a limit allows.
enum class Growth : std::uint8_t {
  at_start,   // all of it at once, so that nothing is allocated later: an engine's
  on_demand,  // chunk by chunk up to the limit; idle chunks go back when trimmed: a small stack's
};

// Each chunk a quarter of what is there already, within these bytes: the first is small, and there
// are never many.
inline constexpr std::size_t kSmallestChunk = 8'192;
inline constexpr std::size_t kLargestChunk = 262'144;

// Makes a chunk of `count` pieces; what it returns owns them, and get() is the first.
template <class T>
struct MakeArray {
  std::unique_ptr<T[]> operator()(std::uint32_t count) const {
    return std::unique_ptr<T[]>(new T[count]);
  }
};

// A piece has a `next`, which is the pool's own while it is at home. Last home, first out. Used by
// one thread; destroyed with all pieces home, or with none that is used again.
template <class T, class Make = MakeArray<T>>
class PiecePool {
 public:
  // At most `limit` pieces, each with `piece_bytes` of memory. Throws std::bad_alloc when all are
  // wanted at the start and cannot be had.
  PiecePool(std::uint32_t limit, Growth growth, std::size_t piece_bytes = sizeof(T),
            Make make = Make())
      : make_(std::move(make)), piece_bytes_(piece_bytes), limit_(limit), free_count_(limit) {
    if (growth == Growth::at_start && limit > 0) add_chunk(limit);
  }

  // Null when all are out, or no memory is to be had for more.
  T* take() {
    if (free_ == nullptr && !try_grow()) [[unlikely]]
      return nullptr;
    T* const piece = free_;
    free_ = piece->next;
    piece->next = nullptr;
    --free_count_;
    return piece;
  }
  void give_back(T& piece) {
    piece.next = free_;
    free_ = &piece;
    ++free_count_;
  }
  // Gives chunks back to the system, the pieces of which are all home. It looks at every piece that
  // is: for quiet moments.
  void trim();

  // How many can still be lent: those at home, and those for which memory is still to be asked. Of
  // the latter none once it was refused, until the next trim().
  std::uint32_t free_count() const { return free_count_; }
  std::uint32_t size() const { return limit_; }
  // For how many there is memory now.
  std::uint32_t grown() const { return grown_; }
  std::size_t piece_bytes() const { return piece_bytes_; }
  bool is_all_home() const { return free_count_ + refused_ == limit_; }

 private:
  struct Chunk {
    std::invoke_result_t<Make&, std::uint32_t> pieces;
    std::uint32_t count = 0;
    std::uint32_t home = 0;  // counted while trimming

    bool is_home() const { return home == count; }
  };

  bool try_grow();
  std::uint32_t next_chunk() const;
  void add_chunk(std::uint32_t count);
  // The first chunk that lies behind `piece`.
  auto chunk_behind(const T* piece) {
    return std::upper_bound(chunks_.begin(), chunks_.end(), piece,
                            [](const T* wanted, const Chunk& chunk) {
                              return std::less<const T*>()(wanted, chunk.pieces.get());
                            });
  }
  Chunk& chunk_of(const T& piece) { return *std::prev(chunk_behind(&piece)); }

  [[no_unique_address]] Make make_;
  T* free_ = nullptr;
  std::size_t piece_bytes_;
  std::uint32_t limit_;
  std::uint32_t free_count_;
  std::uint32_t grown_ = 0;
  std::uint32_t refused_ = 0;  // pieces that are not counted as free: there was no memory for them
  std::vector<Chunk> chunks_;  // by address
};

template <class T, class Make>
std::uint32_t PiecePool<T, Make>::next_chunk() const {
  const std::size_t bytes = std::clamp(grown_ / 4 * piece_bytes_, kSmallestChunk, kLargestChunk);
  const std::size_t count = std::max<std::size_t>(bytes / piece_bytes_, 1);
  return static_cast<std::uint32_t>(std::min<std::size_t>(count, limit_ - grown_));
}

template <class T, class Make>
bool PiecePool<T, Make>::try_grow() {
  const std::uint32_t count = next_chunk();
  if (count == 0) return false;
  try {
    add_chunk(count);
  } catch (const std::bad_alloc&) {
    refused_ += std::exchange(free_count_, 0);
    return false;
  }
  free_count_ += std::exchange(refused_, 0);
  return true;
}

template <class T, class Make>
void PiecePool<T, Make>::add_chunk(std::uint32_t count) {
  Chunk chunk{make_(count), count, 0};
  T* const first = chunk.pieces.get();
  chunks_.insert(chunk_behind(first), std::move(chunk));
  grown_ += count;
  for (std::uint32_t i = count; i-- > 0;) {
    first[i].next = free_;
    free_ = &first[i];
  }
}

template <class T, class Make>
void PiecePool<T, Make>::trim() {
  free_count_ += std::exchange(refused_, 0);
  for (T* piece = free_; piece != nullptr; piece = piece->next) ++chunk_of(*piece).home;
  for (T** link = &free_; *link != nullptr;) {
    T& piece = **link;
    if (chunk_of(piece).is_home()) {
      *link = piece.next;
    } else {
      link = &piece.next;
    }
  }
  std::erase_if(chunks_, [this](const Chunk& chunk) {
    if (chunk.is_home()) grown_ -= chunk.count;
    return chunk.is_home();
  });
  for (Chunk& chunk : chunks_) chunk.home = 0;
}

}  // namespace sluice
