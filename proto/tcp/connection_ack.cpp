// The fifth step of RFC 9293 3.10.7.4: what an acknowledgement does to the sender.
#include <algorithm>

#include "proto/tcp/connection.hpp"

namespace sluice::tcp {

// `bare`: it came without text, SYN and FIN.
void Connection::process_ack(const Segment& segment, bool bare, Instant now) {
  path_error_.reset();
  more_follows_ = false;
  const std::uint32_t window_before = snd_.wnd;
  const bool window_moved = update_send_window(segment);
  if (window_before == 0 || snd_.wnd == 0) on_probe_answered(now);
  const bool may_be_duplicate = bare && !window_moved;
  const bool says_more =
      (sack_on_ && segment.options->sack_count > 0) || (ecn_on_ && segment.has(wire::kEce));
  if (segment.ack > snd_.una || may_be_duplicate || says_more) {
    take_acknowledgment(segment, may_be_duplicate, now);
  }
  if (window_before == 0 && snd_.wnd > 0) on_window_opened(now);
  after_ack_by_state(now);
}

// RFC 9293 MUST-37. For Linux a user timeout lasts until the window opens, and each answer has the
// next probe wait anew.
void Connection::on_probe_answered(Instant now) {
  const bool is_borne = !settings_.as_linux || !options_.has_user_timeout || snd_.wnd > 0;
  if (is_borne) unanswered_since_ = Instant::never();
  if (settings_.as_linux && timer_ == Timer::persist && snd_.wnd == 0) arm(Timer::persist, now);
}

// What the segment acknowledges, by its number and by SACK, goes off the scoreboard; recovery looks
// at what is left, and congestion control hears of both.
void Connection::take_acknowledgment(const Segment& segment, bool may_be_duplicate, Instant now) {
  const std::uint32_t pipe_before = pipe();
  AckFacts facts = facts_now(now);
  facts.is_duplicate = may_be_duplicate && is_duplicate_ack(segment);
  facts.is_bare_repeat =
      may_be_duplicate && segment.ack == snd_.una && segment.options->sack_count == 0;
  facts.ecn_echo = ecn_on_ && segment.has(wire::kEce);
  if (timestamps_on_ && segment.options->has_timestamps) {
    facts.echo = segment.options->ts_echo - ts_offset_;
  }
  Delivery delivery(recovery_.highest_delivered());
  if (segment.ack > snd_.una) {
    facts.acked = distance(snd_.una, segment.ack);
    on_new_ack(segment.ack, delivery, now);
  }
  if (sack_on_ && segment.options->sack_count > 0) take_sack(segment, facts, delivery);
  if (delivery.reordered_bytes > 0) note_reordering(delivery.reordered_bytes);
  if (facts.twice) ++counters_.duplicates_reported;
  const bool answers_probe = facts.is_bare_repeat && recovery_.tail_probe().is_out();
  const bool says_nothing = facts.acked == 0 && delivery.bytes == 0 && !facts.is_duplicate &&
                            !facts.twice && !facts.ecn_echo && !answers_probe;
  if (says_nothing) return;
  take_rtt_sample(facts, delivery);
  facts.min_rtt = min_rtt_.get();
  facts.smoothed_rtt = rtt_.smoothed();
  facts.snd = send_view();
  facts.may_send_new = unsent_bytes() >= segment_size() && usable_window() >= segment_size();
  const bool did_slow_down = recovery_.slows_down();
  const LossRecovery::Outcome outcome = recovery_.on_ack(facts, delivery, sent_, *congestion_);
  follow(outcome);
  tell_congestion(facts, delivery, pipe_before, did_slow_down, outcome);
  if (facts.acked > 0) restart_timer(now);
}

// RFC 6298 R6298-10: SND.UNA has moved.
void Connection::restart_timer(Instant now) {
  if (flight() == 0) return disarm();
  if (recovery_.lets_timer_restart()) arm(Timer::retransmit, now);
  schedule_tail_probe(now);
}

// What recovery looks at, before an ACK or without one.
AckFacts Connection::facts_now(Instant now) const {
  AckFacts facts;
  facts.now = now;
  facts.snd = send_view();
  facts.flight_before = flight() - sent_.sacked_bytes();
  facts.min_rtt = min_rtt_.get();
  facts.smoothed_rtt = rtt_.smoothed();
  return facts;
}

// RFC 5681 R5681-13. While the window is closed it is the answer to a probe. With SACK it must tell
// of bytes beyond SND.UNA: what only reports a duplicate (RFC 2883) is no sign of a loss.
bool Connection::is_duplicate_ack(const Segment& segment) const {
  const std::uint32_t window = static_cast<std::uint32_t>(segment.window) << snd_.scale;
  if (flight() == 0 || segment.ack != snd_.una || snd_.wnd == 0 || window != snd_.wnd) return false;
  if (!sack_on_) return true;
  const wire::TcpOptions& options = *segment.options;
  const auto beyond = [this](const wire::SackBlock& block) { return Seq(block.right) > snd_.una; };
  return std::any_of(options.sack.begin(), options.sack.begin() + options.sack_count, beyond);
}

void Connection::on_new_ack(Seq ack, Delivery& delivery, Instant now) {
  const std::uint32_t acked = distance(snd_.una, ack);
  acked_piece_ = std::max(acked_piece_, std::min(acked, sent_.head()->piece_size));
  sent_.acknowledge(ack, delivery);
  snd_.una = ack;
  acked_sequence_ += acked;
  retransmits_ = 0;
  const std::uint32_t bytes = std::min(acked, send_buffer_.size());  // the rest is our FIN
  send_buffer_.acknowledge(bytes, resources_);
  counters_.bytes_acked += bytes;
  unanswered_since_ = flight() > 0 ? now : Instant::never();
  tail_probe_due_ = false;
  if (small_end_ < snd_.una) small_end_ = snd_.una;
  if (doubted_mss_ != 0 && doubted_sequence_ < snd_.una) doubted_mss_ = 0;  // it was none too big
  if (wants_room_) tune_send_buffer();
  if (wants_room_ && is_writable()) events_ |= kWritable;
}

// Room for what is in flight, and for as much again while that is acknowledged.
void Connection::tune_send_buffer() {
  const bool may_grow = settings_.autotune_send && options_.send_buffer == 0;
  if (!may_grow || resources_.level() != MemoryLevel::plenty) return;
  const std::uint64_t wanted = std::uint64_t{congestion_->window()} * 2;
  const auto allowed = std::min<std::uint64_t>(wanted, settings_.send_buffer_bytes);
  send_buffer_bytes_ = std::max(send_buffer_bytes_, static_cast<std::uint32_t>(allowed));
}

// RFC 2018; what lies outside of SND.UNA to SND.NXT was never sent, or is known to have arrived.
// RFC 2883 R2883-1: the first block may report a duplicate, below the segment's own ACK or inside
// of the second.
void Connection::take_sack(const Segment& segment, AckFacts& facts, Delivery& delivery) {
  const wire::TcpOptions& options = *segment.options;
  for (std::uint8_t i = 0; i < options.sack_count; ++i) {
    const Seq left(options.sack[i].left);
    const Seq right(options.sack[i].right);
    if (left >= right || right > snd_.nxt) continue;
    const bool has_second = i == 0 && options.sack_count > 1;
    const bool is_inside =
        has_second && left >= Seq(options.sack[1].left) && right <= Seq(options.sack[1].right);
    if (i == 0 && (left < segment.ack || is_inside)) {
      if (distance(left, right) <= snd_.max_wnd) facts.twice = DuplicateReport{left, right};
    } else if (left >= snd_.una) {
      sent_.sack(left, right, delivery);
    }
  }
}

// RFC 6298 R6298-6: never of what was sent twice. Where that leaves nothing, the echoed timestamp
// tells the copies apart (RFC 7323 R7323-12).
void Connection::take_rtt_sample(const AckFacts& facts, const Delivery& delivery) {
  const Instant now = facts.now;
  if (const Duration rtt = delivery.round_trip(now); rtt > Duration()) {
    min_rtt_.on_sample(rtt, now);
    recovery_.tail_probe().on_rtt_sample();
    if (settings_.as_linux) return take_rtt(now - delivery.first_original_at);
    if (now - rtt < rtt_sampled_at_) return;  // RFC 6298 R6298-7: one is enough
    take_rtt(rtt);
    rtt_sampled_at_ = now;
    return;
  }
  const bool is_needed = rtt_.backoff() > 0 || settings_.as_linux;
  if (!is_needed || facts.acked == 0 || !facts.echo) return;
  const std::uint32_t elapsed_ms = timestamp_clock(now) - *facts.echo;
  const auto longest_ms = static_cast<std::uint32_t>(settings_.user_timeout.ms());
  if (elapsed_ms <= longest_ms) take_rtt(Duration::milliseconds(elapsed_ms + 1));
}

void Connection::take_rtt(Duration rtt) {
  rtt_.on_sample(rtt, settings_, snd_.una, snd_.nxt);
}

// RFC 6298 R6298-6: of a SYN that was sent twice only if the echo is of the first. Nothing was lost
// then, the path is longer than the first timeout (RFC 3522).
void Connection::take_handshake_sample(const Segment& segment, Instant now) {
  if (syn_repeated_) {
    const bool has_echo = timestamps_on_ && segment.options->has_timestamps;
    const std::uint32_t first = timestamp(syn_sent_at_);
    if (!has_echo || segment.options->ts_echo != first) return;
    syn_resent_ = false;
  }
  const Duration rtt = std::max(now - syn_sent_at_, Duration::nanoseconds(1));
  take_rtt(rtt);
  min_rtt_.on_sample(rtt, now);
  recovery_.tail_probe().on_rtt_sample();
  rtt_sampled_at_ = now;
}

void Connection::follow(const LossRecovery::Outcome& outcome) {
  rate_.on_lost(outcome.lost_bytes);
  reorder_deadline_ = outcome.look_again;
  if (outcome.has_reduced) cwr_due_ = ecn_on_;  // RFC 3168 R3168-5
  if (outcome.has_begun) ++counters_.fast_retransmits;
  if (recovery_.in_fast_recovery()) {
    tail_probe_deadline_ = Instant::never();  // RFC 8985 R8985-13
    tail_probe_due_ = false;
  }
  if (outcome.was_undone) {
    ++counters_.undone;
    rtt_.end_back_off();
  }
}

void Connection::tell_congestion(const AckFacts& facts, const Delivery& delivery,
                                 std::uint32_t pipe_before, bool did_slow_down,
                                 const LossRecovery::Outcome& outcome) {
  const std::uint32_t lost = outcome.lost_bytes;
  const Delivery::Latest* const newest = delivery.newest();
  const RateSample rate = rate_.on_delivered(
      delivery.bytes, newest != nullptr ? &newest->stamp : nullptr, facts.min_rtt, facts.now);
  if (delivery.bytes == 0 && lost == 0) return;
  congestion_->on_ack({
      .now = facts.now,
      .acked_bytes = facts.acked,
      .delivered_bytes = settings_.as_linux ? outcome.delivered_bytes : delivery.bytes,
      .lost_bytes = lost,
      .flight_before = pipe_before,
      .flight = pipe(),
      .total_delivered = rate_.delivered(),
      .rtt = delivery.round_trip(facts.now),
      .min_rtt = min_rtt_.get(),
      .smoothed_rtt = rtt_.smoothed(),
      .in_recovery = did_slow_down || recovery_.slows_down(),
      .window_was_full = may_grow_window(),
      .as_linux = settings_.as_linux,
      .takes_sacks = settings_.as_linux && counters_.reordering > kDupThresh,
      .ecn_echo = facts.ecn_echo,
      .send_sequence = acked_sequence_ + flight(),
      .acked_sequence = acked_sequence_,
      .rate = rate,
  });
  pacer_.set_rate(congestion_->pacing_rate());
}

bool Connection::may_grow_window() const {
  if (!settings_.as_linux) return window_was_full_;
  return usage_.may_grow(congestion_->window(), congestion_->in_slow_start());
}

void Connection::note_reordering(std::uint32_t bytes) {
  constexpr std::uint32_t kMost = 300;  // as Linux (net.ipv4.tcp_max_reordering)
  ++counters_.reorderings;
  counters_.reordering =
      std::max(counters_.reordering, std::min(segments_of(bytes, send_mss_), kMost));
}

// RFC 9293 SA-16. A new acknowledgement is the latest word however old its sequence number (a
// retransmission has one): without its window SND.UNA would carry the right edge too far. True when
// the window has changed.
bool Connection::update_send_window(const Segment& segment) {
  if (segment.ack < snd_.una || segment.ack > snd_.nxt) return false;
  const bool newer = segment.ack > snd_.una || snd_.wl1 < segment.seq ||
                     (snd_.wl1 == segment.seq && snd_.wl2 <= segment.ack);
  if (!newer) return false;
  const std::uint32_t window = static_cast<std::uint32_t>(segment.window) << snd_.scale;
  const bool changed = window != snd_.wnd;
  snd_.wnd = window;
  snd_.max_wnd = std::max(snd_.max_wnd, window);
  snd_.edge = max(snd_.edge, segment.ack + window);
  snd_.wl1 = max(snd_.wl1, segment.seq);
  snd_.wl2 = segment.ack;
  return changed;
}

// RFC 9293 MUST-35: the window was closed; if so for long, what the probes carried was refused.
void Connection::on_window_opened(Instant now) {
  probe_due_ = false;
  rtt_.end_back_off();
  if (timer_ == Timer::persist) {
    if (flight() > 0) recovery_.resend_larger(send_view(), 0, sent_);
    disarm();
  }
  if (flight() > 0) arm(Timer::retransmit, now);
}

void Connection::after_ack_by_state(Instant now) {
  if (!fin_acked()) return;
  switch (state_) {
    case State::fin_wait_1: enter_fin_wait_2(now); return;      // RFC 9293 SA-17
    case State::closing: enter_time_wait(); return;             // RFC 9293 SA-20
    case State::last_ack: finish(CloseReason::normal); return;  // RFC 9293 SA-21
    case State::closed:
    case State::listen:
    case State::syn_sent:
    case State::syn_received:
    case State::established:
    case State::fin_wait_2:
    case State::close_wait:
    case State::time_wait: return;
  }
}

}  // namespace sluice::tcp
