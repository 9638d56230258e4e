// Frames from the heap, counted: what tests lend to the machine, and get back.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "proto/base/frame.hpp"

namespace sluice::test {

// A heap block for each frame, so that the address sanitizer sees a late reader.
class TestFrames final : public FrameSource, public FrameHome {
 public:
  explicit TestFrames(std::uint32_t capacity) : capacity_(capacity) {}
  TestFrames(const TestFrames&) = delete;
  TestFrames& operator=(const TestFrames&) = delete;
  ~TestFrames() { EXPECT_EQ(out_, 0u) << "frames that did not come home"; }

  // Null once `limit` frames are out.
  Frame* take() override { return out_ < limit ? make(capacity_) : nullptr; }
  void take_back(Frame& frame) override {
    --out_;
    delete[] frame.data;
    delete &frame;
  }
  bool is_scarce() const override { return scarce; }
  MemoryLevel level() const override { return memory_level; }
  std::uint64_t spare_bytes() const override { return spare; }

  // A slice of a fresh frame that holds `bytes`, in a frame of at least `capacity`.
  Slice slice_of(Bytes bytes, std::uint32_t capacity = 0) {
    const auto size = static_cast<std::uint32_t>(bytes.size());
    Frame* const frame = make(size < capacity ? capacity : size);
    if (!bytes.empty()) std::memcpy(frame->data, bytes.data(), bytes.size());
    return Slice(*frame, 0, size);
  }

  std::uint32_t out() const { return out_; }

  std::uint32_t limit = UINT32_MAX;
  bool scarce = false;
  MemoryLevel memory_level = MemoryLevel::plenty;
  std::uint64_t spare = UINT64_MAX;  // bytes
  bool pooled = false;               // of the frames that are made from now on

 private:
  Frame* make(std::uint32_t capacity) {
    auto frame = std::make_unique<Frame>();
    frame->home = this;
    frame->data = new std::uint8_t[capacity + 1];
    frame->capacity = capacity;
    frame->pooled = pooled;
    ++out_;
    return frame.release();
  }

  std::uint32_t capacity_;
  std::uint32_t out_ = 0;
};

}  // namespace sluice::test
