// The memory that a shard and whoever drives it draw on, all of it on demand: for a stack of its
// own, beside many others. (A worker's memory is taken at its start: worker/worker.cpp.)
#pragma once

#include <cstdint>

#include "dataplane/memory/frame_pool.hpp"
#include "proto/tcp/resources.hpp"

namespace sluice {

// How many pieces of each kind there may be.
struct PoolLimits {
  // Shares of `bytes` in all: half in blocks, three eighths in frames. At least as much as lets a
  // few connections and the largest packet pass (kFewestBytes), whatever is asked.
  static PoolLimits of_bytes(std::uint64_t bytes);
  static constexpr std::uint64_t kFewestBytes = 1 << 20;

  std::uint32_t packets;        // of kPacketBytes
  std::uint32_t large_packets;  // of kLargePacketBytes, and for joining fragments
  std::uint32_t blocks;         // of kBlockBytes
  std::uint32_t nodes;
  std::uint32_t records;  // of what was sent
};

class ShardPools {
 public:
  static constexpr std::uint32_t kPacketBytes = 2'048;
  static constexpr std::uint32_t kLargePacketBytes = 65'545;  // as Reassembly wants it
  static constexpr std::uint32_t kBlockBytes = 4'096;

  explicit ShardPools(const PoolLimits& limits);

  // A frame for so many bytes, at most kLargePacketBytes. Null when memory is short.
  Frame* take_frame(std::uint32_t bytes);
  // Where those for packets of at most so many bytes come from.
  FrameSource& frames_for(std::uint32_t bytes) {
    return bytes <= kPacketBytes ? packets_ : large_packets_;
  }
  const tcp::Resources& resources() const { return resources_; }
  // Gives idle memory back to the system: for quiet moments.
  void trim();
  // Everything is home: nothing is in flight, waits to be read or is kept by the application.
  bool is_all_home() const;
  // What was taken from the system, without the allocator's own overhead.
  std::uint64_t held_bytes() const;

 private:
  FramePool packets_;
  FramePool large_packets_;
  FramePool blocks_;
  SliceNodePool nodes_;
  tcp::SentSegmentPool records_;
  tcp::Resources resources_;
};

}  // namespace sluice
