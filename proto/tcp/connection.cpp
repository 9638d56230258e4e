#include "proto/tcp/connection.hpp"

#include <algorithm>

namespace sluice::tcp {
namespace {

// The smallest shift with which a window of `bytes` can be told (RFC 7323 2.2).
std::uint8_t scale_for(std::uint32_t bytes) {
  std::uint8_t scale = 0;
  while (scale < kMaxWindowScale && (kUnscaledWindow << scale) < bytes) ++scale;
  return scale;
}

}  // namespace

// --- opening --------------------------------------------------------------------------------

void Connection::start(const Identity& identity, Instant now) {
  is_v6_ = identity.is_v6;
  advertised_mss_ = identity.advertised_mss;
  path_mtu_ = advertised_mss_ + (is_v6_ ? kHeadersV6 : kHeadersV4);
  if (options_.max_segment != 0) {
    advertised_mss_ =
        static_cast<std::uint16_t>(std::min<std::uint32_t>(advertised_mss_, options_.max_segment));
  }
  ts_offset_ = identity.ts_offset;
  snd_.una = snd_.nxt = snd_.iss = small_end_ = identity.iss;
  recovery_.start(identity.iss);
  start_buffers(now);
  last_heard_ = last_sent_ = now;
  syn_due_ = true;
}

void Connection::start_buffers(Instant now) {
  const std::uint32_t limit =
      options_.receive_buffer != 0 ? options_.receive_buffer : settings_.receive_buffer_bytes;
  rcv_.scale = settings_.window_scale.value_or(scale_for(limit));
  const std::uint32_t first = options_.receive_buffer != 0
                                  ? options_.receive_buffer
                                  : std::min(settings_.initial_receive_buffer_bytes, limit);
  const bool grows = settings_.autotune_receive && options_.receive_buffer == 0;
  receive_tuning_.start(first, grows ? limit : first, now);
  send_buffer_bytes_ = options_.send_buffer != 0 ? options_.send_buffer
                                                 : std::min(settings_.initial_send_buffer_bytes,
                                                            settings_.send_buffer_bytes);
}

void Connection::open_active(const Identity& identity, Instant now) {
  start(identity, now);
  state_ = State::syn_sent;
}

void Connection::open_passive(const Identity& identity, const Segment& syn, Instant now) {
  start(identity, now);
  passive_ = true;
  state_ = State::syn_received;
  rcv_.irs = syn.seq;
  rcv_.nxt = rcv_.last_ack_sent = syn.seq + 1u;  // RFC 9293 SA-L3
  snd_.wnd = snd_.max_wnd = syn.window;          // RFC 7323 R7323-3: never scaled in a SYN
  take_syn_options(*syn.options);
  rcv_.edge = rcv_.nxt + syn_window(receive_room());
  // RFC 3168 R3168-3: what marks a SYN has other ideas of the field, and Linux trusts it no more.
  const bool is_odd = settings_.as_linux && syn.is_ecn_capable;
  ecn_on_ = settings_.ecn != Ecn::off && syn.has(wire::kEce) && syn.has(wire::kCwr) && !is_odd;
  ts_recent_at_ = now;
  // Text and FIN of the SYN are not acknowledged: the peer sends them again.
}

// What the peer's SYN says: RFC 9293 3.7.1, RFC 7323, RFC 2018.
void Connection::take_syn_options(const wire::TcpOptions& options) {
  const std::uint32_t fallback = is_v6_ ? kDefaultMssV6 : kDefaultMssV4;
  const bool has_mss = options.has_mss && options.mss > 0;
  const std::uint32_t peer_mss = has_mss ? options.mss : fallback;  // RFC 9293 MUST-15
  timestamps_on_ = settings_.timestamps && options.has_timestamps;
  sack_on_ = settings_.sack && options.sack_permitted;
  scaling_on_ = settings_.window_scaling && options.has_window_scale;
  snd_.scale = scaling_on_ ? std::min(options.window_scale, kMaxWindowScale) : std::uint8_t{0};
  if (!scaling_on_) rcv_.scale = 0;  // RFC 7323 R7323-4: both ways or not at all
  if (timestamps_on_) ts_recent_ = options.ts_value;
  // RFC 9293 MUST-16: options take their room from each segment's payload.
  // The peer may not make them tiny; our own MTU may.
  const std::uint32_t most =
      std::min<std::uint32_t>(std::max(peer_mss, kMinSendMss), advertised_mss_);
  send_mss_ = most - (timestamps_on_ ? kTimestampsLength : 0);
  if (settings_.as_linux) bound_to_window();
  receive_mss_.start(advertised_mss_ - (timestamps_on_ ? kTimestampsLength : 0), send_mss_,
                     receive_buffer_bytes(), settings_);
}

// Two segments at least into the peer's window, so that it has reason to acknowledge one.
void Connection::bound_to_window() {
  const std::uint32_t window = snd_.max_wnd > kDefaultMssV4 ? snd_.max_wnd / 2 : snd_.max_wnd;
  if (window > 0) send_mss_ = std::min(send_mss_, std::max(window, kMinSendMss));
}

void Connection::become_established(Instant now) {
  state_ = State::established;
  snd_.edge = snd_.una + snd_.wnd;
  events_ |= kOpened;
  disarm();
  syn_due_ = false;
  unanswered_since_ = Instant::never();
  std::uint32_t window = initial_window(send_mss_, settings_.initial_window_segments);
  if (syn_resent_) {
    const bool is_forgiven = settings_.as_linux && retransmits_ == 1;
    if (!is_forgiven) window = send_mss_;  // RFC 5681 R5681-3
    rtt_.start_after_lost_syn();           // RFC 6298 R6298-12
  }
  retransmits_ = 0;
  start_congestion(window, now);
  if (options_.keepalive_idle > Duration()) keepalive_deadline_ = now + options_.keepalive_idle;
  if (fin_wanted_) state_ = State::fin_wait_1;  // CLOSE came before the handshake was done
}

void Connection::start_congestion(std::uint32_t window_bytes, Instant now) {
  congestion_->set_seed(std::uint64_t{snd_.iss.value()} << 32 | ts_offset_);
  congestion_->start(send_mss_, window_bytes, now);
  pacer_.set_rate(congestion_->pacing_rate());
}

// --- calls ----------------------------------------------------------------------------------

// Bytes that the send buffer may hold: fewer when memory is short, and then always so many that a
// reference gets in.
std::uint32_t Connection::send_room() const {
  using Share = Resources::Share;
  const bool is_plenty = resources_.level() == MemoryLevel::plenty;
  const std::uint32_t share =
      resources_.share_for(send_buffer_.size(), is_plenty ? Share::generous : Share::modest);
  return std::min(send_buffer_bytes_, std::max(share, kLeastSendRoom));
}

bool Connection::takes_text() const {
  const bool open = state_ == State::established || state_ == State::close_wait ||
                    state_ == State::syn_sent || state_ == State::syn_received;
  return open && !fin_wanted_;
}

std::uint32_t Connection::send_space() const {
  if (!takes_text()) return 0;
  const std::uint32_t space = space_in(send_room());
  if (space == 0) wants_room_ = true;
  return space;
}

// Of a send buffer that may hold so much.
std::uint32_t Connection::space_in(std::uint32_t room) const {
  const std::uint32_t space = room - std::min(room, send_buffer_.size());
  if (options_.unsent_low_water == UINT32_MAX) return space;
  return std::min(space, room_below_low_water());
}

// What can go at once, and bursts until the mark is reached.
std::uint32_t Connection::room_below_low_water() const {
  const std::uint32_t low = options_.unsent_low_water;
  if (!is_synchronized(state_)) return low - std::min(low, send_buffer_.size());
  const std::uint32_t waiting = unsent_bytes();
  if (waiting >= low) return 0;
  const std::uint32_t half_window = std::min(snd_.max_wnd / 2, kLargestBurst);
  const std::uint32_t burst = std::max(half_window - half_window % send_mss_, send_mss_);
  const std::uint32_t missing = (low - waiting + burst - 1) / burst * burst;
  const std::uint32_t goes = std::min(congestion_room(), usable_window());
  return missing + (goes - std::min(goes, waiting)) / send_mss_ * send_mss_;
}

bool Connection::is_writable() const {
  wants_room_ = false;
  if (!takes_text()) return false;
  const std::uint32_t room = send_room();
  const std::uint32_t space = space_in(room);
  const std::uint32_t low = options_.unsent_low_water;
  const bool is_low =
      low == UINT32_MAX || !is_synchronized(state_) || unsent_bytes() < (low + 1) / 2;
  const bool is_writable = space > 0 && is_low && (low != UINT32_MAX || space >= room / 3);
  wants_room_ = !is_writable;
  return is_writable;
}

std::uint32_t Connection::send(Bytes bytes, SendFlags flags) {
  const auto wanted = static_cast<std::uint32_t>(std::min<std::size_t>(bytes.size(), UINT32_MAX));
  const std::uint32_t space = send_space();
  const std::uint32_t most = std::min(wanted, space);
  return after_send(wanted, space, send_buffer_.append(bytes.first(most), resources_), flags);
}

std::uint32_t Connection::send(Slice slice, SendFlags flags) {
  const std::uint32_t wanted = slice.size();
  const std::uint32_t space = send_space();
  slice.keep_front(std::min(wanted, space));
  return after_send(wanted, space, send_buffer_.append(std::move(slice), resources_), flags);
}

// `space` is what there was before.
std::uint32_t Connection::after_send(std::uint32_t offered, std::uint32_t space,
                                     std::uint32_t taken, SendFlags flags) {
  if (taken < offered || taken == space) wants_room_ = true;
  if (taken == 0) return 0;
  more_follows_ = ends_unpushed_ = flags.more && taken == offered;  // without room none follows
  flush_due_ = false;
  if (flags.urgent) urge();
  return taken;
}

Slice Connection::read(std::uint32_t max_bytes) {
  if (urgent_.has_mark) [[unlikely]]
    max_bytes = stop_at_mark(max_bytes);
  Slice out = receive_buffer_.read(max_bytes, resources_);
  if (out.empty() || !can_receive(state_)) return out;
  receive_tuning_.on_taken(out.size());
  // RFC 9293 R9293-4, MUST-39: tell of a larger window once it is worth a segment to the peer.
  const std::uint32_t announced = rcv_wnd();
  if (announced < receive_buffer_bytes() / 2) {
    const std::uint32_t room = receive_room();
    const std::uint32_t half = window_limit(room) / 2;
    const std::uint32_t worth = announced + std::min(half, 2 * receive_mss_.get());
    if (announced < half && window_limit(free_of(room)) >= worth) ack_debt_.owe_now();
  }
  if (readable() == 0) ack_debt_.on_all_read(receive_mss_.get());
  return out;
}

void Connection::forget_beyond_gap() {
  if (!has_gap()) return;
  receive_buffer_.forget_pieces(resources_);
  ++counters_.gaps_forgotten;
}

void Connection::shutdown_send(Instant now) {
  if (fin_wanted_) return;
  switch (state_) {
    case State::syn_sent:
      if (send_buffer_.size() == 0) return finish(CloseReason::aborted);
      fin_wanted_ = true;
      return;
    case State::syn_received: fin_wanted_ = true; return;
    case State::established:
      fin_wanted_ = true;
      state_ = State::fin_wait_1;
      return;
    case State::close_wait:
      fin_wanted_ = true;
      state_ = State::last_ack;
      return;
    case State::closed:
    case State::listen:
    case State::fin_wait_1:
    case State::fin_wait_2:
    case State::closing:
    case State::last_ack:
    case State::time_wait: return;
  }
  static_cast<void>(now);
}

void Connection::close(Instant now) {
  if (application_gone_) return;
  application_gone_ = true;
  if (readable() > 0 && is_synchronized(state_)) {  // RFC 9293 SHLD-3
    receive_buffer_.clear(resources_);
    return reset_with(CloseReason::aborted);
  }
  if (state_ == State::syn_sent && send_buffer_.size() == 0) return finish(CloseReason::aborted);
  shutdown_send(now);
  if (state_ == State::fin_wait_2) enter_fin_wait_2(now);
}

void Connection::abort(Instant now) {
  static_cast<void>(now);
  application_gone_ = true;
  // RFC 9293 3.10.5: no RST before the peer knows us, nor once both sides have said FIN.
  const bool closing = state_ == State::closing || state_ == State::last_ack;
  const bool silent = state_ == State::syn_sent || state_ == State::closed ||
                      state_ == State::time_wait || (closing && fin_sent_);
  if (silent) return finish(CloseReason::aborted);
  reset_with(CloseReason::aborted);
}

// --- closing --------------------------------------------------------------------------------

// FIN-WAIT-2 lasts as long as the peer likes, but not once nobody waits for its data.
void Connection::enter_fin_wait_2(Instant now) {
  state_ = State::fin_wait_2;
  if (application_gone_) fin_wait_2_deadline_ = now + options_.fin_wait_2_timeout;
}

void Connection::enter_time_wait() {
  state_ = State::time_wait;
  disarm();
  keepalive_deadline_ = fin_wait_2_deadline_ = memory_deadline_ = pacing_deadline_ =
      Instant::never();
}

TimeWait Connection::take_time_wait() {
  SLUICE_ASSERT(state_ == State::time_wait);
  TimeWait rest;
  rest.window_field = window_to_announce(rcv_.nxt);
  rest.owes_ack = ack_debt_.is_due();
  rest.snd_nxt = snd_.nxt;
  rest.rcv_nxt = rcv_.nxt;
  rest.rcv_wnd = rcv_wnd();
  rest.timestamps_on = timestamps_on_;
  rest.ts_offset = ts_offset_;
  rest.ts_recent = ts_recent_;
  finish(CloseReason::normal);
  return rest;
}

// Leaves what can be read for the application, and nothing else.
void Connection::finish(CloseReason reason) {
  if (state_ == State::closed && close_reason_ != CloseReason::none) return;
  ended_in_ = state_;
  state_ = State::closed;
  close_reason_ = reason;
  events_ |= kClosed;
  disarm();
  keepalive_deadline_ = fin_wait_2_deadline_ = memory_deadline_ = pacing_deadline_ =
      Instant::never();
  ack_debt_.clear();
  syn_due_ = probe_due_ = keepalive_due_ = tail_probe_due_ = false;
  sent_.clear();
  send_buffer_.clear(resources_);
  const bool is_kept =
      reason == CloseReason::normal || (keeps_unread_ && reason != CloseReason::aborted);
  if (!is_kept) receive_buffer_.clear(resources_);
}

void Connection::reset_with(CloseReason reason) {
  if (state_ != State::closed) owed_reset_ = ack_sequence();  // inside the peer's window
  finish(reason);
}

void Connection::release_buffers() {
  sent_.clear();
  send_buffer_.clear(resources_);
  receive_buffer_.clear(resources_);
}

void Connection::check_invariants() const {
  if (state_ == State::closed) return;
  SLUICE_ASSERT(snd_.una <= snd_.nxt);
  if (!is_synchronized(state_)) return;
  SLUICE_ASSERT(rcv_.nxt <= rcv_.edge + 1u);
  const std::uint32_t fin = fin_sent_ ? 1 : 0;
  SLUICE_ASSERT(flight() <= send_buffer_.size() + fin);
  SLUICE_ASSERT(!fin_sent_ || flight() == send_buffer_.size() + fin || fin_acked());
  SLUICE_ASSERT(flight() == 0 || timer_ != Timer::off);
  sent_.check_invariants(snd_.una, snd_.nxt);
}

}  // namespace sluice::tcp
