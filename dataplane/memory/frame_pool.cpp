#include "dataplane/memory/frame_pool.hpp"

namespace sluice {
namespace {

// Neighbours lie two cache lines apart modulo any power of two, so that the headers of all frames
// do not compete for the same cache set.
constexpr std::size_t stride_of(std::uint32_t frame_bytes) {
  return ((static_cast<std::size_t>(frame_bytes) + 63) / 64 + 2) * 64;
}

}  // namespace

FrameChunk MakeFrames::operator()(std::uint32_t count) const {
  const std::size_t stride = stride_of(frame_bytes);
  FrameChunk chunk{std::unique_ptr<Frame[]>(new Frame[count]),
                   std::unique_ptr<std::uint8_t[]>(new std::uint8_t[count * stride])};
  for (std::uint32_t i = 0; i < count; ++i) {
    Frame& frame = chunk.frames[i];
    frame.home = home;
    frame.data = chunk.memory.get() + i * stride;
    frame.capacity = frame_bytes;
    frame.pooled = true;
  }
  return chunk;
}

FramePool::FramePool(std::uint32_t frames, std::uint32_t frame_bytes, std::uint32_t reserve,
                     Growth growth)
    : frames_(frames, growth, stride_of(frame_bytes), MakeFrames{this, frame_bytes}),
      frame_bytes_(frame_bytes),
      reserve_(reserve) {}

FramePool::~FramePool() {
  SLUICE_ASSERT(frames_.is_all_home());
}

void FramePool::take_back(Frame& frame) {
  SLUICE_ASSERT(frame.slices == 0);
  frames_.give_back(frame);
}

}  // namespace sluice
