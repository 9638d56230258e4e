// Bytes that the application gave us and the peer has not acknowledged: SND.UNA to the end.
#pragma once

#include <cstdint>

#include "proto/tcp/resources.hpp"
#include "proto/tcp/segment.hpp"

namespace sluice::tcp {

// Sent bytes are immutable until acknowledged. Positions count from the stream's first byte.
class SendBuffer {
 public:
  // Bytes in the buffer, sent or not.
  std::uint32_t size() const { return size_; }

  // Each returns how many bytes it took: fewer than offered when memory ran out. A slice that
  // would pin much more than its size from a pool is copied.
  std::uint32_t append(Bytes bytes, const Resources& resources);
  std::uint32_t append(Slice slice, const Resources& resources);

  // The first `count` bytes have been acknowledged.
  void acknowledge(std::uint32_t count, const Resources& resources);

  // Puts up to `length` bytes from `offset` (counted from the first byte not acknowledged) into
  // `out` by reference, as many as its pieces allow; returns how many.
  std::uint32_t gather(std::uint32_t offset, std::uint32_t length, OutSegment& out);

  void clear(const Resources& resources);

 private:
  void seek(std::uint64_t position);

  SliceQueue queue_;
  std::uint32_t size_ = 0;
  std::uint64_t first_ = 0;  // position of the first byte in the queue
  // Where the last gather ended: what is sent next usually follows what was sent before.
  SliceNode* cursor_ = nullptr;
  std::uint64_t cursor_position_ = 0;  // position of the cursor node's first byte
};

}  // namespace sluice::tcp
