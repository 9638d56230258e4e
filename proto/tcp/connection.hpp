// One TCP connection: the machine of RFC 9293, from SYN-SENT or SYN-RECEIVED to CLOSED.
//
// Input (segments, calls, time) only changes state; output is pulled, one segment at a time, by
// next_segment(). It knows no clock, no socket and no thread: whoever drives it passes `now`,
// which never runs backwards, and looks at deadline() to know when to call on_time().
//
//   connection_input.cpp   the arrival of segments, one function a step of 3.10.7
//   connection_ack.cpp     what an acknowledgement does to the sender
//   connection_path.cpp    what ICMP and routers say of the path
//   connection_output.cpp  what is sent next
//   connection_timers.cpp  retransmission, giving up
//   connection_probes.cpp  of windows, of a flight's tail, keepalive
//   connection_urgent.cpp  urgent data, both ways
//   connection.cpp         the calls of 3.9.1, opening and closing
//   connection_settings.cpp  what an application chooses for one connection
//   connection_snapshot.cpp  how it stands
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "proto/base/time.hpp"
#include "proto/tcp/ack_debt.hpp"
#include "proto/tcp/close_reason.hpp"
#include "proto/tcp/congestion.hpp"
#include "proto/tcp/connection_counters.hpp"
#include "proto/tcp/connection_options.hpp"
#include "proto/tcp/constants.hpp"
#include "proto/tcp/loss_recovery.hpp"
#include "proto/tcp/min_rtt.hpp"
#include "proto/tcp/pacer.hpp"
#include "proto/tcp/path_error.hpp"
#include "proto/tcp/rate_sampler.hpp"
#include "proto/tcp/receive_autotuning.hpp"
#include "proto/tcp/receive_buffer.hpp"
#include "proto/tcp/receive_mss.hpp"
#include "proto/tcp/rtt_estimator.hpp"
#include "proto/tcp/segment.hpp"
#include "proto/tcp/send_buffer.hpp"
#include "proto/tcp/snapshot.hpp"
#include "proto/tcp/state.hpp"
#include "proto/tcp/time_wait.hpp"
#include "proto/tcp/urgent.hpp"
#include "proto/tcp/window_usage.hpp"
#include "proto/wire/drop_reason.hpp"

namespace sluice::tcp {

// What the application is to be told; bits, taken by take_events().
enum Event : std::uint8_t {
  kOpened = 0x01,      // the handshake is done
  kReadable = 0x02,    // more bytes in order
  kWritable = 0x04,    // room in the send buffer, after send() had filled it
  kPeerClosed = 0x08,  // the peer's FIN arrived; readable bytes may still wait
  kClosed = 0x10,      // the end, see close_reason(); the last event
  kUrgent = 0x20,      // urgent data was announced, or the urgent byte has come
};

struct SendFlags {
  bool more = false;    // follows soon: no PSH yet, and no segment that is not full
  bool urgent = false;  // up to the last byte (RFC 9293 3.8.5)
};

// What a connection is born with.
struct Identity {
  Seq iss;
  std::uint32_t ts_offset = 0;       // of the timestamp clock (RFC 7323 R7323-21)
  std::uint16_t advertised_mss = 0;  // MTU less fixed IP and TCP headers (RFC 9293 MUST-67)
  bool is_v6 = false;
};

class Connection {
 public:
  // Both outlive the connection.
  Connection(const Settings& settings, const Resources& resources)
      : settings_(settings),
        resources_(resources),
        options_(settings),
        nagle_(settings.nagle),
        ack_debt_(settings),
        congestion_(settings.congestion),
        sent_(resources.sent) {}
  ~Connection() { release_buffers(); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // --- opening ------------------------------------------------------------------------------
  void open_active(const Identity& identity, Instant now);
  // `syn` is a SYN that arrived for a listener (tcp/listen.hpp).
  void open_passive(const Identity& identity, const Segment& syn, Instant now);

  // --- calls of the application (RFC 9293 3.9.1) -----------------------------------------------
  // Each returns how many bytes were taken: fewer than offered when the send buffer is full or
  // memory is short (then kWritable follows), none once closed for sending.
  std::uint32_t send(Bytes bytes, SendFlags flags = {});
  std::uint32_t send(Slice slice, SendFlags flags = {});
  // As memory grows short it may become less without a call. Once it is none, kWritable follows.
  std::uint32_t send_space() const;
  // There is room that is worth a call; if not, kWritable follows.
  bool is_writable() const;
  // The next bytes in order, at most `max_bytes`; empty when there are none.
  Slice read(std::uint32_t max_bytes);
  std::uint32_t readable() const { return receive_buffer_.readable(); }
  // Copies what read() would give, from `offset` on; how many bytes.
  std::uint32_t peek(MutableBytes into, std::uint32_t offset = 0) const {
    return receive_buffer_.peek(into, offset);
  }
  // What read() would give if it could all at once: it stops at the urgent mark.
  ReadableRun next_run() const;
  // The peer has closed and all of its bytes have been read.
  bool at_end() const {
    const bool in_order =
        close_reason_ == CloseReason::none || close_reason_ == CloseReason::normal;
    return fin_received_ && readable() == 0 && in_order;
  }
  bool has_peer_closed() const { return fin_received_; }
  // No more will be sent; FIN follows what is queued. Receiving goes on.
  void shutdown_send(Instant now);
  // Nobody will read what comes from now on: once our FIN is out, text is answered with a RST.
  void stop_receiving() { is_deaf_ = true; }
  // The application lets go: FIN, or a RST when it left bytes unread (RFC 9293 SHLD-3).
  void close(Instant now);
  void abort(Instant now);
  // What lies beyond a gap is given up, for want of memory: the peer still has it (RFC 2018).
  bool has_gap() const { return receive_buffer_.has_gap(); }
  void forget_beyond_gap();
  // Copies unread bytes out of frames that they would pin for little; after each callback.
  void settle() { receive_buffer_.settle(resources_); }

  // --- urgent data (RFC 9293 3.8.5); RFC 6093 advises new applications against it ----------------
  // How many bytes lie before the urgent one; empty when none is announced, or it was read past.
  // RFC 9293 MUST-33: until then there is more urgent data.
  std::optional<std::uint32_t> bytes_to_mark() const;
  bool at_urgent_mark() const { return bytes_to_mark() == 0u; }
  UrgentByte urgent_byte() const;
  // Out of line: once, if it is here. It still takes its place in the stream.
  std::optional<std::uint8_t> take_urgent_byte(bool peek = false);
  // Whether read() gives the urgent byte, too, as it does at first (RFC 6093).
  void set_urgent_inline(bool on) { urgent_.is_inline = on; }

  // --- choices of the application, at any time --------------------------------------------------
  // RFC 9293 MUST-17. What waits goes now, were it corked.
  void set_nodelay(bool on);
  // No segment that is not full, for 200 ms at most.
  void set_cork(bool on);
  // Each segment is acknowledged at once, or the ACKs are delayed, until traffic says otherwise.
  void set_quick_ack(bool on);
  bool quick_ack() const { return ack_debt_.is_quick(); }
  // Bytes of payload and of TCP's options in a segment: what is sent, and before the handshake also
  // what is asked of the peer. At least kMinSendMss.
  void set_max_segment(std::uint32_t bytes);
  // The buffer's size from now on, without growth. A window that was offered stays.
  void set_receive_buffer(std::uint32_t bytes);
  void set_send_buffer(std::uint32_t bytes);
  // While so many bytes wait to be sent for the first time, send() takes no more; kWritable follows
  // when half as many do. It takes a whole burst at a time.
  void set_unsent_low_water(std::uint32_t bytes) { options_.unsent_low_water = bytes; }
  // Another algorithm takes over the window where this one leaves it, in slow start.
  void set_congestion(Algorithm algorithm, Instant now);
  // RFC 9293 MUST-24, MUST-27; an idle time of zero switches keepalive off.
  void set_keepalive(Duration idle, Instant now);
  void set_keepalive_interval(Duration interval) { options_.keepalive_interval = interval; }
  void set_keepalive_probes(std::uint32_t count) { options_.keepalive_probes = count; }
  // RFC 9293 MUST-21; zero: the settings' own.
  void set_user_timeout(Duration timeout);
  void set_syn_retries(std::uint32_t count) { options_.syn_retries = count; }
  // What was received in order can be read after the peer's RST and after a timeout, too.
  void set_keep_unread(bool on) { keeps_unread_ = on; }
  // Of a listener, before open_passive(): an ACK without text establishes nothing before the
  // SYN-ACK has timed out so often.
  void set_defer_accept(std::uint32_t timeouts) { options_.defer_accept = timeouts; }
  void set_fin_wait_2_timeout(Duration timeout) { options_.fin_wait_2_timeout = timeout; }
  const ConnectionOptions& options() const { return options_; }

  // --- events from below ----------------------------------------------------------------------
  // Takes the payload it wants out of `segment`. DropReason::none when all of it was in order to
  // process, however old; otherwise why it was refused.
  DropReason on_segment(Segment& segment, Instant now);
  // An ICMP error quoted a segment of ours that started at `sequence`; `mtu` for packet_too_big.
  DropReason on_path_error(PathError error, Seq sequence, std::uint32_t mtu);
  void on_time(Instant now);
  // When to call on_time(); may be earlier than needed, never later.
  Instant deadline() const;

  // --- output ---------------------------------------------------------------------------------
  // The next segment to send now; false when there is none. `out` is cleared first.
  bool next_segment(OutSegment& out, Instant now);

  // --- observation ----------------------------------------------------------------------------
  State state() const { return state_; }
  CloseReason close_reason() const { return close_reason_; }
  // The last thing that ICMP said of the path, if nothing was acknowledged since (MUST-47).
  std::optional<PathError> path_error() const { return path_error_; }
  std::optional<PathError> take_path_error() { return std::exchange(path_error_, std::nullopt); }
  // The state that the end was met in, and whether a RST of the peer was that.
  State ended_in() const { return ended_in_; }
  bool was_reset() const { return was_reset_; }
  Snapshot snapshot() const;
  bool has_events() const { return events_ != 0; }
  std::uint8_t take_events() { return std::exchange(events_, std::uint8_t{0}); }
  bool was_passive() const { return passive_; }
  // Gone from the wire, with nothing left to send: the flow may be forgotten.
  bool is_finished() const { return state_ == State::closed && !owed_reset_; }
  // In TIME-WAIT, the little that must be remembered; the connection itself is then closed.
  TimeWait take_time_wait();
  const ConnectionCounters& counters() const { return counters_; }
  const RttEstimator& rtt() const { return rtt_; }
  const CongestionControl& congestion() const { return *congestion_; }
  const MinRtt& min_rtt() const { return min_rtt_; }
  // Bytes outstanding that are neither known to have arrived nor taken for lost.
  std::uint32_t pipe() const { return recovery_.pipe(send_view(), sent_); }
  std::uint32_t send_mss() const { return send_mss_; }
  // What the buffers may hold now; they grow up to the settings' limits.
  std::uint32_t receive_buffer_bytes() const { return receive_tuning_.buffer_bytes(); }
  std::uint32_t send_buffer_bytes() const { return send_buffer_bytes_; }
  bool timestamps_on() const { return timestamps_on_; }
  bool sack_on() const { return sack_on_; }
  bool ecn_on() const { return ecn_on_; }
  Seq snd_una() const { return snd_.una; }
  Seq snd_nxt() const { return snd_.nxt; }
  std::uint32_t snd_wnd() const { return snd_.wnd; }
  Seq rcv_nxt() const { return rcv_.nxt; }
  std::uint32_t rcv_wnd() const { return distance(rcv_.nxt, rcv_.edge); }
  // Aborts when the machine contradicts itself.
  void check_invariants() const;

 private:
  // Empty: the next step follows. Otherwise the segment is done with, for this reason.
  using Stop = std::optional<DropReason>;
  enum class Timer : std::uint8_t { off, retransmit, persist };

  struct SendSequence {
    Seq una, nxt, iss, wl1, wl2;
    Seq edge;  // right edge of the largest window ever offered
    std::uint32_t wnd = 0;
    std::uint32_t max_wnd = 0;
    std::uint8_t scale = 0;
  };
  struct ReceiveSequence {
    Seq nxt, irs;
    Seq edge;           // right edge of the largest window ever announced; never moves left
    Seq last_ack_sent;  // RFC 7323 4.3
    std::uint8_t scale = 0;
  };

  // connection.cpp
  void start(const Identity& identity, Instant now);
  void start_buffers(Instant now);
  void take_syn_options(const wire::TcpOptions& options);
  void bound_to_window();
  void become_established(Instant now);
  void start_congestion(std::uint32_t window_bytes, Instant now);
  void enter_fin_wait_2(Instant now);
  void enter_time_wait();
  void finish(CloseReason reason);
  void reset_with(CloseReason reason);
  void release_buffers();
  std::uint32_t after_send(std::uint32_t offered, std::uint32_t space, std::uint32_t taken,
                           SendFlags flags);
  bool takes_text() const;
  std::uint32_t send_room() const;
  std::uint32_t space_in(std::uint32_t room) const;
  std::uint32_t room_below_low_water() const;

  // connection_input.cpp
  bool ends_simultaneous_open(const Segment& segment) const;
  bool echoes_a_syn(const Segment& segment, Instant now) const;
  DropReason on_segment_syn_sent(Segment& segment, Instant now);
  void on_syn_in_syn_sent(const Segment& segment, Instant now);
  void take_queued_text(Segment& segment, Instant now);
  Stop check_timestamps(const Segment& segment, Instant now);
  void repeat_syn_ack(Instant now);
  Stop check_sequence(Segment& segment, Instant now);
  Stop refuse_sequence(const Segment& segment, Instant now);
  void trim_to_window(Segment& segment);
  bool is_own_reset(const Segment& segment) const;
  Stop check_reset(const Segment& segment, Instant now);
  Stop check_syn(const Segment& segment, Instant now);
  Stop check_ack(Segment& segment, Seq first, bool bare, Instant now);
  Stop defer_accept(const Segment& segment);
  Stop establish_on_ack(Segment& segment, Instant now);
  DropReason take_text_and_fin(Segment& segment, Instant now);
  Stop take_text(Segment& segment, Instant now);
  Stop take_in_order(Segment& segment, Instant now);
  Stop take_out_of_order(Segment& segment);
  std::uint32_t store(Slice payload);
  void owe_ack(const Segment& segment, std::uint32_t length, Instant now);
  void tune_receive_buffer(const Segment& segment, Instant now);
  void note_fin(const Segment& segment);
  void take_fin(Instant now);
  void take_congestion_marks(const Segment& segment);
  bool may_challenge(Instant now);
  void challenge(Instant now);
  bool is_old_timestamp(const Segment& segment) const;
  bool is_too_old(const Segment& segment, Instant now) const;
  bool ts_recent_is_stale(Instant now) const;
  void update_ts_recent(const Segment& segment, Seq first, Instant now);

  // connection_ack.cpp
  void process_ack(const Segment& segment, bool bare, Instant now);
  void take_acknowledgment(const Segment& segment, bool may_be_duplicate, Instant now);
  bool is_duplicate_ack(const Segment& segment) const;
  void on_new_ack(Seq ack, Delivery& delivery, Instant now);
  void take_sack(const Segment& segment, AckFacts& facts, Delivery& delivery);
  void take_rtt_sample(const AckFacts& facts, const Delivery& delivery);
  void take_rtt(Duration rtt);
  void take_handshake_sample(const Segment& segment, Instant now);
  void restart_timer(Instant now);
  void follow(const LossRecovery::Outcome& outcome);
  void tell_congestion(const AckFacts& facts, const Delivery& delivery, std::uint32_t pipe_before,
                       bool did_slow_down, const LossRecovery::Outcome& outcome);
  bool may_grow_window() const;
  void note_reordering(std::uint32_t bytes);
  void on_probe_answered(Instant now);
  void tune_send_buffer();
  bool update_send_window(const Segment& segment);
  void on_window_opened(Instant now);
  void after_ack_by_state(Instant now);
  AckFacts facts_now(Instant now) const;
  SendView send_view() const {
    return {snd_.una, snd_.nxt, send_mss_, sack_on_, settings_.as_linux};
  }
  bool fin_acked() const { return fin_sent_ && snd_.una == snd_.nxt; }

  // connection_path.cpp
  DropReason on_packet_too_big(Seq sequence, std::uint32_t mtu);
  void lower_mss(std::uint32_t mss);
  void use_smaller_mss(std::uint32_t mss);
  void confirm_smaller_mss();
  bool asks_for_ecn() const { return settings_.ecn == Ecn::ask && !syn_resent_; }
  void mark_for_congestion(OutSegment& out);

  // connection_settings.cpp, connection_snapshot.cpp
  void say_options(Snapshot& said) const;
  void say_sender(Snapshot& said) const;
  void say_receiver(Snapshot& said) const;

  // connection_urgent.cpp
  void urge();
  bool is_urgent() const { return urgent_.is_sending && snd_.una < urgent_.snd_up; }
  void point_to_urgent(wire::TcpHeader& header, Seq seq);
  void take_urgent_pointer(const Segment& segment);
  void note_urgent_byte(Seq from);
  std::uint32_t stop_at_mark(std::uint32_t max_bytes);

  // connection_output.cpp
  bool next_reset(OutSegment& out, Instant now);
  bool next_syn(OutSegment& out, Instant now);
  bool next_retransmission(OutSegment& out, Instant now);
  bool may_send_data(Instant now);
  bool next_new_data(OutSegment& out, Instant now);
  bool next_ack(OutSegment& out, Instant now);
  bool sends_small() const;
  std::uint32_t new_data_length() const;
  std::uint32_t restart_window(Instant now) const;
  std::uint32_t segment_size() const;
  std::uint32_t super_segment_limit() const;
  std::uint8_t sack_room() const;
  Seq ack_sequence() const;
  Seq send_range(OutSegment& out, Seq from, std::uint32_t length, bool may_fin, Instant now);
  void send_new(OutSegment& out, std::uint32_t length, bool may_fin, Instant now);
  void resend(OutSegment& out, SentSegment& record, std::uint32_t length, Instant now);
  void note_limits();
  std::uint32_t congestion_room() const;
  std::uint32_t usable_window() const;
  void start_header(OutSegment& out, Seq seq, std::uint8_t flags, Seq ack, Instant now);
  void add_sack(OutSegment& out, const wire::SackBlock& first) const;
  std::uint32_t receive_room() const;
  std::uint32_t window_limit(std::uint32_t room) const;
  std::uint32_t free_of(std::uint32_t room) const;
  std::uint16_t syn_window(std::uint32_t room) const;
  std::uint16_t window_to_announce(Seq ack);
  void on_acked(Seq ack);
  std::uint32_t unsent_bytes() const;
  std::uint32_t flight() const { return distance(snd_.una, snd_.nxt); }
  std::uint32_t timestamp(Instant now) const;

  // connection_timers.cpp
  void arm(Timer timer, Instant now);
  void disarm();
  void on_retransmit_timeout(Instant now);
  void on_reorder_timeout(Instant now);
  bool gave_up(Instant now);
  bool ends_on_time() const;
  Duration patience() const;
  bool has_tried_enough() const;
  bool repeats_syn() const;

  // connection_probes.cpp
  void wait_for_window(Instant now);
  void on_persist_timeout(Instant now);
  bool next_probe(OutSegment& out, Instant now);
  bool next_empty_probe(OutSegment& out, Instant now);
  void count_probe();
  void schedule_tail_probe(Instant now);
  void on_tail_probe_timeout(Instant now);
  bool next_tail_probe(OutSegment& out, Instant now);
  void on_keepalive_timeout(Instant now);
  bool is_dead(Instant now) const;
  bool next_keepalive(OutSegment& out, Instant now);

  const Settings& settings_;
  const Resources& resources_;
  ConnectionOptions options_;

  State state_ = State::closed;
  CloseReason close_reason_ = CloseReason::none;
  std::optional<PathError> path_error_;
  State ended_in_ = State::closed;
  bool was_reset_ = false;
  bool keeps_unread_ = false;
  bool is_deaf_ = false;
  bool is_deferred_ = false;  // the SYN-ACK was acknowledged, but that does not count yet
  std::uint8_t events_ = 0;
  bool passive_ = false;  // RFC 9293 MUST-11
  bool is_v6_ = false;
  bool timestamps_on_ = false;
  bool sack_on_ = false;
  bool scaling_on_ = false;
  bool ecn_on_ = false;
  bool owes_ecn_echo_ = false;  // CE arrived, and no CWR since (RFC 3168 R3168-7)
  bool cwr_due_ = false;        // the next new segment says that we have slowed down
  bool nagle_;
  bool corked_ = false;
  bool more_follows_ = false;        // the last send() said so, and nothing has come since
  bool ends_unpushed_ = false;       // the last send() said so
  bool flush_due_ = false;           // what was sent before goes at once
  bool syn_due_ = false;             // our SYN or SYN-ACK is to be sent (again)
  bool syn_resent_ = false;          // by the timer: it may have been lost
  bool syn_repeated_ = false;        // for whatever reason
  bool fin_wanted_ = false;          // the application has closed for sending
  bool fin_sent_ = false;            // SND.NXT counts our FIN
  bool fin_seen_ = false;            // the peer's FIN arrived, perhaps beyond a gap
  bool fin_received_ = false;        // RCV.NXT counts the peer's FIN
  bool application_gone_ = false;    // nobody will read
  mutable bool wants_room_ = false;  // kWritable is due: who asked for room found none
  bool probe_due_ = false;
  bool keepalive_due_ = false;
  bool tail_probe_due_ = false;
  bool window_was_full_ = false;  // the congestion window held back what was there to send
  Urgent urgent_;
  std::uint8_t probes_sent_ = 0;  // of a closed window or for keepalive, unanswered
  std::uint8_t retransmits_ = 0;  // timeouts since the last progress
  Timer timer_ = Timer::off;

  SendSequence snd_;
  ReceiveSequence rcv_;
  Seq fin_seq_;                    // of the peer's FIN, once seen
  std::optional<Seq> owed_reset_;  // a RST with this sequence number is to be sent
  bool resets_segment_ = false;    // in answer to one that came too late
  std::uint16_t advertised_mss_ = 0;
  std::uint32_t send_mss_ = 0;  // payload of a full segment, options taken off (MUST-16)
  ReceiveMss receive_mss_;
  Seq small_end_;  // end of the last segment sent that was not full (Minshall)

  std::uint32_t ts_offset_ = 0;
  std::uint32_t ts_recent_ = 0;
  std::uint32_t ts_before_gap_ = 0;  // what PAWS goes by until ...
  Instant ts_recent_at_;
  Instant overtaken_until_;
  Instant syn_sent_at_;               // the first time
  Instant rtt_sampled_at_;            // one sample a round trip (RFC 6298 R6298-7)
  std::uint64_t acked_sequence_ = 0;  // bytes that SND.UNA has moved by

  std::uint32_t acked_piece_ = 0;  // payload of the largest segment acknowledged
  std::uint32_t path_mtu_ = 0;     // ours, or what a router has said
  std::uint32_t doubted_mss_ = 0;  // that ICMP asked for; zero: none waits (RFC 5927 R5927-4)
  Seq doubted_sequence_;           // which it quoted

  Instant timer_deadline_ = Instant::never();
  Instant reorder_deadline_ = Instant::never();     // RFC 8985 R8985-10
  Instant tail_probe_deadline_ = Instant::never();  // RFC 8985 R8985-14
  Instant pacing_deadline_ = Instant::never();
  Instant unanswered_since_ = Instant::never();  // sent then, and no progress since
  Instant keepalive_deadline_ = Instant::never();
  Instant fin_wait_2_deadline_ = Instant::never();
  Instant memory_deadline_ = Instant::never();  // send() found none: when to offer room again
  Instant last_heard_;
  Instant last_sent_;
  Instant challenge_start_;
  std::uint32_t challenges_ = 0;

  AckDebt ack_debt_;
  RttEstimator rtt_;
  MinRtt min_rtt_;
  RateSampler rate_;
  Pacer pacer_;
  CongestionChoice congestion_;
  SentSegments sent_;
  LossRecovery recovery_;
  WindowUsage usage_;
  SendBuffer send_buffer_;
  std::uint32_t send_buffer_bytes_ = 0;  // that it may hold
  ReceiveBuffer receive_buffer_;
  ReceiveAutotuning receive_tuning_;
  ConnectionCounters counters_;
};

}  // namespace sluice::tcp
