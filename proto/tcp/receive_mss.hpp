// How large the peer's full segments are, to know when two of them wait for an ACK.
#pragma once

#include <algorithm>
#include <cstdint>

#include "proto/tcp/constants.hpp"

namespace sluice::tcp {

// Payload bytes. It begins with what the peer was told and grows with what it sends; or, where ACKs
// adapt, it begins small and follows both ways, as in Linux.
class ReceiveMss {
 public:
  void start(std::uint32_t advertised, std::uint32_t send_mss, std::uint32_t window,
             const Settings& settings) {
    most_ = value_ = advertised;
    if (!settings.adaptive_acks) return;
    const std::uint32_t first = std::min({advertised, send_mss, window / 2, kDefaultMssV4});
    value_ = std::max(first, kSmallest);
  }
  std::uint32_t get() const { return value_; }

  void on_segment(std::uint32_t bytes, bool is_pushed, const Settings& settings) {
    if (bytes >= value_) {
      value_ = settings.adaptive_acks ? std::min(bytes, most_) : bytes;
      return;
    }
    if (!settings.adaptive_acks) return;
    // Nagle's algorithm makes all full but what is pushed. Two of a size, and that is it.
    const bool may_be_full = bytes >= kDefaultMssV4 || (bytes >= kSmallest && !is_pushed);
    if (may_be_full && bytes == last_) value_ = bytes;
    if (may_be_full) last_ = bytes;
  }

 private:
  static constexpr std::uint32_t kSmallest = 88;

  std::uint32_t value_ = 0;
  std::uint32_t most_ = 0;
  std::uint32_t last_ = 0;
};

}  // namespace sluice::tcp
