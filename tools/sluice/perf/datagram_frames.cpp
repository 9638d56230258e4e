#include "tools/sluice/perf/datagram_frames.hpp"

#include <cstring>
#include <utility>

namespace sluice::perf {

DatagramFrames::Owner DatagramFrames::make(Slice datagram, std::uint32_t datagrams) {
  return Owner(new DatagramFrames(std::move(datagram), datagrams));
}

Slice DatagramFrames::take() {
  if (free_ == nullptr && blocks_.size() < kMost) add();
  if (free_ == nullptr) return {};
  Frame& frame = *free_;
  free_ = std::exchange(frame.next, nullptr);
  ++away_;
  return {frame, 0, frame.capacity};
}

void DatagramFrames::add() {
  auto block = std::make_unique<Block>();
  const std::uint32_t size = datagram_.size();
  block->bytes.reset(new std::uint8_t[std::size_t{size} * datagrams_]);
  for (std::uint32_t i = 0; i < datagrams_; ++i) {
    std::memcpy(block->bytes.get() + std::size_t{i} * size, datagram_.data(), size);
  }
  block->frame.home = this;
  block->frame.data = block->bytes.get();
  block->frame.capacity = size * datagrams_;
  free_ = &block->frame;
  blocks_.push_back(std::move(block));
}

void DatagramFrames::take_back(Frame& frame) {
  frame.next = std::exchange(free_, &frame);
  --away_;
  if (is_abandoned_ && away_ == 0) delete this;
}

void DatagramFrames::abandon() {
  is_abandoned_ = true;
  if (away_ == 0) delete this;
}

}  // namespace sluice::perf
