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
  if (may_send_data(now) && next_retransmission(out, now)) return true;
  if (probe_due_ && next_probe(out, now)) return true;
  if (tail_probe_due_ && next_tail_probe(out, now)) return true;
  if (may_send_data(now) && next_new_data(out, now)) return true;
  note_limits();
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
  if (owes_ecn_echo_ && has_ack) header.flags |= wire::kEce;  // RFC 3168 R3168-7
  if (has_ack) {
    header.acknowledgment = ack.value();
    if ((flags & wire::kSyn) == 0) header.window = window_to_announce(ack);
  }
  if (timestamps_on_) {  // RFC 7323 R7323-9, R7323-7
    header.options.has_timestamps = true;
    header.options.ts_value = timestamp(now);
    header.options.ts_echo = has_ack ? ts_recent_ : 0;
  }
  if (urgent_.is_sending) [[unlikely]]
    point_to_urgent(header, seq);
  ++counters_.segments_out;
}

// RFC 2018 R2018-1: blocks that fit beside the other options, and into the smallest MTU with a byte
// of text.
std::uint8_t Connection::sack_room() const {
  const std::uint32_t most = timestamps_on_ ? wire::kMaxSackBlocks - 1 : wire::kMaxSackBlocks;
  return static_cast<std::uint8_t>(std::min(most, (send_mss_ - 5) / 8));
}

// RFC 2018 R2018-2 to R2018-5.
void Connection::add_sack(OutSegment& out, const wire::SackBlock& first) const {
  if (!sack_on_) return;
  const bool has_first = first.left != first.right;
  if (!has_first && !receive_buffer_.has_gap()) return;
  wire::TcpOptions& options = out.header.options;
  std::array<wire::SackBlock, wire::kMaxSackBlocks> held{};
  const std::uint8_t held_count = receive_buffer_.sack_blocks(held);
  const std::uint8_t room = sack_room();
  if (has_first) options.sack[options.sack_count++] = first;
  for (std::uint8_t i = 0; i < held_count && options.sack_count < room; ++i) {
    wire::SackBlock& block = options.sack[options.sack_count++];
    block = held[i];
    if (fin_seen_ && block.right == fin_seq_.value()) ++block.right;  // what a FIN counts
  }
}

// Bytes that the receive buffer may hold: what path and application deserve, or its share of the
// memory when that is less. An application that has read all that ever came will read more.
std::uint32_t Connection::receive_room() const {
  using Share = Resources::Share;
  const bool keeps_up = readable() == 0 && counters_.bytes_received > 0;
  const std::uint32_t share =
      resources_.share_for(receive_buffer_.held(), keeps_up ? Share::generous : Share::modest);
  const std::uint32_t least = kLeastWindowSegments * receive_mss_.get();
  return std::min(receive_buffer_bytes(), std::max(share, least));
}

// The largest window that can be told, of so much room: RFC 7323 R7323-3.
std::uint32_t Connection::window_limit(std::uint32_t room) const {
  return std::min(room, kUnscaledWindow << rcv_.scale);
}

std::uint32_t Connection::free_of(std::uint32_t room) const {
  return room - std::min(room, receive_buffer_.readable());
}

// RFC 7323 R7323-3: not scaled.
std::uint16_t Connection::syn_window(std::uint32_t room) const {
  const std::uint32_t mss = advertised_mss_ - (timestamps_on_ ? kTimestampsLength : 0);
  if (settings_.initial_receive_window != 0) {
    room = std::min(room, settings_.initial_receive_window);
  } else if (settings_.round_initial_window && room > mss) {
    room -= room % mss;
  }
  return static_cast<std::uint16_t>(std::min(room, kUnscaledWindow));
}

// RFC 9293 SHLD-14: the right edge never moves left; R9293-4: it moves right when there is room for
// another segment, by however little where the field cannot say more.
std::uint16_t Connection::window_to_announce(Seq ack) {
  const std::uint32_t room = receive_room();
  const std::uint32_t limit = window_limit(room);
  const std::uint32_t space = free_of(room);
  const Seq possible = rcv_.nxt + window_limit(space);
  const std::uint32_t step = std::min(limit / 2, receive_mss_.get());
  Seq edge = rcv_.edge;
  if (possible > edge && distance(edge, rcv_.nxt + space) >= step) edge = possible;
  const std::uint32_t window = ack < edge ? distance(ack, edge) : 0;
  const auto field = static_cast<std::uint16_t>(std::min(window >> rcv_.scale, kUnscaledWindow));
  rcv_.edge = max(rcv_.edge, ack + (static_cast<std::uint32_t>(field) << rcv_.scale));
  return field;
}

void Connection::on_acked(Seq ack) {
  rcv_.last_ack_sent = ack;
  ack_debt_.on_sent(ack == rcv_.nxt);
}

// --- control segments -------------------------------------------------------------------------

bool Connection::next_reset(OutSegment& out, Instant now) {
  const Seq seq = owed_reset_.value();
  owed_reset_.reset();
  const bool with_ack = state_ == State::closed && rcv_.nxt != rcv_.irs && !resets_segment_;
  start_header(out, seq, with_ack ? wire::kRst | wire::kAck : wire::kRst, rcv_.nxt, now);
  out.header.window = 0;
  // RFC 7323 R7323-9 would like one; Linux answers without looking at what was agreed.
  if (settings_.as_linux && !with_ack) out.header.options.has_timestamps = false;
  return true;
}

bool Connection::next_syn(OutSegment& out, Instant now) {
  syn_due_ = false;
  const bool is_answer = state_ == State::syn_received;
  start_header(out, snd_.iss, is_answer ? wire::kSyn | wire::kAck : wire::kSyn, rcv_.nxt, now);
  // RFC 3168 R3168-2, R3168-4.
  if (is_answer ? ecn_on_ : asks_for_ecn()) out.header.flags |= wire::kEce;
  if (!is_answer && asks_for_ecn()) out.header.flags |= wire::kCwr;
  const std::uint32_t window = is_answer ? rcv_wnd() : syn_window(receive_buffer_bytes());
  out.header.window = static_cast<std::uint16_t>(window);
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
    syn_repeated_ = true;
  } else {
    snd_.nxt = snd_.iss + 1u;
    unanswered_since_ = syn_sent_at_ = now;
    arm(Timer::retransmit, now);
  }
  return true;
}

// RFC 9293 R9293-8: SND.NXT. A probe may have left that outside of the peer's window, where the
// peer would not look at the ACK; inside is what it has ever offered, though an overtaken segment
// may have told of less.
Seq Connection::ack_sequence() const {
  return is_synchronized(state_) ? min(snd_.nxt, snd_.edge) : snd_.nxt;
}

bool Connection::next_ack(OutSegment& out, Instant now) {
  if (!ack_debt_.has_duplicates() && !ack_debt_.is_due()) return false;
  const OwedAck owed =
      ack_debt_.has_duplicates() ? ack_debt_.pop_duplicate() : ack_debt_.pop(rcv_.nxt);
  start_header(out, ack_sequence(), wire::kAck, owed.ack, now);
  add_sack(out, owed.first_block);
  on_acked(owed.ack);
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

// Payload of one super-segment: whole segments, and at least one. A device that cuts it would not
// move the urgent pointer.
std::uint32_t Connection::super_segment_limit() const {
  const std::uint32_t size = segment_size();
  if (is_urgent()) [[unlikely]]
    return size;
  std::uint32_t most = settings_.max_payload_bytes;
  if (pacer_.rate() > 0) most = std::min(most, pacer_.quantum(size));
  return std::max(size, most - most % size);
}

// Bytes of the peer's window that are not used; none when it has shrunk (RFC 9293 MUST-34,
// SHLD-15).
std::uint32_t Connection::usable_window() const {
  const Seq edge = snd_.una + snd_.wnd;
  return edge > snd_.nxt ? distance(snd_.nxt, edge) : 0;
}

// RFC 5681 R5681-1.
std::uint32_t Connection::congestion_room() const {
  const std::uint32_t window = recovery_.window(*congestion_);
  return window - std::min(window, pipe());
}

// An algorithm with a rate spreads what it sends.
bool Connection::may_send_data(Instant now) {
  if (pacer_.may_send(now)) return true;
  const bool has_more = unsent_bytes() > 0 || (fin_wanted_ && !fin_sent_);
  if (sent_.has_lost() || has_more) pacing_deadline_ = pacer_.next();
  return false;
}

// Nothing more goes now: was it for want of window, or of data?
void Connection::note_limits() {
  const std::uint32_t size = segment_size();
  const bool lacks_room = congestion_room() < size;
  const bool has_new = unsent_bytes() > 0 && usable_window() >= std::min(size, unsent_bytes());
  window_was_full_ = lacks_room && (has_new || sent_.has_lost());
  if (settings_.as_linux) {
    usage_.on_sent_all(lacks_room, flight(), snd_.una, snd_.nxt);
    recovery_.on_all_sent(flight() - sent_.sacked_bytes());
  }
  const bool is_idle = unsent_bytes() < size && !sent_.has_lost();
  if (is_idle && !lacks_room) rate_.on_app_limited(pipe());
}

// Sends [from, from + length) of the sequence space; with `may_fin`, the FIN too when the range
// ends where the data ends. Returns where it ended.
Seq Connection::send_range(OutSegment& out, Seq from, std::uint32_t length, bool may_fin,
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
  const bool fin = may_fin && end == data_end;
  if (fin) out.header.flags |= wire::kFin;
  if (length > size) out.gso_size = static_cast<std::uint16_t>(size);
  const std::uint32_t segments = segments_of(length, size);
  counters_.segments_out += segments - 1;
  if (length > 0) counters_.data_segments_out += segments;
  if (from < snd_.nxt) {
    counters_.retransmitted += segments;
    counters_.bytes_retransmitted += length;
  }
  add_sack(out, {});
  if (unanswered_since_.is_never()) unanswered_since_ = now;
  last_sent_ = now;
  ack_debt_.on_answer(now);
  on_acked(rcv_.nxt);
  return end + (fin ? 1u : 0u);
}

// What has never been sent, from SND.NXT.
void Connection::send_new(OutSegment& out, std::uint32_t length, bool may_fin, Instant now) {
  const Seq from = snd_.nxt;
  const Seq end = send_range(out, from, length, may_fin, now);
  const std::uint32_t bytes = distance(from, end);
  const std::uint32_t size = segment_size();
  const bool fin = (out.header.flags & wire::kFin) != 0;
  if (fin) fin_sent_ = true;
  if (out.payload_length % size != 0 && snd_.wnd > 0) small_end_ = from + out.payload_length;
  const std::uint32_t flight_before = pipe();
  if (!sent_.extend(end, fin, size, now)) {
    sent_.append(from, end, fin, size, rate_.stamp(bytes, flight_before, now));
  }
  const bool is_end = from + out.payload_length == snd_.una + send_buffer_.size();
  if (is_end && out.payload_length > 0 && !ends_unpushed_) {  // RFC 9293 MUST-61
    out.push();
    sent_.on_pushed();
  }
  snd_.nxt = end;
  recovery_.on_sent(bytes, flight() - sent_.sacked_bytes());
  congestion_->on_sent(bytes, flight_before + bytes, now);
  pacer_.on_sent(bytes, now);
}

// `length` bytes of the sequence space from where `record` begins, the FIN among them.
void Connection::resend(OutSegment& out, SentSegment& record, std::uint32_t length, Instant now) {
  const Seq from = record.begin;
  const bool fin = fin_sent_ && from + length == snd_.nxt;
  const Seq end = send_range(out, from, length - (fin ? 1u : 0u), fin, now);
  if (record.is_pushed && end == record.end) out.push();  // as the first time
  const std::uint32_t bytes = distance(from, end);
  const bool was_lost = record.fate == SentSegment::Fate::lost;
  const std::uint32_t others = pipe() - (was_lost ? 0 : std::min(pipe(), bytes));
  sent_.on_resent(record, end, segment_size(), rate_.stamp(bytes, others, now));
  recovery_.on_resent(from, bytes, flight() - sent_.sacked_bytes(), snd_.una, now);
  congestion_->on_sent(bytes, others + bytes, now);
  pacer_.on_sent(bytes, now);
}

bool Connection::next_retransmission(OutSegment& out, Instant now) {
  if (!sent_.has_lost() || recovery_.prefers_new()) return false;
  const std::uint32_t size = segment_size();
  std::uint32_t room = congestion_room();
  if (recovery_.must_resend()) room = std::max(room, size);
  const std::uint32_t limit = super_segment_limit();
  SentSegment& lost = sent_.join_lost(std::min(limit, std::max(room, size)));
  // RFC 9293 SHLD-16: inside the window; beyond it the persist timer asks.
  const Seq edge = snd_.una + snd_.wnd;
  if (lost.begin >= edge) return false;
  std::uint32_t length = std::min({lost.size(), distance(lost.begin, edge), limit});
  if (room < std::min(length, size)) return false;
  if (length > room) length = std::max(size, room - room % size);
  const bool is_head = lost.begin == snd_.una;
  resend(out, lost, length, now);
  // RFC 6675 R6675-15: the oldest has a whole timeout again.
  if (timer_ == Timer::off || (sack_on_ && is_head)) arm(Timer::retransmit, now);
  return true;
}

// Nagle's rule (RFC 9293 MUST-17, SHLD-7), in Minshall's form, and the application's. What is
// urgent waits for nothing.
bool Connection::sends_small() const {
  if (fin_wanted_ || flush_due_ || is_urgent()) return true;
  if (corked_ || more_follows_) return false;
  return !nagle_ || (settings_.nagle_by_the_book ? flight() == 0 : small_end_ <= snd_.una);
}

// How much of the unsent data may go now: RFC 9293 R9293-3 (MUST-38), with the congestion window.
std::uint32_t Connection::new_data_length() const {
  const std::uint32_t unsent = unsent_bytes();
  const std::uint32_t usable = usable_window();
  if (usable == 0) return 0;
  const std::uint32_t room = std::min(usable, congestion_room());
  const std::uint32_t size = segment_size();
  const std::uint32_t limit = std::min(room, unsent > size ? super_segment_limit() : size);
  const bool may_send_small = sends_small();
  if (unsent <= limit) return may_send_small ? unsent : unsent - unsent % size;
  const std::uint32_t whole = limit - limit % size;
  if (whole > 0) return whole;
  const bool window_is_half = room >= snd_.max_wnd / 2 && may_send_small;  // R9293-3 (3)
  return window_is_half && room == usable ? room : 0;
}

// RFC 5681 R5681-17; Linux halves the window for each timeout that has gone by instead.
std::uint32_t Connection::restart_window(Instant now) const {
  const std::uint32_t initial = initial_window(send_mss_, settings_.initial_window_segments);
  if (!settings_.as_linux) return initial;
  const Duration rto = rtt_.rto(settings_);
  std::uint32_t window = congestion_->window();
  for (Duration idle = now - last_sent_ - rto; idle > Duration() && window > initial;
       idle = idle - rto) {
    window /= 2;
  }
  return std::max(window, initial);
}

bool Connection::next_new_data(OutSegment& out, Instant now) {
  if (sent_.has_lost() && !recovery_.prefers_new()) return false;
  const std::uint32_t unsent = unsent_bytes();
  const bool fin = fin_wanted_ && !fin_sent_;
  if ((unsent == 0 && !fin) || !sent_.can_append()) return false;
  // RFC 5681 R5681-17.
  if (flight() == 0 && now - last_sent_ > rtt_.rto(settings_)) {
    congestion_->on_idle(restart_window(now), now);
  }
  std::uint32_t length = new_data_length();
  if (cwr_due_) length = std::min(length, segment_size());  // CWR is in one segment only
  const bool fin_alone = fin && unsent == 0 && usable_window() > 0;
  if (length == 0 && !fin_alone) return false;
  send_new(out, length, fin && usable_window() > length, now);
  mark_for_congestion(out);
  if (timer_ != Timer::retransmit) arm(Timer::retransmit, now);
  schedule_tail_probe(now);
  // Only below a low-water mark is there room for what has been sent and not acknowledged.
  const bool may_open = wants_room_ && options_.unsent_low_water != UINT32_MAX;
  if (may_open && is_writable()) events_ |= kWritable;
  return true;
}

}  // namespace sluice::tcp
