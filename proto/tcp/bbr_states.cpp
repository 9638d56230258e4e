// BBR's states: Startup and Drain once, then ProbeBW's cycle, with ProbeRTT now and then.
#include <algorithm>

#include "proto/tcp/bbr.hpp"

namespace sluice::tcp {
namespace {

constexpr std::uint32_t kDrainRounds = 3;      // BBR-6
constexpr std::uint32_t kMaxProbeRounds = 63;  // BBR-10
constexpr std::uint64_t kProbeWaitMs = 2000;   // BBR-10: and up to a second more
constexpr std::uint64_t kProbeSpreadMs = 1000;
constexpr Duration kProbeRttTime = Duration::milliseconds(200);  // BBR-16

}  // namespace

void Bbr::update_state(const Ack& ack) {
  check_drain(ack);
  if (has_filled_pipe_) update_probe_bw(ack);
  round_trip_.on_ack(ack.event.rtt, ack.event.now);
  check_probe_rtt(ack);
}

void Bbr::enter_startup() {
  state_ = State::startup;
  has_filled_pipe_ = false;
}

void Bbr::check_drain(const Ack& ack) {
  if (state_ == State::startup && has_filled_pipe_) {
    state_ = State::drain;
    drain_rounds_ = 0;
    reset_congestion_signals();
  }
  if (state_ != State::drain) return;
  if (ack.begins_round) ++drain_rounds_;
  const bool is_drained = ack.event.flight <= inflight(max_bw_.max(), 100);
  if (is_drained || drain_rounds_ > kDrainRounds) start_down(ack.event.now);
}

// --- ProbeBW ------------------------------------------------------------------------------------

bool Bbr::is_probe_bw() const {
  return state_ >= State::probe_bw_down && state_ <= State::probe_bw_up;
}

bool Bbr::is_probing_bandwidth() const {
  return state_ == State::startup || state_ == State::probe_bw_refill ||
         state_ == State::probe_bw_up;
}

void Bbr::update_probe_bw(const Ack& ack) {
  adapt_longterm_bound(ack);
  switch (state_) {
    case State::probe_bw_down:
      if (is_time_to_probe(ack.event.now)) {
        start_refill();
      } else if (is_time_to_cruise(ack.event.flight)) {
        state_ = State::probe_bw_cruise;
      }
      break;
    case State::probe_bw_cruise:
      if (is_time_to_probe(ack.event.now)) start_refill();
      break;
    case State::probe_bw_refill:
      if (!ack.begins_round) break;
      has_probe_samples_ = true;
      start_up(ack.bandwidth, ack.event.now);
      break;
    case State::probe_bw_up:
      if (is_time_to_go_down(ack)) start_down(ack.event.now);
      break;
    case State::startup:
    case State::drain:
    case State::probe_rtt: break;
  }
}

void Bbr::start_down(Instant now) {
  reset_congestion_signals();
  rounds_since_probe_ = static_cast<std::uint32_t>(rng_.below(2));
  const std::uint64_t wait_ms = kProbeWaitMs + rng_.below(kProbeSpreadMs);
  probe_wait_ = Duration::milliseconds(static_cast<std::int64_t>(wait_ms));
  cycle_began_ = now;
  ack_phase_ = AckPhase::probe_stopping;
  start_round();
  state_ = State::probe_bw_down;
}

// The pipe is filled first, so that what a probe adds is not mistaken for what it lacked.
void Bbr::start_refill() {
  reset_shortterm_bounds();
  probe_up_rounds_ = 0;
  probe_up_credit_ = 0;
  ack_phase_ = AckPhase::refilling;
  start_round();
  state_ = State::probe_bw_refill;
}

void Bbr::start_up(BytesPerSecond bandwidth, Instant now) {
  ack_phase_ = AckPhase::probe_starting;
  start_round();
  reset_full_bandwidth(bandwidth);
  cycle_began_ = now;
  state_ = State::probe_bw_up;
  steepen_probe();
}

// BBR-10: by the clock, or as often as a Reno flow of this size would lose a segment.
bool Bbr::is_time_to_probe(Instant now) const {
  if (now > cycle_began_ + probe_wait_) return true;
  const std::uint32_t target = std::min(inflight(bandwidth(), 100), cwnd_);
  return rounds_since_probe_ >= std::min(kMaxProbeRounds, target / mss_);
}

// BBR-9.
bool Bbr::is_time_to_cruise(std::uint32_t flight) const {
  return flight <= headroom_bound() && flight <= inflight(max_bw_.max(), 100);
}

// BBR-11.
bool Bbr::is_time_to_go_down(const Ack& ack) {
  if (ack.is_held_by_bound) {
    reset_full_bandwidth(ack.bandwidth);  // our own bound held the bandwidth down
    return false;
  }
  return is_bw_full_;
}

// --- ProbeRTT -----------------------------------------------------------------------------------

void Bbr::check_probe_rtt(const Ack& ack) {
  if (state_ != State::probe_rtt && round_trip_.is_probe_due() && !is_restarting_) {
    save_window();
    state_ = State::probe_rtt;
    probe_rtt_until_ = Instant::never();
    ack_phase_ = AckPhase::probe_stopping;
    start_round();
  }
  if (state_ == State::probe_rtt) hold_probe_rtt(ack);
  if (ack.event.delivered_bytes != 0) is_restarting_ = false;
}

void Bbr::hold_probe_rtt(const Ack& ack) {
  app_limited_until_ = delivered_ + ack.event.flight;
  if (probe_rtt_until_.is_never()) {
    if (ack.event.flight > probe_rtt_window()) return;
    probe_rtt_until_ = ack.event.now + kProbeRttTime;
    has_probe_rtt_round_ = false;
    start_round();
    return;
  }
  if (ack.begins_round) has_probe_rtt_round_ = true;
  if (has_probe_rtt_round_ && ack.event.now > probe_rtt_until_) leave_probe_rtt(ack.event.now);
}

void Bbr::leave_probe_rtt(Instant now) {
  round_trip_.postpone_probe(now);
  cwnd_ = std::max(cwnd_, prior_cwnd_);
  reset_shortterm_bounds();
  if (!has_filled_pipe_) {
    enter_startup();
    return;
  }
  start_down(now);
  state_ = State::probe_bw_cruise;  // the flight is small already
}

}  // namespace sluice::tcp
