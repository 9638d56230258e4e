// BBR, version 3 (draft-ietf-ccwg-bbr): a model of the path in place of a reaction to each loss.
//
// The model: max_bw and min_rtt, whose product is what the path holds; and what losses teach, a
// bound that lasts (inflight_longterm) and two that last until the next probe (bw_shortterm,
// inflight_shortterm). The state machine keeps the model fresh: it probes for bandwidth every two
// to three seconds or 63 rounds, for the round trip every five seconds.
//
// Departures from the draft:
// - losses are judged by acknowledgement, not by segment, on the newest delivered segment's sample;
// - what counts as more than the threshold of 2 % is counted with its noise (is_too_much_loss), and
//   a round lowers the short-term bounds when it loses that much, not at its first loss. Otherwise
//   a random loss of 1 % wears the rate down by 2 % a round between probes, which it cuts short;
// - ECN's echo (RFC 3168) and a timeout count as losses above the threshold;
// - ProbeRTT comes every five seconds, but not sooner than twenty round trips.
#pragma once

#include <cstdint>
#include <string_view>

#include "proto/base/rng.hpp"
#include "proto/base/time.hpp"
#include "proto/tcp/bbr_estimates.hpp"
#include "proto/tcp/congestion.hpp"

namespace sluice::tcp {

class Bbr final : public CongestionControl {
 public:
  enum class State : std::uint8_t {
    startup,
    drain,
    probe_bw_down,
    probe_bw_cruise,
    probe_bw_refill,
    probe_bw_up,
    probe_rtt,
  };

  std::string_view name() const override { return "bbr"; }
  void set_seed(std::uint64_t seed) override { rng_ = Rng(seed); }
  void start(std::uint32_t mss, std::uint32_t initial_window_bytes, Instant now) override;
  void set_mss(std::uint32_t mss) override { mss_ = mss; }
  void on_ack(const AckEvent& event) override;
  void on_congestion(std::uint32_t flight, bool by_ecn, Instant now) override;
  void on_recovery_end(Instant now) override;
  void on_timeout(std::uint32_t flight, bool first, Instant now) override;
  void undo(Instant now) override;
  void on_idle(std::uint32_t initial_window_bytes, Instant now) override;

  std::uint32_t window() const override { return cwnd_; }
  // Not BBR's way to think. Once the pipe is full: the window, so that recovery may use all of it.
  std::uint32_t ssthresh() const override { return has_filled_pipe_ ? cwnd_ : UINT32_MAX; }
  std::uint64_t pacing_rate() const override { return pacing_rate_; }

  State state() const { return state_; }
  BytesPerSecond max_bandwidth() const { return max_bw_.max(); }
  Duration min_round_trip() const { return round_trip_.min(); }

 private:
  // What the present acknowledgement says, after the rules of the model.
  struct Ack {
    const AckEvent& event;
    BytesPerSecond bandwidth = 0;  // zero: no sample
    bool is_app_limited = false;
    bool begins_round = false;
    bool begins_loss_round = false;
    // inflight_longterm is what keeps the flight from growing. Pacing spreads a round, so that the
    // window is full at some acknowledgements only: those of two rounds are looked at.
    bool is_held_by_bound = false;
  };
  // Are acknowledgements arriving for what was sent while probing?
  enum class AckPhase : std::uint8_t { none, refilling, probe_starting, feedback, probe_stopping };

  static constexpr std::uint32_t kNoBound = UINT32_MAX;
  static constexpr BytesPerSecond kNoRateBound = UINT64_MAX;

  // The model (bbr_model.cpp).
  Ack make_ack(const AckEvent& event);
  void take_latest_delivery(Ack& ack);
  void forget_latest_delivery(const Ack& ack);
  void take_congestion_signals(const Ack& ack);
  void take_aggregation(const Ack& ack);
  void lower_shortterm_bounds();
  void reset_shortterm_bounds();
  void reset_congestion_signals();
  void note_loss(std::uint32_t bytes);
  bool is_too_much_loss(std::uint64_t lost_bytes, std::uint64_t of_bytes) const;
  void remember();
  void check_startup_loss(const Ack& ack);
  void check_full_bandwidth(const Ack& ack);
  void reset_full_bandwidth(BytesPerSecond bandwidth);
  void adapt_longterm_bound(const Ack& ack);
  void on_inflight_too_high(std::uint32_t tx_in_flight, bool is_app_limited, Instant now);
  void raise_longterm_bound(const Ack& ack);
  void steepen_probe();
  void leave_startup_by_loss();
  bool is_probing_bandwidth() const;
  bool is_probe_bw() const;

  // The states (bbr_states.cpp).
  void update_state(const Ack& ack);
  void enter_startup();
  void check_drain(const Ack& ack);
  void update_probe_bw(const Ack& ack);
  void start_down(Instant now);
  void start_refill();
  void start_up(BytesPerSecond bandwidth, Instant now);
  bool is_time_to_probe(Instant now) const;
  bool is_time_to_cruise(std::uint32_t flight) const;
  bool is_time_to_go_down(const Ack& ack);
  void check_probe_rtt(const Ack& ack);
  void hold_probe_rtt(const Ack& ack);
  void leave_probe_rtt(Instant now);
  void start_round() { next_round_delivered_ = delivered_; }

  // The answer (bbr.cpp).
  void set_pacing_rate(std::uint64_t gain_percent);
  void set_window(const AckEvent& event);
  void save_window();
  std::uint64_t pacing_gain() const;
  std::uint64_t window_gain() const;
  BytesPerSecond bandwidth() const;
  std::uint32_t bdp(BytesPerSecond rate, std::uint64_t gain_percent) const;
  std::uint32_t inflight(BytesPerSecond rate, std::uint64_t gain_percent) const;
  std::uint32_t with_offload_budget(std::uint64_t bytes) const;
  std::uint32_t probe_rtt_window() const;
  std::uint32_t headroom_bound() const;
  std::uint32_t model_bound() const;
  std::uint32_t min_pipe() const;

  Rng rng_{0};
  std::uint32_t mss_ = 0;
  std::uint32_t initial_window_ = 0;
  std::uint32_t cwnd_ = 0;
  std::uint32_t prior_cwnd_ = 0;  // before a recovery or ProbeRTT cut it
  BytesPerSecond pacing_rate_ = 0;
  bool has_round_trip_ = false;
  bool in_recovery_ = false;
  State state_ = State::startup;

  BandwidthFilter max_bw_;
  RoundTripFilter round_trip_;
  AckAggregation aggregation_;
  BytesPerSecond bw_shortterm_ = kNoRateBound;
  std::uint32_t inflight_shortterm_ = kNoBound;
  std::uint32_t inflight_longterm_ = kNoBound;

  std::uint64_t delivered_ = 0;  // C.delivered at the last acknowledgement
  std::uint64_t next_round_delivered_ = 0;
  std::uint32_t drain_rounds_ = 0;
  bool is_window_full_ = false;   // at an acknowledgement of this round
  bool was_window_full_ = false;  // ... of the round before

  BytesPerSecond full_bw_ = 0;  // the rate that the next round should surpass by a quarter
  std::uint32_t full_bw_rounds_ = 0;
  bool is_bw_full_ = false;       // three rounds did not
  bool has_filled_pipe_ = false;  // ... at any time since Startup

  std::uint64_t loss_round_delivered_ = 0;
  BytesPerSecond bw_latest_ = 0;
  std::uint64_t inflight_latest_ = 0;
  std::uint32_t loss_events_in_round_ = 0;
  std::uint64_t lost_in_round_ = 0;  // bytes

  AckPhase ack_phase_ = AckPhase::none;
  bool has_probe_samples_ = false;  // the next rate samples show what probing did
  Instant cycle_began_;
  Duration probe_wait_;
  std::uint32_t rounds_since_probe_ = 0;
  std::uint32_t probe_up_rounds_ = 0;
  std::uint64_t probe_up_growth_ = 0;  // bytes a round
  std::uint64_t probe_up_credit_ = 0;

  Instant probe_rtt_until_ = Instant::never();  // never: the flight is not yet small enough
  bool has_probe_rtt_round_ = false;
  std::uint64_t app_limited_until_ = 0;  // samples of segments sent before are low on purpose
  bool is_restarting_ = false;           // from idle: no acknowledgement yet

  // The model before the last loss.
  struct Undo {
    bool is_known = false;
    State state = State::startup;
    BytesPerSecond bw_shortterm = 0;
    std::uint32_t inflight_shortterm = 0;
    std::uint32_t inflight_longterm = 0;
  };
  Undo undo_;
};

}  // namespace sluice::tcp
