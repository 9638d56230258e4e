// What connections of a shard draw on together.
#pragma once

#include "proto/base/slice_queue.hpp"
#include "proto/tcp/sent_segments.hpp"

namespace sluice::tcp {

// Not owned; outlive every connection.
struct Resources {
  FrameSource& blocks;  // small frames that bytes are copied into
  SliceNodePool& nodes;
  SentSegmentPool& sent;

  // Of the scarcest of them.
  MemoryLevel level() const;
  // Bytes that a buffer may hold in all which holds `held_bytes` now: a part of what is spare, so
  // that those who fill leave something to the next (dynamic thresholds, Choudhury and Hahne 1998).
  // Half for one that is being emptied, little for one that nobody seems to empty: there may be
  // hundreds of those.
  enum class Share : std::uint8_t { modest = 7, generous = 1 };  // halved so often
  std::uint32_t share_for(std::uint32_t held_bytes, Share share) const;
};

// The last of the memory is for buffers that hold nothing yet, one block for each, so that every
// connection moves; copies of what is sent, and what lies beyond a gap, never take it. Were all
// memory to wait in full buffers, on both sides, neither could take what the other must be rid of.
enum class Reserve : std::uint8_t { keep, use };

// Copies `bytes` into what is unused of the block that `node` ends in; how many.
std::uint32_t extend_tail(SliceNode& node, Bytes bytes);

// Copies `bytes` behind the last slice of `queue`: into the tail of its block, then into new
// blocks. Returns how many were copied: fewer than asked when blocks or nodes ran out.
std::uint32_t append_copy(SliceQueue& queue, Bytes bytes, const Resources& resources,
                          Reserve reserve);

// Appends `slice` by reference. False when no node is left.
bool append_slice(SliceQueue& queue, Slice slice, const Resources& resources, Reserve reserve);

}  // namespace sluice::tcp
