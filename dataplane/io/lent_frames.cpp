#include "dataplane/io/lent_frames.hpp"

#include <sys/mman.h>

#include <bit>
#include <cerrno>
#include <system_error>
#include <utility>

namespace sluice::io {
namespace {

// The kernel pins these pages: they are no part of the heap.
io_uring_buf_ring* map_ring(std::size_t bytes) {
  void* const memory =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
  return static_cast<io_uring_buf_ring*>(memory);
}

}  // namespace

void LentFrames::Unmap::operator()(io_uring_buf_ring* ring) const {
  munmap(ring, bytes);
}

LentFrames::LentFrames(Uring& ring, FramePool& pool, std::uint32_t capacity)
    : pool_(pool),
      buffers_(map_ring(capacity * sizeof(io_uring_buf)),
               Unmap{.bytes = capacity * sizeof(io_uring_buf)}),
      frames_(capacity, nullptr),
      mask_(capacity - 1) {
  SLUICE_ASSERT(std::has_single_bit(capacity) && capacity <= 32768);
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<std::uintptr_t>(buffers_.get());
  registration.ring_entries = capacity;
  registration.bgid = kGroup;
  const int result = io_uring_register_buf_ring(ring.get(), &registration, 0);
  if (result < 0) {
    throw std::system_error(-result, std::generic_category(), "io_uring_register_buf_ring");
  }
  io_uring_buf_ring_init(buffers_.get());
}

LentFrames::~LentFrames() {
  bring_home();
}

void LentFrames::lend_up_to(std::uint32_t count) {
  SLUICE_ASSERT(count <= frames_.size());
  int added = 0;
  while (this->count() < count) {
    Frame* const frame = pool_.take();
    if (frame == nullptr) break;
    const std::uint32_t buffer = lent_++ & mask_;
    SLUICE_ASSERT(frames_[buffer] == nullptr);
    frames_[buffer] = frame;
    io_uring_buf_ring_add(buffers_.get(), frame->data, frame->capacity,
                          static_cast<std::uint16_t>(buffer), static_cast<int>(mask_), added++);
  }
  if (added > 0) io_uring_buf_ring_advance(buffers_.get(), added);
}

Frame& LentFrames::take(std::uint16_t buffer) {
  SLUICE_ASSERT(buffer <= mask_ && frames_[buffer] != nullptr);
  ++taken_;
  return *std::exchange(frames_[buffer], nullptr);
}

void LentFrames::bring_home() {
  for (Frame*& frame : frames_) {
    if (frame == nullptr) continue;
    ++taken_;
    pool_.take_back(*std::exchange(frame, nullptr));
  }
}

}  // namespace sluice::io
