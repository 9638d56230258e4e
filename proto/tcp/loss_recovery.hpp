// Which sent bytes are to be sent again: fast retransmit and fast recovery of RFC 6582, and
// go-back after a timeout.
//
//     SND.UNA        resend.next      resend.end          SND.NXT
//        |-- resent -----|-- to resend --|---- in flight ----|
#pragma once

#include <cstdint>

#include "proto/tcp/newreno.hpp"
#include "proto/tcp/seq.hpp"

namespace sluice::tcp {

// The part of the sender's state that recovery looks at.
struct SendView {
  Seq una;
  Seq nxt;
  std::uint32_t mss = 0;
};

class LossRecovery {
 public:
  void start(Seq iss) {
    recover_ = iss;  // RFC 6582 R6582-1
    resend_next_ = resend_end_ = iss + 1u;
  }

  // A duplicate ACK arrived.
  void on_duplicate_ack(const SendView& snd, NewReno& congestion);
  // SND.UNA has advanced to snd.una by `acked` bytes. True when this ACK ended or continued a
  // recovery, and the window has been set accordingly; false: grow it as usual.
  bool on_new_ack(const SendView& snd, std::uint32_t acked, NewReno& congestion);
  // The retransmission timer fired: all that is outstanding counts as lost.
  void on_timeout(const SendView& snd, NewReno& congestion);
  // All that is outstanding is to be sent again, with no congestion to blame: a smaller MSS, or a
  // window probe whose byte was refused. Ends a fast recovery.
  void resend_all(const SendView& snd, NewReno& congestion);

  bool has_resend() const { return resend_next_ < resend_end_; }
  Seq resend_next() const { return resend_next_; }
  Seq resend_end() const { return resend_end_; }
  // Fast retransmit does not wait for the congestion window (RFC 5681 R5681-15).
  bool resend_ignores_window() const { return phase_ == Phase::fast_recovery; }
  void on_resent(std::uint32_t bytes) { resend_next_ += bytes; }

  // Outstanding bytes less those that count as lost and are not resent yet.
  std::uint32_t pipe(const SendView& snd) const;
  // Limited transmit (RFC 3042, RFC 5681 R5681-14): the first two duplicates each let a segment go.
  std::uint32_t window_bonus(std::uint32_t mss) const;
  // RFC 6582 R6582-5: only the first partial ACK restarts the timer; a recovery that takes many
  // round trips ends in slow start instead.
  bool lets_timer_restart() const { return !seen_second_partial_ack_; }
  bool in_recovery() const { return phase_ != Phase::open; }

 private:
  enum class Phase : std::uint8_t { open, fast_recovery, go_back };

  void resend(Seq from, Seq to);
  void go_back(const SendView& snd, bool by_timer);

  Phase phase_ = Phase::open;
  bool by_timer_ = false;  // why we go back
  bool seen_partial_ack_ = false;
  bool seen_second_partial_ack_ = false;
  std::uint32_t duplicate_acks_ = 0;
  Seq recover_;  // one past the highest sent when the last recovery began
  Seq resend_next_;
  Seq resend_end_;
};

}  // namespace sluice::tcp
