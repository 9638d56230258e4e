// Frame and Slice: who owns bytes, and for how long.
//
// A Frame is a block of memory with a count of the Slices that look into it. The last Slice to go
// sends the frame home, to whatever FrameHome lent it: a pool, or an application's own buffer. The
// count is not atomic: a frame and all its slices belong to one core.
#pragma once

#include <cstdint>
#include <utility>

#include "proto/base/assert.hpp"
#include "proto/base/bytes.hpp"
#include "proto/base/memory_level.hpp"

namespace sluice {

struct Frame;

// Where a frame goes when nobody looks into it any more.
class FrameHome {
 public:
  virtual void take_back(Frame& frame) = 0;
  // True when so few frames are left that none should be kept waiting: copy, or do without.
  virtual bool is_scarce() const { return false; }

 protected:
  ~FrameHome() = default;
};

// Where frames come from. Null when none is left: the caller drops, or waits.
class FrameSource {
 public:
  virtual Frame* take() = 0;
  virtual MemoryLevel level() const { return MemoryLevel::plenty; }
  // Bytes that can be lent before the reserve is touched; by default without end.
  virtual std::uint64_t spare_bytes() const { return UINT64_MAX; }

 protected:
  ~FrameSource() = default;
};

struct Frame {
  FrameHome* home = nullptr;     // not owned; outlives the frame's slices
  std::uint8_t* data = nullptr;  // `capacity` bytes; what a slice covers never changes
  std::uint32_t capacity = 0;    // bytes; also what a slice is charged for pinning the frame
  std::uint32_t slices = 0;      // how many Slices look into it
  bool pooled = false;           // of a fixed pool: a small slice should not pin it for long
  Frame* next = nullptr;         // the home's own list of free frames
};

// Several bytes of a frame, and a share in keeping it alive. Copying a Slice copies the share.
class Slice {
 public:
  Slice() = default;
  Slice(Frame& frame, std::uint32_t offset, std::uint32_t length)
      : frame_(&frame), offset_(offset), length_(length) {
    SLUICE_ASSERT(offset <= frame.capacity && length <= frame.capacity - offset);
    ++frame.slices;
  }
  Slice(const Slice& other) : frame_(other.frame_), offset_(other.offset_), length_(other.length_) {
    if (frame_ != nullptr) ++frame_->slices;
  }
  Slice(Slice&& other) noexcept
      : frame_(std::exchange(other.frame_, nullptr)),
        offset_(std::exchange(other.offset_, 0)),
        length_(std::exchange(other.length_, 0)) {}
  Slice& operator=(Slice other) noexcept {
    std::swap(frame_, other.frame_);
    std::swap(offset_, other.offset_);
    std::swap(length_, other.length_);
    return *this;
  }
  ~Slice() { release(); }

  const std::uint8_t* data() const { return frame_ == nullptr ? nullptr : frame_->data + offset_; }
  std::uint32_t size() const { return length_; }
  bool empty() const { return length_ == 0; }
  Bytes bytes() const { return {data(), length_}; }
  Frame* frame() const { return frame_; }
  std::uint32_t offset() const { return offset_; }

  void drop_front(std::uint32_t count) {
    SLUICE_ASSERT(count <= length_);
    offset_ += count;
    length_ -= count;
  }
  void keep_front(std::uint32_t count) {
    SLUICE_ASSERT(count <= length_);
    length_ = count;
  }
  // Grows the slice over bytes of its frame that its owner has just written behind it.
  void extend(std::uint32_t count) {
    SLUICE_ASSERT(count <= frame_->capacity - offset_ - length_);
    length_ += count;
  }
  // Lets go of the frame without sending it home. The slice is its only one.
  Frame& detach() && {
    SLUICE_ASSERT(frame_ != nullptr && frame_->slices == 1);
    frame_->slices = 0;
    return *std::exchange(frame_, nullptr);
  }
  // True when keeping this slice would keep more than four times its size from a pool.
  bool pins_too_much() const {
    return frame_ != nullptr && frame_->pooled &&
           static_cast<std::uint64_t>(length_) * 4 < frame_->capacity;
  }
  Slice front(std::uint32_t count) const {
    Slice part = *this;
    part.keep_front(count);
    return part;
  }

 private:
  void release() {
    if (frame_ != nullptr && --frame_->slices == 0) frame_->home->take_back(*frame_);
  }

  Frame* frame_ = nullptr;
  std::uint32_t offset_ = 0;
  std::uint32_t length_ = 0;
};

}  // namespace sluice
