// Asking a peer that is silent: window probes (RFC 9293 3.8.6.1), tail loss probes (RFC 8985 7) and
// keepalive (RFC 9293 3.8.4).
#include <algorithm>

#include "proto/tcp/connection.hpp"

namespace sluice::tcp {

// --- a closed window ----------------------------------------------------------------------------

// Something waits, and nothing is in flight to bring a window update: RFC 9293 MUST-36, SHLD-29. A
// window that is open but too small is filled after the override timeout (R9293-3).
void Connection::wait_for_window(Instant now) {
  arm(Timer::persist, now);
  if (snd_.wnd > 0 && !settings_.as_linux) timer_deadline_ = now + kOverrideTimeout;
}

// RFC 9293 MUST-37: as long as probes are answered the connection lives (process_ack clears
// unanswered_since_); SHLD-29, SHLD-30: after one RTO, then backed off.
void Connection::on_persist_timeout(Instant now) {
  if (gave_up(now)) return;
  probe_due_ = true;
  count_probe();
  if (snd_.wnd == 0) rtt_.back_off();
  arm(Timer::persist, now);
}

// RFC 9293 3.8.6.1: at least one byte, whatever the window; or none, as Linux does.
bool Connection::next_probe(OutSegment& out, Instant now) {
  probe_due_ = false;
  if (flight() > 0) {
    const std::uint32_t data = flight() - (fin_sent_ ? 1u : 0u);
    const SentSegment& head = *sent_.head();
    const Seq end = send_range(out, snd_.una, std::min(data, segment_size()), fin_sent_, now);
    if (settings_.as_linux && head.is_pushed && end == head.end) out.push();  // as the first time
    sent_.on_probed();
    return true;
  }
  const bool fin = fin_wanted_ && !fin_sent_;
  if (unsent_bytes() == 0 && !fin) return false;
  if (snd_.wnd == 0 && settings_.as_linux) return next_empty_probe(out, now);
  const std::uint32_t length = std::min(unsent_bytes(), std::clamp(snd_.wnd, 1u, segment_size()));
  send_new(out, length, fin, now);
  if (settings_.as_linux) out.push();
  if (snd_.wnd > 0) arm(Timer::retransmit, now);
  return true;
}

// What the peer must answer: a sequence number that it has acknowledged. It need not look at the
// urgent pointer of that, so one of which it must (RFC 9293 MUST-66) goes before it.
bool Connection::next_empty_probe(OutSegment& out, Instant now) {
  const bool tells = is_urgent() && !urgent_.was_told;
  urgent_.was_told = probe_due_ = tells;
  start_header(out, snd_.una - (tells ? 0u : 1u), wire::kAck, rcv_.nxt, now);
  on_acked(rcv_.nxt);
  if (unanswered_since_.is_never() && timer_ == Timer::persist) unanswered_since_ = now;
  return true;
}

void Connection::count_probe() {
  if (probes_sent_ < UINT8_MAX) ++probes_sent_;
}

// --- the tail of a flight
// -------------------------------------------------------------------------

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

// RFC 8985 R8985-16: a new segment if there is one, which may go beyond the congestion window;
// otherwise the last one again.
bool Connection::next_tail_probe(OutSegment& out, Instant now) {
  tail_probe_due_ = false;
  if (flight() == 0 || sent_.sacked_bytes() > 0 || sent_.has_lost()) return false;
  const std::uint32_t length = std::min({unsent_bytes(), usable_window(), segment_size()});
  const bool has_new = length > 0 && sent_.can_append();
  if (has_new) {
    send_new(out, length, fin_wanted_ && usable_window() > length, now);
    mark_for_congestion(out);
  } else {
    SentSegment* const last = sent_.last_piece(segment_size());
    if (last == nullptr || snd_.wnd == 0) return false;
    resend(out, *last, last->size(), now);
  }
  recovery_.tail_probe().on_sent(snd_.nxt, !has_new);
  ++counters_.tail_probes;
  arm(Timer::retransmit, now);
  return true;
}

// --- keepalive
// ------------------------------------------------------------------------------------

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
  if (is_dead(now)) return reset_with(CloseReason::timed_out);
  count_probe();
  keepalive_due_ = true;
  keepalive_deadline_ = now + options_.keepalive_interval;
}

// RFC 9293 MUST-29: one unanswered probe proves nothing. A user timeout takes the place of a count.
bool Connection::is_dead(Instant now) const {
  if (!options_.has_user_timeout) return probes_sent_ >= options_.keepalive_probes;
  return probes_sent_ > 0 && now - last_heard_ >= options_.user_timeout;
}

// RFC 9293 SHLD-12: no data, SEQ = SND.NXT - 1.
bool Connection::next_keepalive(OutSegment& out, Instant now) {
  keepalive_due_ = false;
  return next_empty_probe(out, now);
}

}  // namespace sluice::tcp
