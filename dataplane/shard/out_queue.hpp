// Answers that belong to no connection: resets, ACKs of TIME-WAIT, echo replies. A short bounded
// queue; what does not fit is counted and dropped, as a flood deserves.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "proto/base/frame.hpp"
#include "proto/wire/build.hpp"

namespace sluice {

struct Reply {
  wire::IpFields ip;  // its protocol says which header counts
  wire::TcpHeader tcp;
  wire::IcmpHeader icmp;
  Slice payload;  // of an echo
};

class ReplyQueue {
 public:
  explicit ReplyQueue(std::uint32_t capacity)
      : replies_(new Reply[capacity]), capacity_(capacity) {}

  bool empty() const { return count_ == 0; }
  // Null when the queue is full.
  Reply* push() {
    if (count_ == capacity_) return nullptr;
    return &replies_[(first_ + count_++) % capacity_];
  }
  Reply& front() { return replies_[first_]; }
  void pop() {
    replies_[first_] = Reply();
    first_ = (first_ + 1) % capacity_;
    --count_;
  }

 private:
  std::unique_ptr<Reply[]> replies_;
  std::uint32_t capacity_;
  std::uint32_t first_ = 0;
  std::uint32_t count_ = 0;
};

}  // namespace sluice
