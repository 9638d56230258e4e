// What a congestion control is told, and what it answers: a window in bytes and, for some, a rate.
//
// One algorithm a file, one row in the table of congestion.cpp. A connection holds its algorithm by
// value (CongestionChoice), so that none is allocated. Loss recovery (which bytes are lost, what is
// sent again, how fast during recovery: PRR) is not its business.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "proto/base/time.hpp"

namespace sluice::tcp {

// One measurement of how fast the path delivers (draft-ietf-ccwg-bbr, delivery rate estimation).
// Without a fresh sample `interval` is zero.
struct RateSample {
  std::uint64_t delivered_bytes = 0;  // delivered while the sampled segment was under way
  std::uint64_t prior_delivered = 0;  // C.delivered when that segment was sent
  std::uint32_t lost_bytes = 0;       // lost in that time
  std::uint32_t tx_in_flight = 0;     // in flight just after it was sent
  Duration interval;
  bool is_app_limited = false;  // the application, not the path, set the pace
};

// An acknowledgement that delivered or lost something, in recovery and outside of it.
struct AckEvent {
  Instant now;
  std::uint32_t acked_bytes = 0;      // by SND.UNA moving
  std::uint32_t delivered_bytes = 0;  // newly acknowledged or SACKed
  std::uint32_t lost_bytes = 0;       // newly marked lost
  std::uint32_t flight_before = 0;    // bytes outstanding (pipe) before this ACK
  std::uint32_t flight = 0;           // and after it
  std::uint64_t total_delivered = 0;  // over the connection's life
  Duration rtt;                       // of the newest segment it acknowledges; zero: none
  Duration min_rtt;                   // of the path so far
  Duration smoothed_rtt;
  bool in_recovery = false;      // fast recovery: PRR rules the window. After a timeout slow start
                                 // grows it again
  bool window_was_full = false;  // the congestion window, not the application or the peer's
                                 // window, has held the sender back since the last ACK
  bool as_linux = false;     // window_was_full says all, and what was SACKed before does not count
  bool takes_sacks = false;  // for Linux: SACKs alone make the window grow, too
  bool ecn_echo = false;
  std::uint64_t send_sequence = 0;   // SND.NXT as a 64-bit offset: to tell rounds (HyStart++)
  std::uint64_t acked_sequence = 0;  // SND.UNA likewise
  RateSample rate;
};

class CongestionControl {
 public:
  virtual ~CongestionControl() = default;

  virtual std::string_view name() const = 0;
  // Before start(), for those that draw: a number that differs between connections (the ISN).
  virtual void set_seed(std::uint64_t /*seed*/) {}
  virtual void start(std::uint32_t mss, std::uint32_t initial_window_bytes, Instant now) = 0;
  // The path's MSS has changed (RFC 5681 R5681-5).
  virtual void set_mss(std::uint32_t mss) = 0;

  // `flight` bytes are outstanding, the `bytes` just sent among them.
  virtual void on_sent(std::uint32_t /*bytes*/, std::uint32_t /*flight*/, Instant /*now*/) {}
  virtual void on_ack(const AckEvent& event) = 0;
  // A loss, or ECN's echo, begins a recovery (once a window). `flight` bytes were outstanding.
  virtual void on_congestion(std::uint32_t flight, bool by_ecn, Instant now) = 0;
  // All that was outstanding when the recovery began has been acknowledged.
  virtual void on_recovery_end(Instant now) = 0;
  // The retransmission timer fired; `first` for a segment that it had not resent before.
  virtual void on_timeout(std::uint32_t flight, bool first, Instant now) = 0;
  // The last on_congestion() or on_timeout() was for nothing (Eifel, F-RTO, D-SACK): back to
  // before.
  virtual void undo(Instant now) = 0;
  // Nothing was sent for longer than one RTO (RFC 5681 R5681-17, RFC 9293).
  virtual void on_idle(std::uint32_t initial_window_bytes, Instant now) = 0;

  virtual std::uint32_t window() const = 0;    // bytes; at least one MSS
  virtual std::uint32_t ssthresh() const = 0;  // bytes; UINT32_MAX while unknown
  // Bytes a second; zero: not paced by the algorithm. One with a rate rules recovery, too: no PRR.
  virtual std::uint64_t pacing_rate() const { return 0; }
  bool in_slow_start() const { return window() < ssthresh(); }
};

// No window grows beyond this: RFC 7323's largest receive window.
inline constexpr std::uint32_t kMaxCongestionWindow = 1u << 30;

// RFC 6928: min(10 MSS, max(2 MSS, 14600)), with the number of segments configurable.
std::uint32_t initial_window(std::uint32_t mss, std::uint32_t segments);

enum class Algorithm : std::uint8_t { cubic, newreno, bbr };

// By its name ("cubic", "newreno", or "reno" as Linux has it, "bbr"); false for another.
bool parse_algorithm(std::string_view name, Algorithm& algorithm);
// "cubic, newreno, bbr": for who asks for another.
std::string algorithm_names();
std::string_view algorithm_name(Algorithm algorithm);

// An algorithm by value.
class CongestionChoice {
 public:
  static constexpr std::size_t kRoom = 384;  // of the largest algorithm, bytes

  explicit CongestionChoice(Algorithm algorithm);
  ~CongestionChoice();
  CongestionChoice(const CongestionChoice&) = delete;
  CongestionChoice& operator=(const CongestionChoice&) = delete;

  // Another one takes over; it must be started.
  void choose(Algorithm algorithm);

  CongestionControl& operator*() { return *control_; }
  const CongestionControl& operator*() const { return *control_; }
  CongestionControl* operator->() { return control_; }
  const CongestionControl* operator->() const { return control_; }

 private:
  alignas(std::max_align_t) std::array<std::byte, kRoom> room_;
  CongestionControl* control_ = nullptr;
};

}  // namespace sluice::tcp
