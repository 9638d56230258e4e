// All frames of one size, made at start. Last home, first out: the hottest memory is used again.
#pragma once

#include <cstdint>
#include <memory>

#include "proto/base/frame.hpp"

namespace sluice {

// Used by one thread. Outlives every slice into its frames; destroyed with all frames home.
class FramePool final : public FrameSource, public FrameHome {
 public:
  // `frames` blocks of `frame_bytes` each; scarce when fewer than `reserve` are free. Throws
  // std::bad_alloc when the memory is not to be had.
  FramePool(std::uint32_t frames, std::uint32_t frame_bytes, std::uint32_t reserve = 0);
  ~FramePool();
  FramePool(const FramePool&) = delete;
  FramePool& operator=(const FramePool&) = delete;

  Frame* take() override;
  void take_back(Frame& frame) override;
  bool is_scarce() const override { return free_count_ < reserve_; }
  MemoryLevel level() const override { return memory_level(free_count_, reserve_); }
  std::uint64_t spare_bytes() const override {
    return is_scarce() ? 0 : std::uint64_t{free_count_ - reserve_} * frame_bytes_;
  }

  Frame& frame(std::uint32_t id) { return frames_[id]; }
  std::uint32_t size() const { return size_; }
  std::uint32_t free_count() const { return free_count_; }

 private:
  std::unique_ptr<std::uint8_t[]> memory_;
  std::unique_ptr<Frame[]> frames_;
  Frame* free_ = nullptr;
  std::uint32_t size_;
  std::uint32_t frame_bytes_;
  std::uint32_t reserve_;
  std::uint32_t free_count_ = 0;
};

}  // namespace sluice
