// Frames lent to the kernel for a multishot read: io_uring's ring of provided buffers.
// Source: io_uring_register_buf_ring(3); Linux io_uring/kbuf.c.
#pragma once

#include <memory>
#include <vector>

#include "dataplane/io/uring.hpp"
#include "dataplane/memory/frame_pool.hpp"

namespace sluice::io {

class LentFrames {
 public:
  static constexpr std::uint16_t kGroup = 0;  // the buffer group that a read names

  // At most `capacity` frames at a time, a power of two up to 32,768. Throws std::system_error.
  LentFrames(Uring& ring, FramePool& pool, std::uint32_t capacity);
  // No read is in flight.
  ~LentFrames();
  LentFrames(const LentFrames&) = delete;
  LentFrames& operator=(const LentFrames&) = delete;

  // Lends frames of the pool until `count` of them are out, or the pool is empty.
  void lend_up_to(std::uint32_t count);
  // The frame of the buffer that a completion names. It is no longer lent.
  Frame& take(std::uint16_t buffer);
  std::uint32_t count() const { return lent_ - taken_; }
  // Brings all home. No read is in flight, and none will be.
  void bring_home();

 private:
  struct Unmap {
    std::size_t bytes;
    void operator()(io_uring_buf_ring* ring) const;
  };

  FramePool& pool_;
  std::unique_ptr<io_uring_buf_ring, Unmap> buffers_;
  // Which frame is which buffer. The kernel uses buffers in the order in which they were lent, so
  // that the numbers go round.
  std::vector<Frame*> frames_;
  std::uint32_t mask_;
  std::uint32_t lent_ = 0;   // ever
  std::uint32_t taken_ = 0;  // ever
};

}  // namespace sluice::io
