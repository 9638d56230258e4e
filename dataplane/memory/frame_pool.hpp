// All frames of one size. Last home, first out: the hottest memory is used again.
#pragma once

#include <cstdint>
#include <memory>

#include "proto/base/frame.hpp"
#include "proto/base/piece_pool.hpp"

namespace sluice {

class FramePool;

// Frames, and the memory that they name.
struct FrameChunk {
  Frame* get() const { return frames.get(); }

  std::unique_ptr<Frame[]> frames;
  std::unique_ptr<std::uint8_t[]> memory;
};

struct MakeFrames {
  FrameChunk operator()(std::uint32_t count) const;

  FrameHome* home;
  std::uint32_t frame_bytes;
};

// Used by one thread. Outlives every slice into its frames; destroyed with all frames home.
class FramePool final : public FrameSource, public FrameHome {
 public:
  // `frames` blocks of `frame_bytes` each; scarce when fewer than `reserve` are free. Throws
  // std::bad_alloc when all are wanted at the start, and the memory is not to be had.
  FramePool(std::uint32_t frames, std::uint32_t frame_bytes, std::uint32_t reserve = 0,
            Growth growth = Growth::at_start);
  ~FramePool();
  FramePool(const FramePool&) = delete;
  FramePool& operator=(const FramePool&) = delete;

  Frame* take() override { return frames_.take(); }
  void take_back(Frame& frame) override;
  void trim() { frames_.trim(); }

  bool is_scarce() const override { return free_count() < reserve_; }
  MemoryLevel level() const override { return memory_level(free_count(), reserve_); }
  std::uint64_t spare_bytes() const override {
    return is_scarce() ? 0 : std::uint64_t{free_count() - reserve_} * frame_bytes_;
  }

  std::uint32_t frame_bytes() const { return frame_bytes_; }
  std::uint32_t size() const { return frames_.size(); }
  std::uint32_t free_count() const { return frames_.free_count(); }
  const PiecePool<Frame, MakeFrames>& pieces() const { return frames_; }

 private:
  PiecePool<Frame, MakeFrames> frames_;
  std::uint32_t frame_bytes_;
  std::uint32_t reserve_;
};

}  // namespace sluice
