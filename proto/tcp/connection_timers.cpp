// Retransmission (RFC 6298), window probes, keepalive, and when to give up.
#include <algorithm>

#include "proto/tcp/connection.hpp"

namespace sluice::tcp {

void Connection::arm(Timer timer, Instant now) {
  timer_ = timer;
  timer_deadline_ = now + rtt_.rto(settings_);
  if (unanswered_since_.is_never() || !ends_on_time()) return;
  timer_deadline_ = std::min(timer_deadline_, unanswered_since_ + patience());
}

void Connection::disarm() {
  timer_ = Timer::off;
  timer_deadline_ = reorder_deadline_ = tail_probe_deadline_ = Instant::never();
}

Instant Connection::deadline() const {
  return std::min({timer_deadline_, reorder_deadline_, tail_probe_deadline_, pacing_deadline_,
                   ack_debt_.deadline(), keepalive_deadline_, fin_wait_2_deadline_,
                   memory_deadline_});
}

void Connection::on_time(Instant now) {
  ack_debt_.on_time(now, rtt_.rto(settings_));
  if (pacing_deadline_ <= now) pacing_deadline_ = Instant::never();
  if (reorder_deadline_ <= now) on_reorder_timeout(now);
  if (tail_probe_deadline_ <= now) on_tail_probe_timeout(now);
  if (timer_deadline_ <= now) {
    if (timer_ == Timer::persist || (snd_.wnd == 0 && is_synchronized(state_))) {
      on_persist_timeout(now);
    } else {
      on_retransmit_timeout(now);
    }
  }
  if (memory_deadline_ <= now) {
    memory_deadline_ = Instant::never();
    if (std::exchange(wants_room_, false)) events_ |= kWritable;
  }
  if (keepalive_deadline_ <= now) on_keepalive_timeout(now);
  if (fin_wait_2_deadline_ <= now) finish(CloseReason::normal);
}

// Linux looks only when a timer fires, unless the application has set a time.
bool Connection::ends_on_time() const {
  if (!settings_.as_linux) return true;
  return options_.has_user_timeout && (retransmits_ > 0 || timer_ == Timer::persist);
}

// How long silence is borne: R2 of RFC 9293 3.8.3 (MUST-20, MUST-22).
Duration Connection::patience() const {
  if (state_ == State::syn_received && passive_) return settings_.handshake_timeout;
  if (is_synchronized(state_)) {
    const bool is_orphan = application_gone_ && !options_.has_user_timeout;
    return is_orphan ? settings_.orphan_timeout : options_.user_timeout;
  }
  if (!options_.has_user_timeout) return settings_.connect_timeout;
  return std::min(settings_.connect_timeout, options_.user_timeout);
}

// Of a SYN or a SYN-ACK.
bool Connection::has_tried_enough() const {
  if (is_synchronized(state_)) return false;
  const bool is_listeners = state_ == State::syn_received && passive_;
  if (!is_listeners) return retransmits_ >= options_.syn_retries;
  const bool is_waiting = is_deferred_ && retransmits_ < options_.defer_accept;
  return retransmits_ >= settings_.syn_ack_retries && !is_waiting;
}

// Not while the peer has heard us and may still have something to say; the last time before that
// ends it gets another chance.
bool Connection::repeats_syn() const {
  return !is_deferred_ || retransmits_ + 1u >= options_.defer_accept;
}

bool Connection::gave_up(Instant now) {
  const bool is_too_long = !unanswered_since_.is_never() && now - unanswered_since_ >= patience();
  if (!is_too_long && !has_tried_enough()) return false;
  finish(path_error_ ? CloseReason::unreachable : CloseReason::timed_out);  // RFC 9293 R9293-10
  return true;
}

// RFC 6298 R6298-11, RFC 9293 R9293-11.
void Connection::on_retransmit_timeout(Instant now) {
  if (settings_.as_linux && retransmits_ == 0) unanswered_since_ = now;  // it counts from here
  if (gave_up(now)) return;
  ++counters_.timeouts;
  const bool repeats = repeats_syn();
  if (retransmits_ < UINT8_MAX) ++retransmits_;
  reorder_deadline_ = tail_probe_deadline_ = Instant::never();
  if (!is_synchronized(state_)) {
    if (repeats) syn_due_ = syn_resent_ = true;
    if (repeats) ++counters_.retransmitted;
  } else {
    rate_.on_lost(recovery_.on_timeout(send_view(), sent_, *congestion_, now));
    cwr_due_ = ecn_on_;  // RFC 3168 R3168-5
    confirm_smaller_mss();
  }
  rtt_.back_off();
  arm(Timer::retransmit, now);
}

// RFC 8985 R8985-10.
void Connection::on_reorder_timeout(Instant now) {
  follow(recovery_.on_reorder_timer(facts_now(now), sent_, *congestion_));
}

}  // namespace sluice::tcp
