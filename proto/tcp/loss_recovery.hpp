// What is lost, and how fast it is sent again.
//
// With SACK, RACK finds losses (rack.hpp) and a probe those at the tail (tail_probe.hpp); without,
// duplicate ACKs are counted (RFC 6582). A loss begins a fast recovery, in which PRR (prr.hpp)
// rules how much is sent, as it does after a router's mark; the retransmission timer begins slow
// start from one segment. What turns out to have been no loss is undone (spurious.hpp).
#pragma once

#include <algorithm>
#include <cstdint>

#include "proto/tcp/ack_facts.hpp"
#include "proto/tcp/congestion.hpp"
#include "proto/tcp/prr.hpp"
#include "proto/tcp/rack.hpp"
#include "proto/tcp/sent_segments.hpp"
#include "proto/tcp/snapshot.hpp"
#include "proto/tcp/spurious.hpp"
#include "proto/tcp/tail_probe.hpp"

namespace sluice::tcp {

class LossRecovery {
 public:
  // What an ACK or a timer has led to.
  struct Outcome {
    std::uint32_t lost_bytes = 0;           // newly
    std::uint32_t delivered_bytes = 0;      // newly; without SACK by counting duplicates
    bool has_begun = false;                 // a fast recovery
    bool has_reduced = false;               // the window, be it for that or at once
    bool was_undone = false;                // the last one had no reason
    Instant look_again = Instant::never();  // call on_reorder_timer() then
  };

  void start(Seq iss);

  Outcome on_ack(const AckFacts& ack, const Delivery& delivery, SentSegments& sent,
                 CongestionControl& congestion);
  // Some that were overtaken have had their time to arrive (RFC 8985 R8985-10).
  Outcome on_reorder_timer(const AckFacts& now, SentSegments& sent, CongestionControl& congestion);
  // The retransmission timer fired. How many bytes are newly lost.
  std::uint32_t on_timeout(const SendView& snd, SentSegments& sent, CongestionControl& congestion,
                           Instant now);
  // All in flight that was sent in segments larger than `piece_size` is to be sent again, with no
  // congestion to blame: a smaller MSS, or (zero) window probes whose bytes were refused.
  void resend_larger(const SendView& snd, std::uint32_t piece_size, SentSegments& sent);

  // New data was sent, or [begin, begin + bytes) again; `flight` is outstanding now and not SACKed.
  void on_sent(std::uint32_t bytes, std::uint32_t flight);
  void on_resent(Seq begin, std::uint32_t bytes, std::uint32_t flight, Seq una, Instant now);
  // There was time to send, and nothing more may go now.
  void on_all_sent(std::uint32_t flight) { flight_sent_ = flight; }

  // Bytes that may be outstanding.
  std::uint32_t window(const CongestionControl& congestion) const {
    return slows_down() && !is_paced_ ? prr_.window() : congestion.window();
  }
  // Bytes outstanding that are neither lost nor have arrived (RFC 6675 R6675-3, RFC 9937 R9937-4).
  std::uint32_t pipe(const SendView& snd, const SentSegments& sent) const {
    const std::uint32_t outstanding = distance(snd.una, snd.nxt);
    const std::uint32_t gone = sent.lost_bytes() + sent.sacked_bytes() + arrived_;
    return outstanding - std::min(gone, outstanding);
  }
  // The first lost segment goes whatever the window (RFC 9293 R9293-11, RFC 5681 R5681-15).
  bool must_resend() const { return must_resend_; }
  bool prefers_new() const { return forward_rto_.prefers_new(); }
  // RFC 6582 R6582-5: only the first partial ACK restarts the timer; a recovery that takes many
  // round trips ends in slow start instead.
  bool lets_timer_restart() const { return partial_acks_ < 2; }
  bool in_fast_recovery() const { return phase_ == Phase::fast_recovery; }
  // Something is known to be lost, or was when the timer fired.
  bool in_recovery() const { return in_fast_recovery() || phase_ == Phase::after_timeout; }
  // The flight shrinks to a new window, for a loss or a mark.
  bool slows_down() const { return in_fast_recovery() || phase_ == Phase::marked; }
  // By Linux' names.
  CaState ca_state(const SentSegments& sent) const;
  TailProbe& tail_probe() { return tail_probe_; }
  Seq highest_delivered() const { return rack_.highest_delivered(); }

 private:
  // Marked: a router's mark is being answered (RFC 3168), and nothing is known to be lost.
  enum class Phase : std::uint8_t { open, marked, fast_recovery, after_timeout };

  bool undo_if_spurious(const AckFacts& ack, const Delivery& delivery, SentSegments& sent,
                        CongestionControl& congestion);
  bool end_if_repaired(const AckFacts& ack, CongestionControl& congestion);
  Rack::Verdict find_lost(const AckFacts& ack, SentSegments& sent, bool has_ended);
  // What the path was given to bear, of which the ACKs of this burst have taken away: outstanding
  // and not SACKed when something was last sent or, for Linux, might have been.
  std::uint32_t flight_borne(const AckFacts& ack) const {
    return std::max(ack.flight_before, flight_sent_);
  }
  std::uint32_t answered_flight(const AckFacts& ack, const CongestionControl& congestion) const;
  void answer(const AckFacts& ack, const Rack::Verdict& verdict, bool is_left,
              CongestionControl& congestion, Outcome& outcome);
  void begin(const AckFacts& ack, CongestionControl& congestion, bool by_ecn);
  void begin_repair(Seq nxt);
  void reduce_once(const AckFacts& ack, CongestionControl& congestion);
  std::uint32_t count_delivered(const AckFacts& ack, const Delivery& delivery);

  Phase phase_ = Phase::open;
  bool must_resend_ = false;
  bool is_paced_ = false;  // the algorithm rules its window itself, in recovery too
  std::uint8_t partial_acks_ = 0;
  std::uint32_t duplicate_acks_ = 0;
  std::uint32_t flight_sent_ = 0;  // outstanding and not SACKed when there was last time to send
  std::uint32_t arrived_ = 0;      // without SACK: bytes beyond the gap, by counting duplicates
  Seq recover_;                    // SND.NXT when the last recovery began
  Seq timed_out_at_;               // SND.UNA when the timer fired
  Instant began_at_;
  Rack rack_;
  Prr prr_;
  TailProbe tail_probe_;
  SpuriousLoss spurious_;
  ForwardRto forward_rto_;
};

}  // namespace sluice::tcp
