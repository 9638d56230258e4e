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
  timer_deadline_ = Instant::never();
}

Instant Connection::deadline() const {
  return std::min({timer_deadline_, ack_debt_.deadline(), keepalive_deadline_, fin_wait_2_deadline_,
                   memory_deadline_});
}

void Connection::on_time(Instant now) {
  ack_debt_.on_time(now);
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
  if (!is_synchronized(state_)) return settings_.connect_timeout;
  return user_timeout_ > Duration() ? user_timeout_ : settings_.user_timeout;
}

bool Connection::gave_up(Instant now) {
  if (unanswered_since_.is_never() || now - unanswered_since_ < patience()) return false;
  finish(CloseReason::timed_out);  // RFC 9293 R9293-10
  return true;
}

// RFC 6298 R6298-11, RFC 9293 R9293-11.
void Connection::on_retransmit_timeout(Instant now) {
  if (gave_up(now)) return;
  ++counters_.timeouts;
  timing_ = false;
  if (!is_synchronized(state_)) {
    syn_due_ = syn_resent_ = true;
    ++counters_.retransmitted;
  } else {
    recovery_.on_timeout(send_view(), congestion_);
  }
  rtt_.back_off();
  arm(Timer::retransmit, now);
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
  const Instant due = last_heard_ + keepalive_idle_;
  if (due > now) {
    keepalive_deadline_ = due;
    return;
  }
  if (flight() > 0) {
    keepalive_deadline_ = now + settings_.keepalive_interval;
    return;
  }
  if (keepalives_sent_ >= settings_.keepalive_probes) return reset_with(CloseReason::timed_out);
  ++keepalives_sent_;  // RFC 9293 MUST-29: one unanswered probe proves nothing
  keepalive_due_ = true;
  keepalive_deadline_ = now + settings_.keepalive_interval;
}

}  // namespace sluice::tcp
