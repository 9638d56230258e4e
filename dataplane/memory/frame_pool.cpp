#include "dataplane/memory/frame_pool.hpp"

namespace sluice {
namespace {

// Neighbours lie two cache lines apart modulo any power of two, so that the headers of all frames
// do not compete for the same cache set.
constexpr std::size_t stride_of(std::uint32_t frame_bytes) {
  return ((static_cast<std::size_t>(frame_bytes) + 63) / 64 + 2) * 64;
}

}  // namespace

FramePool::FramePool(std::uint32_t frames, std::uint32_t frame_bytes, std::uint32_t reserve)
    : memory_(new std::uint8_t[frames * stride_of(frame_bytes)]),
      frames_(new Frame[frames]),
      size_(frames),
      frame_bytes_(frame_bytes),
      reserve_(reserve) {
  for (std::uint32_t i = frames; i-- > 0;) {
    Frame& frame = frames_[i];
    frame.home = this;
    frame.data = memory_.get() + i * stride_of(frame_bytes);
    frame.capacity = frame_bytes;
    frame.id = i;
    frame.pooled = true;
    take_back(frame);
  }
}

FramePool::~FramePool() {
  SLUICE_ASSERT(free_count_ == size_);
}

Frame* FramePool::take() {
  Frame* const frame = free_;
  if (frame == nullptr) return nullptr;
  free_ = frame->next;
  frame->next = nullptr;
  --free_count_;
  return frame;
}

void FramePool::take_back(Frame& frame) {
  SLUICE_ASSERT(frame.slices == 0);
  frame.next = free_;
  free_ = &frame;
  ++free_count_;
}

}  // namespace sluice
