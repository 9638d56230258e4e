// Room for datagrams that wait for the device: a few frames, filled once, of which only headers
// change. Belongs to one core.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "proto/base/frame.hpp"

namespace sluice::perf {

class DatagramFrames final : private FrameHome {
 public:
  // Frames at most, made when they are wanted: the device is busy with some while others are
  // filled.
  static constexpr std::size_t kMost = 8;

  // What is still on its way comes home before they go.
  struct Abandon {
    void operator()(DatagramFrames* frames) const { frames->abandon(); }
  };
  using Owner = std::unique_ptr<DatagramFrames, Abandon>;

  // In each frame `datagrams` times `datagram`.
  static Owner make(Slice datagram, std::uint32_t datagrams);
  DatagramFrames(const DatagramFrames&) = delete;
  DatagramFrames& operator=(const DatagramFrames&) = delete;

  // Nobody else looks into it. Empty when all are on their way; nobody tells when that is over.
  Slice take();

 private:
  struct Block {
    Frame frame;
    std::unique_ptr<std::uint8_t[]> bytes;
  };

  DatagramFrames(Slice datagram, std::uint32_t datagrams)
      : datagram_(std::move(datagram)), datagrams_(datagrams) {}
  ~DatagramFrames() = default;
  void add();
  void take_back(Frame& frame) override;
  void abandon();

  const Slice datagram_;
  const std::uint32_t datagrams_;
  bool is_abandoned_ = false;
  std::vector<std::unique_ptr<Block>> blocks_;
  std::size_t away_ = 0;
  Frame* free_ = nullptr;  // the last that came home goes first
};

}  // namespace sluice::perf
