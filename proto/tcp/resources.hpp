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
};

// The last of the memory is for buffers that hold nothing yet, so that every connection moves;
// copies of what is sent, and what lies beyond a gap, never take it. Were all memory to wait in
// full buffers, on both sides, neither could take what the other must be rid of.
enum class Reserve : std::uint8_t { keep, use };

// Copies `bytes` behind the last slice of `queue`: into the tail of its block, then into new
// blocks. Returns how many were copied: fewer than asked when blocks or nodes ran out.
std::uint32_t append_copy(SliceQueue& queue, Bytes bytes, const Resources& resources,
                          Reserve reserve);

// Appends `slice` by reference. False when no node is left.
bool append_slice(SliceQueue& queue, Slice slice, const Resources& resources, Reserve reserve);

}  // namespace sluice::tcp
