// Frames for what is on the wires: as many as it takes.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "proto/base/frame.hpp"

namespace sluice::sim {

// Outlives every slice into its frames.
class GrowingPool final : public FrameSource, public FrameHome {
 public:
  explicit GrowingPool(std::uint32_t frame_bytes) : frame_bytes_(frame_bytes) {}

  Frame* take() override {
    if (free_.empty()) make_frame();
    Frame* const frame = free_.back();
    free_.pop_back();
    return frame;
  }
  void take_back(Frame& frame) override { free_.push_back(&frame); }

  std::uint64_t out() const { return frames_.size() - free_.size(); }

 private:
  struct Room {
    Frame frame;
    std::unique_ptr<std::uint8_t[]> bytes;
  };

  void make_frame() {
    frames_.push_back(std::make_unique<Room>());
    Room& room = *frames_.back();
    room.bytes.reset(new std::uint8_t[frame_bytes_]);
    room.frame.home = this;
    room.frame.data = room.bytes.get();
    room.frame.capacity = frame_bytes_;
    free_.push_back(&room.frame);
  }

  std::uint32_t frame_bytes_;
  std::vector<std::unique_ptr<Room>> frames_;
  std::vector<Frame*> free_;
};

}  // namespace sluice::sim
