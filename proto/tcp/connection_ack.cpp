// The fifth step of RFC 9293 3.10.7.4: what an acknowledgement does to the sender.
#include <algorithm>

#include "proto/tcp/connection.hpp"

namespace sluice::tcp {

// `bare`: it came without text, SYN and FIN.
void Connection::process_ack(const Segment& segment, bool bare, Instant now) {
  const std::uint32_t window_before = snd_.wnd;
  const bool window_moved = update_send_window(segment);
  if (window_before == 0 || snd_.wnd == 0) unanswered_since_ = Instant::never();  // MUST-37
  if (segment.ack > snd_.una) {
    on_new_ack(segment, now);
  } else if (bare && !window_moved && is_duplicate_ack(segment)) {
    const bool recovering = recovery_.in_recovery();
    recovery_.on_duplicate_ack(send_view(), congestion_);
    if (!recovering && recovery_.in_recovery()) ++counters_.fast_retransmits;
  }
  // RFC 9293 MUST-35: a window that was closed has opened; what the probes carried was refused.
  if (window_before == 0 && snd_.wnd > 0) {
    probe_due_ = false;
    rtt_.end_back_off();
    if (flight() > 0) recovery_.resend_all(send_view(), congestion_);
    if (timer_ == Timer::persist) disarm();
    if (flight() > 0) arm(Timer::retransmit, now);
  }
  after_ack_by_state(now);
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

void Connection::on_new_ack(const Segment& segment, Instant now) {
  take_rtt_sample(segment, now);
  const std::uint32_t outstanding = flight();
  const std::uint32_t acked = distance(snd_.una, segment.ack);
  snd_.una = segment.ack;
  const std::uint32_t bytes = std::min(acked, send_buffer_.size());  // the rest is our FIN
  send_buffer_.acknowledge(bytes, resources_);
  counters_.bytes_acked += bytes;
  unanswered_since_ = flight() > 0 ? now : Instant::never();
  if (!recovery_.on_new_ack(send_view(), acked, congestion_)) {
    congestion_.on_ack({bytes, outstanding, now});
  }
  if (small_end_ < snd_.una) small_end_ = snd_.una;
  // RFC 6298 R6298-10.
  if (flight() == 0) {
    disarm();
  } else if (recovery_.lets_timer_restart()) {
    arm(Timer::retransmit, now);
  }
  const std::uint32_t enough = settings_.send_buffer_bytes / 3;
  if (wants_room_ && send_space() >= enough) {
    wants_room_ = false;
    events_ |= kWritable;
  }
}

// RFC 6298 R6298-6, R6298-7: one segment at a time is timed, and none that was sent again. Where
// that leaves nothing, the echoed timestamp tells the copies apart (RFC 7323 R7323-12).
void Connection::take_rtt_sample(const Segment& segment, Instant now) {
  if (timing_ && segment.ack >= timed_end_) {
    timing_ = false;
    rtt_.on_sample(now - timed_at_);
    return;
  }
  const bool backed_off = rtt_.backoff() > 0;
  if (!backed_off || !timestamps_on_ || !segment.options->has_timestamps) return;
  const std::uint32_t elapsed_ms = timestamp(now) - segment.options->ts_echo;
  const auto longest_ms = static_cast<std::uint32_t>(settings_.user_timeout.ms());
  if (elapsed_ms <= longest_ms) rtt_.on_sample(Duration::milliseconds(elapsed_ms + 1));
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
  snd_.wl1 = max(snd_.wl1, segment.seq);
  snd_.wl2 = segment.ack;
  return changed;
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

// RFC 9293 MUST-54; the quoted sequence number must be in flight (RFC 5927 R5927-1).
DropReason Connection::on_path_error(PathError error, Seq sequence, std::uint32_t mtu) {
  if (sequence < snd_.una || sequence >= snd_.nxt) return DropReason::icmp_out_of_window;
  switch (error) {
    case PathError::soft: return DropReason::none;  // RFC 9293 MUST-56
    case PathError::hard:
      // RFC 9293 SHLD-26 for a connection attempt; RFC 5927 R5927-3 keeps an established one.
      if (state_ == State::syn_sent) finish(CloseReason::refused);
      return DropReason::none;
    case PathError::packet_too_big: break;
  }
  const std::uint32_t headers = (is_v6_ ? 60u : 40u) + (timestamps_on_ ? kTimestampsLength : 0);
  const std::uint32_t floor = is_v6_ ? 1280 : 68;  // RFC 1191 R1191-1, RFC 8201 R8201-1
  // A SYN is never too big: who says so has not seen it.
  if (mtu < floor || !is_synchronized(state_)) return DropReason::icmp_out_of_window;
  const std::uint32_t mss = std::max(mtu - headers, kMinSendMss - kTimestampsLength);
  if (mss >= send_mss_) return DropReason::none;  // RFC 1191 R1191-3: never raised
  send_mss_ = mss;
  congestion_.set_mss(mss);
  recovery_.resend_all(send_view(), congestion_);  // RFC 1191 R1191-5
  return DropReason::none;
}

}  // namespace sluice::tcp
