#include "proto/tcp/time_wait.hpp"

namespace sluice::tcp {
namespace {

bool is_newer(std::uint32_t timestamp, std::uint32_t than) {
  return static_cast<std::int32_t>(timestamp - than) > 0;
}

}  // namespace

TimeWait::Action TimeWait::on_segment(const Segment& segment, const Settings& settings) const {
  const bool both_timestamps = timestamps_on && segment.options->has_timestamps;
  if (segment.has(wire::kRst)) {
    return segment.seq == rcv_nxt ? Action::forget : Action::none;  // RFC 9293 SA-6, SA-9
  }
  if (segment.has(wire::kSyn) && !segment.has(wire::kAck)) {
    // RFC 9293 SA-4, SHLD-4, MAY-2: newer by its timestamp, or else by its sequence number.
    const bool undecided = !both_timestamps || segment.options->ts_value == ts_recent;
    const bool newer =
        undecided ? segment.seq > rcv_nxt : is_newer(segment.options->ts_value, ts_recent);
    return newer ? Action::reopen : Action::acknowledge;
  }
  if (both_timestamps && is_newer(ts_recent, segment.options->ts_value)) {
    return Action::acknowledge;  // RFC 7323 R7323-15
  }
  // RFC 9293 SA-12; Linux answers it.
  const bool is_inside = rcv_nxt <= segment.seq && distance(rcv_nxt, segment.seq) < rcv_wnd;
  if (!segment.has(wire::kAck) && is_inside && !settings.as_linux) return Action::none;
  const bool is_fin_again = segment.has(wire::kFin) && segment.end() == rcv_nxt;
  if (is_fin_again) return Action::restart;  // RFC 9293 SA-22, SA-31
  const bool in_order = segment.seq == rcv_nxt && segment.length() == 0;
  return in_order ? Action::none : Action::acknowledge;  // RFC 9293 SA-3
}

bool TimeWait::may_acknowledge(const Segment& segment, const Settings& settings, Instant now) {
  const bool is_bare = segment.length() == 0 || segment.has(wire::kSyn);
  if (!settings.as_linux || !is_bare) return true;
  if (has_answered && now - answered_at < settings.challenge_period) return false;
  has_answered = true;
  answered_at = now;
  return true;
}

wire::TcpHeader TimeWait::next_ack(Instant now) const {
  wire::TcpHeader header;
  header.sequence = snd_nxt.value();
  header.acknowledgment = rcv_nxt.value();
  header.flags = wire::kAck;
  header.window = window_field;
  if (timestamps_on) {
    header.options.has_timestamps = true;
    header.options.ts_value = timestamp_clock(now) + ts_offset;
    header.options.ts_echo = ts_recent;
  }
  return header;
}

}  // namespace sluice::tcp
