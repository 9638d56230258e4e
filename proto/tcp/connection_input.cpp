// RFC 9293 3.10.7.3 and 3.10.7.4: the arrival of a segment, one function a step.
#include <algorithm>

#include "proto/tcp/connection.hpp"

namespace sluice::tcp {

DropReason Connection::on_segment(Segment& segment, Instant now) {
  ++counters_.segments_in;
  if (state_ == State::closed) return DropReason::no_listener;
  if (state_ == State::syn_sent || ends_simultaneous_open(segment)) {
    return on_segment_syn_sent(segment, now);
  }
  const bool bare = segment.length() == 0;  // before the window cuts it
  const Seq first = segment.seq;
  if (const Stop stop = check_timestamps(segment, now)) return *stop;
  if (const Stop stop = check_sequence(segment, now)) return *stop;
  if (const Stop stop = check_reset(segment, now)) return *stop;
  if (const Stop stop = check_syn(segment, now)) return *stop;
  if (const Stop stop = check_ack(segment, first, bare, now)) return *stop;
  return take_text_and_fin(segment, now);
}

// RFC 9293 MUST-10: after the SYNs the SYN-ACKs cross. The peer's says what its SYN did, and ours
// is acknowledged now.
bool Connection::ends_simultaneous_open(const Segment& segment) const {
  return state_ == State::syn_received && !passive_ && segment.has(wire::kSyn) &&
         segment.has(wire::kAck) && !segment.has(wire::kRst) && segment.seq == rcv_.irs &&
         segment.ack == snd_.nxt;
}

DropReason Connection::take_text_and_fin(Segment& segment, Instant now) {
  if (ecn_on_) take_congestion_marks(segment);
  if (segment.has(wire::kUrg)) [[unlikely]]
    take_urgent_pointer(segment);
  note_fin(segment);
  if (const Stop stop = take_text(segment, now)) return *stop;
  take_fin(now);
  return DropReason::none;
}

// --- SYN-SENT (3.10.7.3) --------------------------------------------------------------------

// Linux looks: a timestamp that none of our SYNs bore is of another connection.
bool Connection::echoes_a_syn(const Segment& segment, Instant now) const {
  if (!segment.options->has_timestamps || segment.options->ts_echo == 0) return true;
  const std::uint32_t first = timestamp(syn_sent_at_);
  return segment.options->ts_echo - first <= timestamp(now) - first;
}

DropReason Connection::on_segment_syn_sent(Segment& segment, Instant now) {
  const bool has_ack = segment.has(wire::kAck);
  if (has_ack && (segment.ack <= snd_.iss || segment.ack > snd_.nxt)) {  // RFC 9293 SA-S1
    if (!segment.has(wire::kRst)) owed_reset_ = segment.ack;
    return DropReason::tcp_bad_ack;
  }
  if (settings_.as_linux && has_ack && !echoes_a_syn(segment, now)) {
    if (!segment.has(wire::kRst)) owed_reset_ = segment.ack;
    return DropReason::tcp_paws;
  }
  if (segment.has(wire::kRst)) {
    if (!has_ack) return DropReason::tcp_blind_reset;  // RFC 9293 SA-S4, RFC 5961 R5961-6
    was_reset_ = true;
    finish(CloseReason::refused);  // RFC 9293 SA-S3
    return DropReason::none;
  }
  if (!segment.has(wire::kSyn)) return DropReason::tcp_no_ack;  // RFC 9293 SA-S7
  last_heard_ = now;
  on_syn_in_syn_sent(segment, now);
  segment.flags = static_cast<std::uint8_t>(segment.flags & ~wire::kSyn);
  segment.seq += 1u;
  if (settings_.as_linux) {  // what came with the SYN is to come again
    segment.flags = static_cast<std::uint8_t>(segment.flags & ~wire::kFin);
    segment.payload.keep_front(0);
  }
  if (state_ != State::syn_received) {
    take_queued_text(segment, now);
    return take_text_and_fin(segment, now);
  }
  trim_to_window(segment);
  note_fin(segment);  // RFC 9293 SA-S6: both wait until the connection is established
  if (segment.payload.empty()) return DropReason::none;
  wire::SackBlock none;
  const bool kept = receive_buffer_.insert(rcv_.nxt, std::move(segment.payload), none, resources_);
  return kept ? DropReason::none : DropReason::out_of_memory;
}

// The connection is established by `segment`, which may repeat what was queued.
void Connection::take_queued_text(Segment& segment, Instant now) {
  if (has_gap()) {
    wire::SackBlock none;
    const Seq before = rcv_.nxt;
    rcv_.nxt = receive_buffer_.advance(rcv_.nxt, none, resources_);
    counters_.bytes_received += distance(before, rcv_.nxt);
    events_ |= kReadable;
    owe_ack(segment, distance(before, rcv_.nxt), now);
  }
  trim_to_window(segment);
}

void Connection::on_syn_in_syn_sent(const Segment& segment, Instant now) {
  rcv_.irs = segment.seq;
  rcv_.nxt = rcv_.last_ack_sent = segment.seq + 1u;
  rcv_.edge = rcv_.nxt + syn_window(receive_buffer_bytes());
  snd_.wnd = snd_.max_wnd = segment.window;  // RFC 7323 R7323-3: not scaled
  take_syn_options(*segment.options);
  ecn_on_ = settings_.ecn == Ecn::ask && segment.has(wire::kEce) && !segment.has(wire::kCwr);
  ts_recent_at_ = now;
  snd_.wl1 = segment.seq;
  snd_.wl2 = segment.ack;
  if (!segment.has(wire::kAck)) {  // RFC 9293 SA-S6, MUST-10: simultaneous open
    state_ = State::syn_received;
    syn_due_ = true;
    return;
  }
  take_handshake_sample(segment, now);
  snd_.una = segment.ack;  // RFC 9293 SA-S5
  become_established(now);
  ack_debt_.owe_for_handshake(now, rcv_wnd(), receive_mss_.get());
}

// --- first step: sequence number --------------------------------------------------------------

// RFC 7323 R7323-15 (PAWS), before the window test.
Connection::Stop Connection::check_timestamps(const Segment& segment, Instant now) {
  if (state_ == State::syn_received && segment.has(wire::kSyn) && !segment.has(wire::kAck) &&
      segment.seq == rcv_.irs) {
    repeat_syn_ack(now);
    return DropReason::none;
  }
  if (!timestamps_on_ || segment.has(wire::kRst)) return {};  // RFC 7323 R7323-11, R7323-17
  if (!segment.options->has_timestamps) {  // RFC 7323 R7323-10; a SYN is to be challenged
    const bool is_taken = segment.has(wire::kSyn) || settings_.as_linux;
    return is_taken ? Stop() : DropReason::tcp_no_timestamp;
  }
  if (!is_too_old(segment, now) || ts_recent_is_stale(now)) return {};
  if (settings_.as_linux) {
    refuse_sequence(segment, now);
  } else if (may_challenge(now)) {
    ack_debt_.owe_duplicate(rcv_.nxt);
  }
  return DropReason::tcp_paws;
}

// The peer has not heard our SYN-ACK. A listener of Linux' answers no flood of SYNs, and waits anew
// before it tries again unasked.
void Connection::repeat_syn_ack(Instant now) {
  const bool is_listeners = settings_.as_linux && passive_;
  if (is_listeners && !may_challenge(now)) return;
  syn_due_ = true;
  if (is_listeners) arm(Timer::retransmit, now);
}

// RFC 9293 SA-1 to SA-5.
Connection::Stop Connection::check_sequence(Segment& segment, Instant now) {
  // A RST counts where it begins, whatever it carries: RFC 5961 R5961-1.
  const std::uint32_t length = segment.has(wire::kRst) ? 0 : segment.length();
  const std::uint32_t window = rcv_wnd();
  const auto inside = [this, window](Seq seq) {
    return rcv_.nxt <= seq && distance(rcv_.nxt, seq) < window;
  };
  const bool is_bare_ack = length == 0 && !segment.has(wire::kRst);
  bool acceptable = false;
  if (window == 0) {
    // RFC 9293 SA-2, MUST-66: no text fits, but ACK and RST still count. A peer that probes has
    // moved its SND.NXT past our RCV.NXT; its bare ACKs come from there.
    acceptable = segment.seq == rcv_.nxt || (is_bare_ack && rcv_.nxt <= segment.seq &&
                                             distance(rcv_.nxt, segment.seq) <= receive_mss_.get());
  } else if (length == 0) {
    // From a peer that has filled our window, ACKs come from its edge. Where both have, and both
    // have lost the ACKs of it, none would ever listen to the other again.
    const bool is_news = is_bare_ack && segment.seq == rcv_.edge && segment.ack > snd_.una;
    // Linux counts from the last ACK that it has sent, not from RCV.NXT.
    const bool is_overtaken =
        settings_.as_linux && rcv_.last_ack_sent <= segment.seq && segment.seq < rcv_.nxt;
    acceptable = inside(segment.seq) || is_news || is_overtaken;
  } else {
    acceptable = inside(segment.seq) || inside(segment.end() - 1u) ||
                 (segment.seq < rcv_.nxt && length > distance(segment.seq, rcv_.edge));
  }
  if (!acceptable) return refuse_sequence(segment, now);
  if (window == 0 && length > 0) ack_debt_.owe_now();
  trim_to_window(segment);
  if (!segment.has(wire::kRst) && !segment.has(wire::kSyn)) {
    last_heard_ = now;
    probes_sent_ = 0;
  }
  return {};
}

// RFC 9293 SA-3: an empty ACK for all but a RST.
Connection::Stop Connection::refuse_sequence(const Segment& segment, Instant now) {
  if (segment.has(wire::kRst)) {  // RFC 5961 R5961-1
    return is_own_reset(segment) ? check_reset(segment, now) : DropReason::tcp_blind_reset;
  }
  const bool has_text = !segment.payload.empty();
  if (has_text) ack_debt_.on_disorder(rcv_wnd(), receive_mss_.get());
  if (has_text && segment.end() <= rcv_.nxt) {  // RFC 2883: report the duplicate
    ack_debt_.owe_duplicate(rcv_.nxt, {segment.seq.value(), segment.end().value()});
  } else if (has_text || segment.has(wire::kFin) || may_challenge(now)) {
    ack_debt_.owe_duplicate(rcv_.nxt);
  }
  return DropReason::tcp_out_of_window;
}

// RFC 9293 SA-5: what lies outside the window is cut off. RST and SYN are left for their own steps.
void Connection::trim_to_window(Segment& segment) {
  if (segment.has(wire::kSyn) || segment.has(wire::kRst)) return;
  if (segment.seq < rcv_.nxt) {
    const std::uint32_t old = std::min(distance(segment.seq, rcv_.nxt), segment.payload.size());
    if (sack_on_) segment.twice = {segment.seq.value(), segment.seq.value() + old};
    segment.payload.drop_front(old);
    segment.seq += old;
  }
  // One that comes bare to a closed window needs no room, and would come again and again.
  const bool is_bare_fin = segment.payload.empty() && segment.seq == rcv_.nxt;
  if (segment.end() <= rcv_.edge || is_bare_fin) return;
  segment.flags = static_cast<std::uint8_t>(segment.flags & ~wire::kFin);
  const std::uint32_t room = distance(segment.seq, max(segment.seq, rcv_.edge));
  segment.payload.keep_front(std::min(segment.payload.size(), room));
}

bool Connection::is_old_timestamp(const Segment& segment) const {
  return static_cast<std::int32_t>(segment.options->ts_value - ts_recent_) < 0;
}

// RFC 7323 R7323-15, but what was sent again to fill a gap makes none of those old that left before
// it and have been overtaken on their way: each would be dropped, as another loss.
bool Connection::is_too_old(const Segment& segment, Instant now) const {
  const std::uint32_t oldest = now < overtaken_until_ ? ts_before_gap_ : ts_recent_;
  return static_cast<std::int32_t>(segment.options->ts_value - oldest) < 0;
}

// RFC 7323 R7323-20.
bool Connection::ts_recent_is_stale(Instant now) const {
  return now - ts_recent_at_ > kTimestampValidity;
}

// RFC 7323 R7323-14. `first`: where it began before the window cut it.
void Connection::update_ts_recent(const Segment& segment, Seq first, Instant now) {
  if (!timestamps_on_ || !segment.options->has_timestamps) return;
  if (first > rcv_.last_ack_sent) return;
  if (is_old_timestamp(segment) && !ts_recent_is_stale(now)) return;
  if (receive_buffer_.has_gap() && now >= overtaken_until_) {
    ts_before_gap_ = ts_recent_;
    overtaken_until_ = now + kMaxOvertaken;
  }
  ts_recent_ = segment.options->ts_value;
  ts_recent_at_ = now;
}

// --- second step: RST -------------------------------------------------------------------------

// It knows where the peer stands; or, as Linux has it, where it stands beyond what was lost, or it
// repeats the number of the peer's FIN.
bool Connection::is_own_reset(const Segment& segment) const {
  if (segment.seq == rcv_.nxt) return true;
  if (settings_.as_linux && state_ == State::syn_received && passive_) return true;
  if (!settings_.as_linux || !is_synchronized(state_)) return false;
  if (fin_received_) return segment.seq + 1u == rcv_.nxt && state_ != State::time_wait;
  if (!sack_on_ || !has_gap()) return false;
  std::array<wire::SackBlock, wire::kMaxSackBlocks> held{};
  const std::uint8_t count = receive_buffer_.sack_blocks(held);
  Seq highest = rcv_.nxt;
  for (std::uint8_t i = 0; i < count; ++i) highest = max(highest, Seq(held[i].right));
  return segment.seq == highest;
}

Connection::Stop Connection::check_reset(const Segment& segment, Instant now) {
  if (!segment.has(wire::kRst)) return {};
  if (!is_own_reset(segment)) {  // RFC 9293 SA-6, RFC 5961 R5961-1
    challenge(now);
    return DropReason::tcp_blind_reset;
  }
  was_reset_ = true;
  if (state_ == State::syn_received && !passive_) {
    finish(CloseReason::refused);  // RFC 9293 SA-7
  } else if (state_ == State::closing || state_ == State::last_ack) {
    const bool lost = send_buffer_.size() > 0;                // RFC 9293 MUST-12
    finish(lost ? CloseReason::reset : CloseReason::normal);  // RFC 9293 SA-9
  } else if (state_ == State::time_wait) {
    finish(CloseReason::normal);  // RFC 9293 SA-9
  } else {
    finish(CloseReason::reset);  // RFC 9293 SA-8
  }
  return DropReason::none;
}

// --- fourth step: SYN -------------------------------------------------------------------------

Connection::Stop Connection::check_syn(const Segment& segment, Instant now) {
  if (!segment.has(wire::kSyn)) return {};
  if (state_ == State::syn_received && passive_) {  // RFC 9293 SA-10: back to LISTEN
    finish(CloseReason::reset);
    if (!settings_.as_linux) return DropReason::tcp_blind_syn;
    // Linux resets it, too, as one that nobody expects: RFC 9293 SA-C2, SA-C3.
    resets_segment_ = segment.has(wire::kAck);
    owed_reset_ = resets_segment_ ? segment.ack : Seq();
    rcv_.nxt = segment.end();
    timestamps_on_ = false;
    return DropReason::tcp_blind_syn;
  }
  challenge(now);  // RFC 9293 SA-11, RFC 5961 R5961-2
  return DropReason::tcp_blind_syn;
}

// RFC 5961 R5961-4: so many in a period, counted without a timer.
bool Connection::may_challenge(Instant now) {
  if (now - challenge_start_ >= settings_.challenge_period || challenges_ == 0) {
    challenge_start_ = now;
    challenges_ = 0;
  }
  return ++challenges_ <= settings_.challenge_acks;
}

void Connection::challenge(Instant now) {
  if (may_challenge(now)) ack_debt_.owe_duplicate(rcv_.nxt);
}

// --- fifth step: ACK --------------------------------------------------------------------------

Connection::Stop Connection::check_ack(Segment& segment, Seq first, bool bare, Instant now) {
  if (!segment.has(wire::kAck)) return DropReason::tcp_no_ack;  // RFC 9293 SA-12
  if (state_ == State::syn_received) {
    if (const Stop stop = defer_accept(segment)) return stop;
    if (const Stop stop = establish_on_ack(segment, now)) return stop;
  }
  // RFC 9293 SA-13, MAY-12, RFC 5961 R5961-3.
  const bool is_unsent = segment.ack > snd_.nxt;
  if (is_unsent || segment.ack < snd_.una - snd_.max_wnd) {
    const bool is_silent = settings_.as_linux && is_unsent && state_ == State::established;
    if (!is_silent) challenge(now);
    return DropReason::tcp_bad_ack;
  }
  update_ts_recent(segment, first, now);
  process_ack(segment, bare, now);
  if (state_ == State::closed) return DropReason::none;
  return {};
}

// Whoever says nothing is not worth an application's time yet: the ACK is not heard, but there is
// no need to repeat the SYN-ACK until then.
Connection::Stop Connection::defer_accept(const Segment& segment) {
  const bool is_bare = segment.length() == 0 && segment.seq == rcv_.nxt;
  if (!passive_ || !is_bare || retransmits_ >= options_.defer_accept) return {};
  if (segment.ack != snd_.nxt || snd_.nxt == snd_.iss) return {};
  is_deferred_ = true;
  return DropReason::none;
}

// RFC 9293 SA-14.
Connection::Stop Connection::establish_on_ack(Segment& segment, Instant now) {
  if (segment.ack <= snd_.iss || segment.ack > snd_.nxt || snd_.nxt == snd_.iss) {
    owed_reset_ = segment.ack;
    return DropReason::tcp_bad_ack;
  }
  take_handshake_sample(segment, now);
  syn_due_ = false;
  snd_.una = snd_.iss + 1u;
  snd_.wnd = static_cast<std::uint32_t>(segment.window) << snd_.scale;
  snd_.max_wnd = snd_.wnd;
  snd_.wl1 = segment.seq;
  snd_.wl2 = segment.ack;
  become_established(now);
  take_queued_text(segment, now);
  return {};
}

// --- seventh step: text -----------------------------------------------------------------------

Connection::Stop Connection::take_text(Segment& segment, Instant now) {
  if (segment.payload.empty()) return {};
  if (!can_receive(state_)) return {};  // RFC 9293 SA-24: ignored
  const bool is_deaf = is_deaf_ && state_ != State::established;
  if (application_gone_ || is_deaf) {  // RFC 9293 SHLD-3: nobody will ever read it
    finish(application_gone_ ? CloseReason::aborted : CloseReason::reset);
    owed_reset_ = segment.ack;
    resets_segment_ = true;
    return DropReason::tcp_after_close;
  }
  const std::uint32_t size = segment.gso_size != 0 ? segment.gso_size : segment.payload.size();
  receive_mss_.on_segment(size, segment.has(wire::kPsh), settings_);
  counters_.data_segments_in += segments_of(segment.payload.size(), size);
  return segment.seq == rcv_.nxt ? take_in_order(segment, now) : take_out_of_order(segment);
}

Connection::Stop Connection::take_in_order(Segment& segment, Instant now) {
  const std::uint32_t offered = segment.payload.size();
  const std::uint32_t length = store(segment.payload);
  if (length == 0) return DropReason::out_of_memory;
  const bool had_gap = receive_buffer_.has_gap();
  const Seq before = rcv_.nxt;
  rcv_.nxt = rcv_.nxt + length;
  if (had_gap) rcv_.nxt = receive_buffer_.advance(rcv_.nxt, segment.twice, resources_);
  counters_.bytes_received += distance(before, rcv_.nxt);
  if (sack_on_ && segment.twice.left != segment.twice.right) {  // RFC 2883
    ack_debt_.owe_duplicate(rcv_.nxt, segment.twice);
  } else {
    owe_ack(segment, length, now);
  }
  if (had_gap) ack_debt_.owe_now();  // RFC 5681 R5681-12
  events_ |= kReadable;
  if (urgent_.has_mark) [[unlikely]]
    note_urgent_byte(before);
  tune_receive_buffer(segment, now);
  if (length < offered) return DropReason::out_of_memory;  // the rest will come again
  return {};
}

// `length` bytes of the segment were taken in order.
void Connection::owe_ack(const Segment& segment, std::uint32_t length, Instant now) {
  ArrivedText text;
  text.bytes = length;
  text.piece_bytes = segment.gso_size != 0 ? segment.gso_size : length;
  text.full_bytes = receive_mss_.get();
  text.now = now;
  if (settings_.adaptive_acks) {
    text.window_bytes = distance(rcv_.last_ack_sent, rcv_.edge);
    // Linux keeps room for several of the windows that it offers: text that is not read yet keeps
    // an ACK back only when there is much of it.
    text.moves_window = window_limit(free_of(receive_room())) >= text.window_bytes / 2;
    text.is_pushed = segment.has(wire::kPsh);
    text.rto = rtt_.rto(settings_);
  }
  ack_debt_.on_in_order(text, rcv_.nxt, rtt_.smoothed());
}

// RFC 2018 R2018-6: what we hold beyond a gap must not keep out what comes before it.
std::uint32_t Connection::store(Slice payload) {
  const std::uint32_t length = payload.size();
  std::uint32_t stored = receive_buffer_.append(payload, resources_);
  if (stored == length || !has_gap()) return stored;
  forget_beyond_gap();
  payload.drop_front(stored);
  return stored + receive_buffer_.append(std::move(payload), resources_);
}

void Connection::tune_receive_buffer(const Segment& segment, Instant now) {
  if (timestamps_on_ && segment.options->has_timestamps) {
    const std::uint32_t elapsed_ms = timestamp(now) - segment.options->ts_echo;
    receive_tuning_.on_echo(Duration::milliseconds(elapsed_ms));
  }
  const bool may_grow = resources_.level() == MemoryLevel::plenty;
  receive_tuning_.on_text(min_rtt_.get(), may_grow, now);
}

// RFC 9293 SHLD-31; RFC 5681 R5681-12: a duplicate ACK for each segment beyond a gap.
Connection::Stop Connection::take_out_of_order(Segment& segment) {
  ++counters_.beyond_gap;
  wire::SackBlock duplicate;
  const bool kept =
      receive_buffer_.insert(segment.seq, std::move(segment.payload), duplicate, resources_);
  ack_debt_.owe_duplicate(rcv_.nxt, duplicate);
  if (!kept) return DropReason::out_of_memory;
  return {};
}

// --- eighth step: FIN -------------------------------------------------------------------------

// A FIN may come before the text that precedes it: remember where it lies. The last one counts, so
// that one which cannot be right does not hide the one that is.
void Connection::note_fin(const Segment& segment) {
  if (!segment.has(wire::kFin) || fin_received_) return;
  fin_seen_ = true;
  fin_seq_ = segment.end() - 1u;
  if (!segment.payload.empty() || fin_seq_ == rcv_.nxt) return;
  // RFC 2018 R2018-4, as for text: so the peer finds what is missing before it.
  ack_debt_.owe_duplicate(rcv_.nxt, {fin_seq_.value(), fin_seq_.value() + 1});
}

void Connection::take_fin(Instant now) {
  if (!fin_seen_ || fin_received_ || fin_seq_ != rcv_.nxt) return;
  fin_received_ = true;
  rcv_.nxt += 1u;
  if (rcv_.edge < rcv_.nxt) rcv_.edge = rcv_.nxt;
  const bool may_wait = state_ == State::established;
  const ArrivedText no_text{.full_bytes = receive_mss_.get(), .now = now};
  ack_debt_.owe_for_fin(rcv_.nxt, may_wait, no_text, rtt_.smoothed());  // RFC 9293 SA-26
  events_ |= kPeerClosed;
  switch (state_) {
    case State::established: state_ = State::close_wait; return;  // RFC 9293 SA-27
    case State::fin_wait_1: state_ = State::closing; return;      // RFC 9293 SA-28
    case State::fin_wait_2: enter_time_wait(); return;            // RFC 9293 SA-29
    case State::closed:
    case State::listen:
    case State::syn_sent:
    case State::syn_received:
    case State::close_wait:
    case State::closing:
    case State::last_ack:
    case State::time_wait: return;  // RFC 9293 SA-30
  }
}

}  // namespace sluice::tcp
