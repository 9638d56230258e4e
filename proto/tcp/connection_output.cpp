// What is sent next. Called again and again until it has nothing more to say.
#include <algorithm>

#include "proto/tcp/connection.hpp"

namespace sluice::tcp {

bool Connection::next_segment(OutSegment& out, Instant now) {
  out.clear();
  if (owed_reset_) return next_reset(out, now);
  if (state_ == State::closed || state_ == State::time_wait) return false;
  if (syn_due_) return next_syn(out, now);
  if (ack_debt_.has_duplicates() || !is_synchronized(state_)) return next_ack(out, now);
  if (next_retransmission(out, now)) return true;
  if (probe_due_ && next_probe(out, now)) return true;
  if (next_new_data(out, now)) return true;
  if (keepalive_due_) return next_keepalive(out, now);
  if (next_ack(out, now)) return true;
  const bool waiting = unsent_bytes() > 0 || (fin_wanted_ && !fin_sent_);
  if (waiting && flight() == 0 && timer_ == Timer::off) wait_for_window(now);
  const bool starved = wants_room_ && send_buffer_.size() == 0 && flight() == 0;
  if (starved && memory_deadline_.is_never()) memory_deadline_ = now + kMemoryRetry;
  return false;
}

// --- headers ----------------------------------------------------------------------------------

std::uint32_t Connection::timestamp(Instant now) const {
  return timestamp_clock(now) + ts_offset_;
}

void Connection::start_header(OutSegment& out, Seq seq, std::uint8_t flags, Seq ack, Instant now) {
  wire::TcpHeader& header = out.header;
  header.sequence = seq.value();
  header.flags = flags;
  const bool has_ack = (flags & wire::kAck) != 0;
  if (has_ack) {
    header.acknowledgment = ack.value();
    header.window = window_to_announce(ack);
  }
  if (timestamps_on_) {  // RFC 7323 R7323-9, R7323-7
    header.options.has_timestamps = true;
    header.options.ts_value = timestamp(now);
    header.options.ts_echo = has_ack ? ts_recent_ : 0;
  }
  ++counters_.segments_out;
}

// RFC 2018 R2018-1: blocks that fit beside the other options.
std::uint8_t Connection::sack_room() const {
  return timestamps_on_ ? wire::kMaxSackBlocks - 1 : wire::kMaxSackBlocks;
}

// RFC 2018 R2018-3 to R2018-5; RFC 2883: the duplicate first.
void Connection::add_sack(OutSegment& out, const wire::SackBlock& duplicate) const {
  if (!sack_on_) return;
  const bool has_duplicate = duplicate.left != duplicate.right;
  if (!has_duplicate && !receive_buffer_.has_gap()) return;
  wire::TcpOptions& options = out.header.options;
  std::array<wire::SackBlock, wire::kMaxSackBlocks> held{};
  const std::uint8_t held_count = receive_buffer_.sack_blocks(held);
  const std::uint8_t room = sack_room();
  if (has_duplicate) options.sack[options.sack_count++] = duplicate;
  for (std::uint8_t i = 0; i < held_count && options.sack_count < room; ++i) {
    options.sack[options.sack_count++] = held[i];
  }
}

// The largest window that can be told: RFC 7323 R7323-3.
std::uint32_t Connection::window_limit() const {
  return std::min(settings_.receive_buffer_bytes, 65'535u << rcv_.scale);
}

std::uint32_t Connection::possible_window() const {
  const std::uint32_t room = settings_.receive_buffer_bytes;
  return std::min(room - std::min(room, receive_buffer_.readable()), window_limit());
}

// RFC 9293 SHLD-14: the right edge never moves left; R9293-4: it moves right in steps that are
// worth a segment.
std::uint16_t Connection::window_to_announce(Seq ack) {
  const std::uint32_t limit = window_limit();
  const Seq possible = rcv_.nxt + possible_window();
  const std::uint32_t step = std::min(limit / 2, receive_mss_);
  Seq edge = rcv_.edge;
  if (possible > edge && distance(edge, possible) >= step) edge = possible;
  const std::uint32_t window = ack < edge ? distance(ack, edge) : 0;
  const auto field = static_cast<std::uint16_t>(std::min(window >> rcv_.scale, 65'535u));
  rcv_.edge = max(rcv_.edge, ack + (static_cast<std::uint32_t>(field) << rcv_.scale));
  return field;
}

void Connection::on_acked(Seq ack) {
  rcv_.last_ack_sent = ack;
  if (ack == rcv_.nxt) ack_debt_.on_everything_acked();
}

// --- control segments -------------------------------------------------------------------------

bool Connection::next_reset(OutSegment& out, Instant now) {
  const Seq seq = owed_reset_.value();
  owed_reset_.reset();
  const bool with_ack = state_ == State::closed && rcv_.nxt != rcv_.irs;
  start_header(out, seq, with_ack ? wire::kRst | wire::kAck : wire::kRst, rcv_.nxt, now);
  out.header.window = 0;
  return true;
}

bool Connection::next_syn(OutSegment& out, Instant now) {
  syn_due_ = false;
  const bool is_answer = state_ == State::syn_received;
  start_header(out, snd_.iss, is_answer ? wire::kSyn | wire::kAck : wire::kSyn, rcv_.nxt, now);
  const std::uint32_t window = std::min(settings_.receive_buffer_bytes, 65'535u);
  out.header.window = static_cast<std::uint16_t>(window);  // RFC 7323 R7323-3: not scaled
  wire::TcpOptions& options = out.header.options;
  options.has_mss = true;  // RFC 9293 MUST-14, MAY-3
  options.mss = advertised_mss_;
  options.sack_permitted = is_answer ? sack_on_ : settings_.sack;
  options.has_window_scale = settings_.window_scaling && (!is_answer || scaling_on_);
  options.window_scale = rcv_.scale;
  if (!is_answer && settings_.timestamps) {
    options.has_timestamps = true;
    options.ts_value = timestamp(now);
  }
  if (snd_.nxt != snd_.iss) {
    timing_ = false;  // RFC 6298 R6298-6: sent twice, for whatever reason
  } else {
    snd_.nxt = snd_.iss + 1u;
    unanswered_since_ = now;
    timing_ = true;
    timed_end_ = snd_.nxt;
    timed_at_ = now;
    arm(Timer::retransmit, now);
  }
  return true;
}

// RFC 9293 R9293-8: SND.NXT. A probe, or a window that shrank, may have left that outside of the
// peer's window, where the peer would not look at the ACK.
Seq Connection::ack_sequence() const {
  return is_synchronized(state_) ? min(snd_.nxt, snd_.una + snd_.wnd) : snd_.nxt;
}

bool Connection::next_ack(OutSegment& out, Instant now) {
  if (!ack_debt_.has_duplicates() && !ack_debt_.is_due()) return false;
  const OwedAck owed =
      ack_debt_.has_duplicates() ? ack_debt_.pop_duplicate() : ack_debt_.pop(rcv_.nxt);
  start_header(out, ack_sequence(), wire::kAck, owed.ack, now);
  add_sack(out, owed.duplicate);
  on_acked(owed.ack);
  return true;
}

// RFC 9293 SHLD-12: no data, SEQ = SND.NXT - 1.
bool Connection::next_keepalive(OutSegment& out, Instant now) {
  keepalive_due_ = false;
  start_header(out, snd_.nxt - 1u, wire::kAck, rcv_.nxt, now);
  on_acked(rcv_.nxt);
  return true;
}

// --- data -------------------------------------------------------------------------------------

std::uint32_t Connection::unsent_bytes() const {
  const bool fin_in_flight = fin_sent_ && !fin_acked();
  return send_buffer_.size() - (flight() - (fin_in_flight ? 1u : 0u));
}

// Payload of a full segment now. RFC 9293 MUST-16: SACK blocks take their room from it, too.
std::uint32_t Connection::segment_size() const {
  if (!sack_on_ || !receive_buffer_.has_gap()) return send_mss_;
  const std::uint32_t blocks = std::min(receive_buffer_.range_count(), sack_room());
  return blocks == 0 ? send_mss_ : send_mss_ - (4 + 8 * blocks);
}

// Payload of one super-segment: whole segments, and at least one.
std::uint32_t Connection::super_segment_limit() const {
  const std::uint32_t size = segment_size();
  return std::max(size, settings_.max_payload_bytes - settings_.max_payload_bytes % size);
}

// Sends [from, from + length) of the sequence space; with `may_fin`, the FIN too when the range
// ends where the data ends. What has been sent before is not timed.
void Connection::send_range(OutSegment& out, Seq from, std::uint32_t length, bool may_fin,
                            Instant now) {
  const Seq data_end = snd_.una + send_buffer_.size();
  const std::uint32_t size = segment_size();
  start_header(out, from, wire::kAck, rcv_.nxt, now);
  if (length > 0) {
    const std::uint32_t gathered = send_buffer_.gather(distance(snd_.una, from), length, out);
    // Out of pieces: whole segments go now, the rest with the next call.
    if (gathered < length && gathered > size) out.trim(gathered - gathered % size);
    length = out.payload_length;
  }
  const Seq end = from + length;
  if (end == data_end && length > 0) out.header.flags |= wire::kPsh;  // RFC 9293 MUST-61
  const bool fin = may_fin && end == data_end;
  if (fin) out.header.flags |= wire::kFin;
  if (length > size) out.gso_size = static_cast<std::uint16_t>(size);
  const std::uint32_t segments = std::max(1u, (length + size - 1) / size);
  counters_.segments_out += segments - 1;
  add_sack(out, {});
  const Seq seq_end = end + (fin ? 1u : 0u);
  if (from < snd_.nxt) {
    counters_.retransmitted += segments;
    if (timing_ && from < timed_end_) timing_ = false;  // Karn
  } else if (!timing_) {
    timing_ = true;
    timed_end_ = seq_end;
    timed_at_ = now;
  }
  if (length % size != 0 && from == snd_.nxt && snd_.wnd > 0) small_end_ = end;  // no probe
  if (fin) fin_sent_ = true;
  snd_.nxt = max(snd_.nxt, seq_end);
  if (unanswered_since_.is_never()) unanswered_since_ = now;
  last_sent_ = now;
  on_acked(rcv_.nxt);
}

bool Connection::next_retransmission(OutSegment& out, Instant now) {
  if (!recovery_.has_resend()) return false;
  const Seq from = recovery_.resend_next();
  const bool to_end = recovery_.resend_end() == snd_.nxt;
  std::uint32_t length = distance(from, recovery_.resend_end());
  const bool fin = fin_sent_ && to_end;
  if (fin) --length;
  // RFC 9293 SHLD-16: inside the window; beyond it the persist timer asks.
  const Seq edge = snd_.una + snd_.wnd;
  if (from >= edge) return false;
  length = std::min(length, distance(from, edge));
  const std::uint32_t size = segment_size();
  if (recovery_.resend_ignores_window()) {
    length = std::min(length, size);
  } else {
    const std::uint32_t pipe = recovery_.pipe(send_view());
    if (congestion_.window() < pipe + std::min(length, size)) return false;
    const std::uint32_t room = congestion_.window() - pipe;
    if (length > room) length = std::max(size, room - room % size);
    length = std::min(length, super_segment_limit());
  }
  send_range(out, from, length, fin, now);
  const bool sent_fin = (out.header.flags & wire::kFin) != 0;
  recovery_.on_resent(out.payload_length + (sent_fin ? 1u : 0u));
  if (timer_ == Timer::off) arm(Timer::retransmit, now);
  return true;
}

// RFC 9293 3.8.6.1: at least one byte, whatever the window.
bool Connection::next_probe(OutSegment& out, Instant now) {
  probe_due_ = false;
  if (flight() > 0) {
    const std::uint32_t data = flight() - (fin_sent_ ? 1u : 0u);
    send_range(out, snd_.una, std::min(data, segment_size()), fin_sent_, now);
    return true;
  }
  const bool fin = fin_wanted_ && !fin_sent_;
  if (unsent_bytes() == 0 && !fin) return false;
  const std::uint32_t length = std::min(unsent_bytes(), std::clamp(snd_.wnd, 1u, segment_size()));
  send_range(out, snd_.nxt, length, fin, now);
  if (snd_.wnd > 0) arm(Timer::retransmit, now);
  return true;
}

// How much of the unsent data may go now: RFC 9293 R9293-3 (MUST-38), with the congestion window.
std::uint32_t Connection::new_data_length() const {
  const std::uint32_t unsent = unsent_bytes();
  const std::int32_t usable = (snd_.una + snd_.wnd) - snd_.nxt;  // negative: MUST-34, SHLD-15
  if (usable <= 0) return 0;
  const std::uint32_t pipe = recovery_.pipe(send_view());
  const std::uint32_t window = congestion_.window() + recovery_.window_bonus(send_mss_);
  const std::uint32_t congestion_room = window - std::min(window, pipe);
  const std::uint32_t room = std::min(static_cast<std::uint32_t>(usable), congestion_room);
  const std::uint32_t limit = std::min(room, super_segment_limit());
  const bool may_send_small = !nagle_ || fin_wanted_ || small_end_ <= snd_.una;  // MUST-17, SHLD-7
  if (unsent <= limit) {
    const std::uint32_t tail = unsent % segment_size();
    return may_send_small ? unsent : unsent - tail;
  }
  const std::uint32_t whole = limit - limit % segment_size();
  if (whole > 0) return whole;
  const bool window_is_half = room >= snd_.max_wnd / 2 && may_send_small;  // R9293-3 (3)
  return window_is_half && room == static_cast<std::uint32_t>(usable) ? room : 0;
}

bool Connection::next_new_data(OutSegment& out, Instant now) {
  if (recovery_.has_resend() && !recovery_.resend_ignores_window()) return false;
  const std::uint32_t unsent = unsent_bytes();
  const bool fin = fin_wanted_ && !fin_sent_;
  if (unsent == 0 && !fin) return false;
  // RFC 5681 R5681-17.
  if (flight() == 0 && now - last_sent_ > rtt_.rto(settings_)) {
    congestion_.on_idle(initial_window(send_mss_, settings_.initial_window_segments));
  }
  const std::uint32_t length = new_data_length();
  const bool fin_alone = fin && unsent == 0 && snd_.nxt < snd_.una + snd_.wnd;
  if (length == 0 && !fin_alone) return false;
  const bool fin_fits = snd_.nxt + length < snd_.una + snd_.wnd;
  send_range(out, snd_.nxt, length, fin && fin_fits, now);
  if (timer_ != Timer::retransmit) arm(Timer::retransmit, now);
  return true;
}

}  // namespace sluice::tcp
