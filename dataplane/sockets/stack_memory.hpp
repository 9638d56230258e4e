// What a stack's packets and buffers lie in.
#pragma once

#include <algorithm>
#include <cstdint>

#include "dataplane/memory/frame_pool.hpp"
#include "proto/tcp/resources.hpp"
#include "proto/wire/virtio_net.hpp"

namespace sluice::sockets {

inline constexpr std::uint32_t kFrameBytes = wire::kVirtioNetHeaderSize + 65'535;
inline constexpr std::uint32_t kBlockBytes = 4096;

struct StackMemory {
  explicit StackMemory(std::uint64_t max_bytes)
      : frames(frames_of(max_bytes), kFrameBytes, frames_of(max_bytes) / 4),
        blocks(blocks_of(max_bytes), kBlockBytes, blocks_of(max_bytes) / 8),
        nodes(2 * blocks_of(max_bytes), blocks_of(max_bytes) / 4),
        sent(blocks_of(max_bytes)),
        resources{blocks, nodes, sent} {}

  FramePool frames;  // that packets come in, and fragments are joined in
  FramePool blocks;  // that bytes are copied into
  SliceNodePool nodes;
  tcp::SentSegmentPool sent;
  tcp::Resources resources;

 private:
  static std::uint32_t frames_of(std::uint64_t max_bytes) {
    return static_cast<std::uint32_t>(
        std::clamp<std::uint64_t>(max_bytes / 4 / kFrameBytes, 8, 64));
  }
  static std::uint32_t blocks_of(std::uint64_t max_bytes) {
    const std::uint64_t rest = max_bytes - std::uint64_t{frames_of(max_bytes)} * kFrameBytes;
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(rest / kBlockBytes, 1 << 28));
  }
};

}  // namespace sluice::sockets
