// Retransmission (RFC 6298), window probes, keepalive, and when to give up.
#include <algorithm>

#include "proto/tcp/connection.hpp"

namespace sluice::tcp {

void Connection::arm(Timer timer, Instant now) {
  timer_ = timer;
  timer_deadline_ = now + rtt_.rto(settings_);
  if (unanswered_since_.is_never()) return;
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
  ack_debt_.on_time(now);
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

// How long silence is borne: R2 of RFC 9293 3.8.3 (MUST-20, MUST-22).
Duration Connection::patience() const {
  if (state_ == State::syn_received && passive_) return settings_.handshake_timeout;
  if (is_synchronized(state_)) return options_.user_timeout;
  if (!options_.has_user_timeout) return settings_.connect_timeout;
  return std::min(settings_.connect_timeout, options_.user_timeout);
}

// Of a SYN or a SYN-ACK.
bool Connection::has_tried_enough() const {
  if (is_synchronized(state_)) return false;
  const bool is_listeners = state_ == State::syn_received && passive_;
  return retransmits_ >= (is_listeners ? settings_.syn_ack_retries : options_.syn_retries);
}

bool Connection::gave_up(Instant now) {
  const bool is_too_long = !unanswered_since_.is_never() && now - unanswered_since_ >= patience();
  if (!is_too_long && !has_tried_enough()) return false;
  finish(path_error_ ? CloseReason::unreachable : CloseReason::timed_out);  // RFC 9293 R9293-10
  return true;
}

// RFC 6298 R6298-11, RFC 9293 R9293-11.
void Connection::on_retransmit_timeout(Instant now) {
  if (gave_up(now)) return;
  ++counters_.timeouts;
  if (retransmits_ < UINT8_MAX) ++retransmits_;
  reorder_deadline_ = tail_probe_deadline_ = Instant::never();
  if (!is_synchronized(state_)) {
    syn_due_ = syn_resent_ = true;
    ++counters_.retransmitted;
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

// RFC 8985 R8985-13, R8985-14: after new data and after ACKs of it, unless something is known to be
// missing. It comes before the retransmission timer, or in its place.
void Connection::schedule_tail_probe(Instant now) {
  tail_probe_deadline_ = Instant::never();
  const bool is_calm =
      !recovery_.in_recovery() && sent_.sacked_bytes() == 0 && !sent_.has_lost() && snd_.wnd > 0;
  if (!sack_on_ || timer_ != Timer::retransmit || !is_calm) return;
  if (!recovery_.tail_probe().may_send()) return;
  const bool is_single = flight() <= send_mss_;
  tail_probe_deadline_ =
      std::min(timer_deadline_, now + TailProbe::timeout(rtt_.smoothed(), is_single));
}

void Connection::on_tail_probe_timeout(Instant now) {
  tail_probe_deadline_ = Instant::never();
  tail_probe_due_ = true;
  arm(Timer::retransmit, now);  // RFC 8985 R8985-17
}

// Something waits, and nothing is in flight to bring a window update: RFC 9293 MUST-36, SHLD-29. A
// window that is open but too small is filled after the override timeout (R9293-3).
void Connection::wait_for_window(Instant now) {
  arm(Timer::persist, now);
  if (snd_.wnd > 0) timer_deadline_ = now + kOverrideTimeout;
}

// RFC 9293 MUST-37: as long as probes are answered the connection lives (process_ack clears
// unanswered_since_); SHLD-29, SHLD-30: after one RTO, then backed off.
void Connection::on_persist_timeout(Instant now) {
  if (gave_up(now)) return;
  probe_due_ = true;
  if (snd_.wnd == 0) rtt_.back_off();
  arm(Timer::persist, now);
}

// RFC 9293 MUST-26: only when nothing is outstanding and nothing was heard for the interval.
void Connection::on_keepalive_timeout(Instant now) {
  const Instant due = last_heard_ + options_.keepalive_idle;
  if (due > now) {
    keepalive_deadline_ = due;
    return;
  }
  if (flight() > 0) {
    keepalive_deadline_ = now + options_.keepalive_interval;
    return;
  }
  if (keepalives_sent_ >= options_.keepalive_probes) return reset_with(CloseReason::timed_out);
  ++keepalives_sent_;  // RFC 9293 MUST-29: one unanswered probe proves nothing
  keepalive_due_ = true;
  keepalive_deadline_ = now + options_.keepalive_interval;
}

}  // namespace sluice::tcp
