// The tail loss probe (RFC 8985 7): when no ACK comes for two round trips, one more segment asks
// for one, long before the retransmission timer would take the whole flight for lost.
#pragma once

#include <cstdint>

#include "proto/tcp/ack_facts.hpp"
#include "proto/tcp/constants.hpp"

namespace sluice::tcp {

class TailProbe {
 public:
  // What the ACK of a probe tells.
  enum class Finding : std::uint8_t { nothing, repaired_loss };

  // R8985-15: no probe is under way, and a round trip was measured since the last.
  bool may_send() const { return !is_out_ && has_new_rtt_; }
  void on_rtt_sample() { has_new_rtt_ = true; }

  // R8985-14: from the last segment sent or ACK of new data.
  static Duration timeout(Duration smoothed_rtt, bool is_single_segment) {
    return smoothed_rtt * 2 + (is_single_segment ? kMaxAckDelay : kSlack);
  }

  // SND.NXT is `end` now.
  void on_sent(Seq end, bool is_resent) {
    is_out_ = true;
    is_resent_ = is_resent;
    has_new_rtt_ = false;
    end_ = end;
  }

  // R8985-18. A probe that filled the last gap must not hide the loss from congestion control.
  Finding on_ack(const AckFacts& ack) {
    if (!is_out_ || ack.snd.una < end_) return Finding::nothing;
    const bool came_twice = (ack.twice && ack.twice->right == end_) || ack.is_bare_repeat;
    const bool is_over = !is_resent_ || came_twice;
    if (!is_over && ack.snd.una == end_) return Finding::nothing;  // the next one tells
    is_out_ = false;
    return is_over ? Finding::nothing : Finding::repaired_loss;
  }
  bool is_out() const { return is_out_; }

  void reset() { is_out_ = false; }  // R8985-12

 private:
  // Round trips over TUN take microseconds: less than a process waits for its turn to run. Linux
  // allows for as much.
  static constexpr Duration kSlack = Duration::milliseconds(2);

  bool is_out_ = false;
  bool is_resent_ = false;
  bool has_new_rtt_ = false;
  Seq end_;
};

}  // namespace sluice::tcp
