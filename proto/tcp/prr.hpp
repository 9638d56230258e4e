// Proportional rate reduction (RFC 9937): how much may be sent while a loss is repaired, so that
// the flight shrinks smoothly to the congestion control's new window.
#pragma once

#include <algorithm>
#include <cstdint>

namespace sluice::tcp {

class Prr {
 public:
  // A congestion response begins (R9937-1). `target` is the window that it ends with;
  // `recover_flight` was outstanding, less what was SACKed (R9937-2), when something was last sent.
  // ACKs that came since then, before the one that told of the loss, have `delivered` part of it.
  void start(std::uint32_t target, std::uint32_t recover_flight, std::uint32_t delivered) {
    target_ = target;
    recover_flight_ = std::max(recover_flight, 1u);
    delivered_ = delivered;
    sent_ = 0;
    window_ = target;
  }

  // `delivered` bytes arrived, and `pipe` are outstanding now. `safe`: SND.UNA has moved and no
  // further loss has come to light (R9937-5). Without an ACK, after a timer has found losses,
  // nothing was delivered.
  void update(std::uint32_t delivered, std::uint32_t pipe, bool safe, std::uint32_t mss) {
    delivered_ = delivered_ + delivered;
    std::uint64_t budget = 0;  // of the whole recovery so far
    if (pipe > target_) {      // R9937-7
      budget = (delivered_ * target_ + recover_flight_ - 1) / recover_flight_;
    } else {  // R9937-8
      budget = std::max(delivered_, sent_ + delivered) + (safe ? mss : 0);
      budget = std::min(budget, sent_ + (target_ - pipe));
    }
    std::uint64_t room = budget - std::min(budget, sent_);
    const bool stands_still = sent_ == 0 || pipe == 0;  // R9937-9
    if (stands_still) room = std::max<std::uint64_t>(room, mss);
    window_ = pipe + static_cast<std::uint32_t>(std::min<std::uint64_t>(room, target_ + mss));
  }
  void on_sent(std::uint32_t bytes) { sent_ += bytes; }
  // What was outstanding has all been given up for lost: the flight begins anew.
  void restart() { window_ = std::min(window_, target_); }

  // What can still be delivered of the flight that the recovery began with.
  std::uint32_t undelivered() const {
    return recover_flight_ -
           static_cast<std::uint32_t>(std::min<std::uint64_t>(delivered_, recover_flight_));
  }
  // R9937-10: bytes that may be outstanding now.
  std::uint32_t window() const { return window_; }

 private:
  std::uint32_t target_ = 0;
  std::uint32_t recover_flight_ = 1;
  std::uint32_t window_ = 0;
  std::uint64_t delivered_ = 0;  // since the start
  std::uint64_t sent_ = 0;
};

}  // namespace sluice::tcp
