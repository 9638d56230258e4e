// The two ends of a bulk transfer.
#pragma once

#include <cstdint>
#include <vector>

#include "dataplane/stream.hpp"

namespace sluice::bench {

// Sends one block of its own, again and again, by reference.
class Bulk final : public StreamEvents, public FrameHome {
 public:
  Bulk() : bytes_(262'144) {
    frame_.home = this;
    frame_.data = bytes_.data();
    frame_.capacity = static_cast<std::uint32_t>(bytes_.size());
  }
  void on_open(Stream& stream) override { pump(stream); }
  void on_writable(Stream& stream) override { pump(stream); }
  void take_back(Frame&) override {}

 private:
  void pump(Stream& stream) {
    const Slice all(frame_, 0, frame_.capacity);
    while (stream.send(all) == all.size()) {
    }
  }
  std::vector<std::uint8_t> bytes_;
  Frame frame_;
};

class Reader final : public StreamEvents {
 public:
  void on_readable(Stream& stream) override {
    while (stream.readable() > 0) received += stream.read().size();
  }
  std::uint64_t received = 0;
};

}  // namespace sluice::bench
