#include "proto/tcp/loss_recovery.hpp"

#include <algorithm>

#include "proto/tcp/constants.hpp"

namespace sluice::tcp {

CaState LossRecovery::ca_state(const SentSegments& sent) const {
  switch (phase_) {
    case Phase::marked: return CaState::cwr;
    case Phase::fast_recovery: return CaState::recovery;
    case Phase::after_timeout: return CaState::loss;
    case Phase::open: break;
  }
  const bool is_in_order = sent.sacked_bytes() == 0 && duplicate_acks_ == 0;
  return is_in_order ? CaState::open : CaState::disorder;
}

void LossRecovery::start(Seq iss) {
  recover_ = iss;  // RFC 6582 R6582-1
  rack_.start(iss + 1u);
}

// --- acknowledgements -------------------------------------------------------------------------

LossRecovery::Outcome LossRecovery::on_ack(const AckFacts& ack, const Delivery& delivery,
                                           SentSegments& sent, CongestionControl& congestion) {
  Outcome outcome;
  const std::uint32_t delivered = count_delivered(ack, delivery);
  outcome.delivered_bytes = delivered;
  rack_.on_delivery(ack, delivery, sent.sacked_bytes());
  if (ack.snd.sack) {
    const bool repaired = tail_probe_.on_ack(ack) == TailProbe::Finding::repaired_loss;
    outcome.has_reduced = repaired && phase_ == Phase::open;
    if (outcome.has_reduced) reduce_once(ack, congestion);
  }
  outcome.was_undone = undo_if_spurious(ack, delivery, sent, congestion);
  const bool has_ended = end_if_repaired(ack, congestion);
  const Rack::Verdict verdict = find_lost(ack, sent, has_ended);
  outcome.lost_bytes = verdict.lost_bytes;
  outcome.look_again = verdict.look_again;
  answer(ack, verdict, has_ended && sent.has_lost(), congestion, outcome);
  if (phase_ == Phase::open) recover_ = max(recover_, ack.snd.una - 1u);  // stays comparable
  if (slows_down() && delivered > 0) {                                    // RFC 9937 R9937-6
    const bool safe = ack.acked > 0 && verdict.lost_bytes == 0;
    prr_.update(delivered, pipe(ack.snd, sent), safe, ack.snd.mss);
  }
  return outcome;
}

// RFC 5681 R5681-20: a loss in the next window, or of what was sent again, is another one; for
// Linux the latter is part of the same fast recovery. `is_left`: something is lost yet, behind a
// recovery that has ended.
void LossRecovery::answer(const AckFacts& ack, const Rack::Verdict& verdict, bool is_left,
                          CongestionControl& congestion, Outcome& outcome) {
  const bool has_lost = verdict.lost_bytes > 0 || is_left;
  if (phase_ == Phase::marked && has_lost) {  // RFC 3168 R3168-5: once a window
    begin_repair(ack.snd.nxt);
    outcome.has_begun = true;
    return;
  }
  const bool by_ecn = ack.ecn_echo && ack.snd.una > recover_;  // RFC 3168 R3168-5
  const bool is_same = ack.snd.as_linux && phase_ == Phase::fast_recovery;
  const bool is_another = verdict.lost_resent && !is_same;
  const bool begins = phase_ == Phase::open ? has_lost || by_ecn : is_another;
  if (!begins) return;
  outcome.has_begun = has_lost;
  outcome.has_reduced = true;
  begin(ack, congestion, !has_lost);
}

// Without SACK each duplicate says that a segment has arrived beyond the gap (RFC 9937 R9937-3); no
// more of them than were outstanding, or a receiver could open the window with ACKs that nothing
// caused (RFC 5681 R5681-14, R5681-16).
std::uint32_t LossRecovery::count_delivered(const AckFacts& ack, const Delivery& delivery) {
  if (ack.snd.sack) return delivery.bytes;  // RFC 6675 R6675-1
  if (ack.acked > 0) {
    const std::uint32_t gap = std::min(ack.acked, ack.snd.mss);
    const std::uint32_t known = std::min(arrived_, ack.acked - gap);
    arrived_ = in_recovery() ? arrived_ - known : 0;
    duplicate_acks_ = 0;
    return ack.acked - known;
  }
  if (!ack.is_duplicate || phase_ == Phase::after_timeout) return 0;  // RFC 6582 R6582-6
  ++duplicate_acks_;
  const bool is_third = !in_recovery() && duplicate_acks_ == kDupThresh;
  const std::uint32_t most =
      in_recovery() ? prr_.undelivered()
                    : (kDupThresh - 1) * ack.snd.mss - std::min(arrived_, 2 * ack.snd.mss);
  const std::uint32_t delivered = is_third ? ack.snd.mss : std::min(ack.snd.mss, most);
  arrived_ += delivered;
  return delivered;
}

bool LossRecovery::undo_if_spurious(const AckFacts& ack, const Delivery& delivery,
                                    SentSegments& sent, CongestionControl& congestion) {
  bool is_spurious = spurious_.on_ack(ack);
  if (phase_ == Phase::after_timeout) {
    const bool sent_new = forward_rto_.prefers_new();
    const ForwardRto::Verdict verdict = forward_rto_.on_ack(ack, delivery);
    is_spurious = is_spurious || verdict == ForwardRto::Verdict::spurious;
    if (sent_new && verdict == ForwardRto::Verdict::genuine) must_resend_ = true;
  }
  if (!is_spurious) return false;
  if (!spurious_.is_marked()) congestion.undo(ack.now);
  sent.unmark_lost();
  rack_.on_reordering();
  spurious_.stop();
  forward_rto_.stop();
  phase_ = Phase::open;
  must_resend_ = false;
  partial_acks_ = 0;
  arrived_ = 0;
  return true;
}

bool LossRecovery::end_if_repaired(const AckFacts& ack, CongestionControl& congestion) {
  if (phase_ == Phase::open || ack.acked == 0 || ack.snd.una < recover_) return false;
  // RFC 9937 R9937-11, RFC 6582 R6582-4, RFC 6675 R6675-11.
  if (slows_down()) congestion.on_recovery_end(ack.now);
  phase_ = Phase::open;
  must_resend_ = false;
  partial_acks_ = 0;
  arrived_ = 0;
  rack_.on_recovery_end();
  spurious_.end_at(ack.snd.nxt);
  forward_rto_.stop();
  return true;
}

Rack::Verdict LossRecovery::find_lost(const AckFacts& ack, SentSegments& sent, bool has_ended) {
  if (ack.snd.sack) return rack_.find_lost(sent, ack, in_recovery(), began_at_);
  Rack::Verdict verdict;
  // RFC 6582 R6582-2. What is sent again brings duplicates, which prove nothing.
  const bool is_fresh = phase_ == Phase::marked || ack.snd.una > recover_;
  const bool is_third = ack.is_duplicate && duplicate_acks_ == kDupThresh && is_fresh;
  // RFC 6582 R6582-5: a partial ACK says that the next segment is lost, too.
  const bool is_partial = phase_ == Phase::fast_recovery && ack.acked > 0 && !has_ended;
  if (is_partial && partial_acks_ < 2) ++partial_acks_;
  if ((!in_recovery() && is_third) || is_partial) verdict.lost_bytes = sent.mark_head_lost();
  return verdict;
}

// --- recoveries ---------------------------------------------------------------------------------

void LossRecovery::begin(const AckFacts& ack, CongestionControl& congestion, bool by_ecn) {
  const std::uint32_t flight = flight_borne(ack);
  congestion.on_congestion(answered_flight(ack, congestion), by_ecn, ack.now);
  is_paced_ = congestion.pacing_rate() > 0;
  prr_.start(congestion.window(), flight, flight - ack.flight_before);
  began_at_ = ack.now;
  forward_rto_.stop();
  spurious_.start(by_ecn);
  phase_ = Phase::marked;
  recover_ = ack.snd.nxt;
  if (!by_ecn) begin_repair(ack.snd.nxt);
}

// RFC 5681 R5681-14: what limited transmit sent, beyond the window, does not count.
std::uint32_t LossRecovery::answered_flight(const AckFacts& ack,
                                            const CongestionControl& congestion) const {
  return ack.snd.as_linux ? congestion.window() : std::min(flight_borne(ack), congestion.window());
}

// What the window must be is known.
void LossRecovery::begin_repair(Seq nxt) {
  phase_ = Phase::fast_recovery;
  recover_ = nxt;
  must_resend_ = true;  // RFC 9937 R9937-9
  partial_acks_ = 0;
  tail_probe_.reset();
}

// The loss is repaired already: only the congestion is left to answer.
void LossRecovery::reduce_once(const AckFacts& ack, CongestionControl& congestion) {
  congestion.on_congestion(answered_flight(ack, congestion), false, ack.now);
  congestion.on_recovery_end(ack.now);
  recover_ = ack.snd.nxt;  // RFC 3168 R3168-5: a mark in the same window asks for no more
}

LossRecovery::Outcome LossRecovery::on_reorder_timer(const AckFacts& now, SentSegments& sent,
                                                     CongestionControl& congestion) {
  Outcome outcome;
  const Rack::Verdict verdict = rack_.find_lost(sent, now, in_recovery(), began_at_);
  outcome.lost_bytes = verdict.lost_bytes;
  outcome.look_again = verdict.look_again;
  if (verdict.lost_bytes == 0) return outcome;
  answer(now, verdict, false, congestion, outcome);
  if (slows_down()) prr_.update(0, pipe(now.snd, sent), false, now.snd.mss);
  return outcome;
}

std::uint32_t LossRecovery::on_timeout(const SendView& snd, SentSegments& sent,
                                       CongestionControl& congestion, Instant now) {
  const bool was_open = !in_recovery();
  const bool is_first = phase_ != Phase::after_timeout || snd.una != timed_out_at_;
  const std::uint32_t flight = snd.as_linux ? congestion.window() : distance(snd.una, snd.nxt);
  congestion.on_timeout(flight, is_first, now);
  const bool reneged = sent.head() != nullptr && sent.head()->fate == SentSegment::Fate::sacked;
  if (reneged) sent.forget_sacks();  // RFC 2018 R2018-8
  phase_ = Phase::after_timeout;
  recover_ = snd.nxt;  // RFC 6582 R6582-6, RFC 6675 R6675-13
  timed_out_at_ = snd.una;
  began_at_ = now;
  must_resend_ = true;
  duplicate_acks_ = 0;
  arrived_ = 0;
  partial_acks_ = 0;
  tail_probe_.reset();
  if (is_first) spurious_.start(false);
  forward_rto_.stop();
  if (was_open) forward_rto_.start(now);
  return snd.sack ? rack_.find_lost_on_timeout(sent, now) : sent.mark_larger_lost(0);
}

void LossRecovery::resend_larger(const SendView& snd, std::uint32_t piece_size,
                                 SentSegments& sent) {
  sent.mark_larger_lost(piece_size);
  spurious_.stop();
  forward_rto_.stop();
  duplicate_acks_ = 0;
  arrived_ = 0;
  if (phase_ == Phase::open) recover_ = snd.nxt;
  if (slows_down()) prr_.restart();
}

// --- sending ------------------------------------------------------------------------------------

void LossRecovery::on_sent(std::uint32_t bytes, std::uint32_t flight) {
  flight_sent_ = flight;
  if (slows_down()) prr_.on_sent(bytes);
}

void LossRecovery::on_resent(Seq begin, std::uint32_t bytes, std::uint32_t flight, Seq una,
                             Instant now) {
  must_resend_ = false;
  spurious_.on_resent(begin, bytes, una, now);
  on_sent(bytes, flight);
}

}  // namespace sluice::tcp
