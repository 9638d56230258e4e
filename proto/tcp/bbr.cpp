#include "proto/tcp/bbr.hpp"

#include <algorithm>

namespace sluice::tcp {
namespace {

constexpr std::uint64_t kStartupPacingPercent = 277;  // BBR-3: 4 ln 2
constexpr std::uint64_t kPacingPercent = 99;          // BBR-17: a margin that keeps queues short
constexpr Duration kNominalRtt = Duration::milliseconds(1);   // BBR-17
constexpr Duration kQuantumTime = Duration::milliseconds(1);  // BBR-18
constexpr std::uint32_t kMaxQuantum = 65'536;                 // BBR-18
constexpr std::uint64_t kHeadroomPercent = 15;                // BBR-9
constexpr std::uint32_t kMinPipeSegments = 4;                 // BBR-23

}  // namespace

void Bbr::start(std::uint32_t mss, std::uint32_t initial_window_bytes, Instant now) {
  mss_ = mss;
  initial_window_ = cwnd_ = initial_window_bytes;
  pacing_rate_ = percent(rate_of(initial_window_bytes, kNominalRtt), kStartupPacingPercent);
  round_trip_.start(now);
  aggregation_.restart(now);
}

void Bbr::on_ack(const AckEvent& event) {
  if (event.lost_bytes != 0) note_loss(event.lost_bytes);
  Ack ack = make_ack(event);
  take_latest_delivery(ack);
  take_congestion_signals(ack);
  take_aggregation(ack);
  check_startup_loss(ack);
  check_full_bandwidth(ack);
  update_state(ack);
  forget_latest_delivery(ack);
  if (!has_round_trip_ && event.smoothed_rtt > Duration()) {
    has_round_trip_ = true;
    pacing_rate_ = percent(rate_of(initial_window_, event.smoothed_rtt), kStartupPacingPercent);
  }
  set_pacing_rate(pacing_gain());
  set_window(event);
}

// --- losses and silence -------------------------------------------------------------------------

void Bbr::on_congestion(std::uint32_t flight, bool by_ecn, Instant now) {
  remember();
  save_window();
  in_recovery_ = true;
  if (!by_ecn) return;  // on_ack() is told of losses
  note_loss(cwnd_);
  if (!has_filled_pipe_) leave_startup_by_loss();
  if (has_probe_samples_) on_inflight_too_high(flight, false, now);
}

void Bbr::on_recovery_end(Instant /*now*/) {
  in_recovery_ = false;
  cwnd_ = std::max(cwnd_, prior_cwnd_);
}

// BBR-21.
void Bbr::on_timeout(std::uint32_t /*flight*/, bool /*first*/, Instant /*now*/) {
  note_loss(cwnd_);
  save_window();
  in_recovery_ = true;
  cwnd_ = mss_;
}

// BBR-22: the window stays, the pace is the bandwidth.
void Bbr::on_idle(std::uint32_t /*initial_window_bytes*/, Instant now) {
  is_restarting_ = true;
  aggregation_.restart(now);
  if (is_probe_bw()) set_pacing_rate(100);
}

void Bbr::save_window() {
  const bool is_whole = !in_recovery_ && state_ != State::probe_rtt;
  prior_cwnd_ = is_whole ? cwnd_ : std::max(prior_cwnd_, cwnd_);
}

// --- the answer ---------------------------------------------------------------------------------

std::uint64_t Bbr::pacing_gain() const {
  switch (state_) {
    case State::startup: return kStartupPacingPercent;
    case State::drain: return 50;          // BBR-6
    case State::probe_bw_down: return 90;  // BBR-7
    case State::probe_bw_up: return 125;
    case State::probe_bw_cruise:
    case State::probe_bw_refill:
    case State::probe_rtt: return 100;
  }
  return 100;
}

// BBR-8.
std::uint64_t Bbr::window_gain() const {
  return state_ == State::probe_bw_up ? 225 : 200;
}

BytesPerSecond Bbr::bandwidth() const {
  return std::min(max_bw_.max(), bw_shortterm_);
}

void Bbr::set_pacing_rate(std::uint64_t gain_percent) {
  const BytesPerSecond rate = percent(percent(bandwidth(), gain_percent), kPacingPercent);
  if (rate == 0) return;
  if (has_filled_pipe_ || rate > pacing_rate_) pacing_rate_ = std::max<BytesPerSecond>(rate, mss_);
}

void Bbr::set_window(const AckEvent& event) {
  const std::uint64_t largest = with_offload_budget(std::uint64_t{bdp(bandwidth(), window_gain())} +
                                                    aggregation_.extra_bytes());  // BBR-19
  std::uint64_t window = cwnd_;
  if (has_filled_pipe_) {
    window = std::min(window + event.delivered_bytes, largest);
  } else if (window < largest || delivered_ < initial_window_) {
    window += event.delivered_bytes;
  }
  window = std::max<std::uint64_t>(window, min_pipe());
  if (state_ == State::probe_rtt) window = std::min<std::uint64_t>(window, probe_rtt_window());
  window = std::min<std::uint64_t>(window, model_bound());
  cwnd_ = static_cast<std::uint32_t>(std::min<std::uint64_t>(window, kMaxCongestionWindow));
}

std::uint32_t Bbr::bdp(BytesPerSecond rate, std::uint64_t gain_percent) const {
  if (!round_trip_.is_known()) return initial_window_;
  const std::uint64_t scaled = percent(bytes_in(rate, round_trip_.min()), gain_percent);
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(scaled, UINT32_MAX));
}

std::uint32_t Bbr::inflight(BytesPerSecond rate, std::uint64_t gain_percent) const {
  return with_offload_budget(bdp(rate, gain_percent));
}

// BBR-19: room for three super-segments, at the sender, at the receiver and between.
std::uint32_t Bbr::with_offload_budget(std::uint64_t bytes) const {
  const std::uint32_t quantum =
      std::max(std::min(bytes_in(pacing_rate_, kQuantumTime), kMaxQuantum), 2 * mss_);
  bytes = std::max<std::uint64_t>({bytes, 3 * quantum, min_pipe()});
  if (state_ == State::probe_bw_up) bytes += 2 * mss_;
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(bytes, kMaxCongestionWindow));
}

// BBR-16.
std::uint32_t Bbr::probe_rtt_window() const {
  return std::max(bdp(bandwidth(), 50), min_pipe());
}

// BBR-9: below the bound that losses taught, so that other flows find room.
std::uint32_t Bbr::headroom_bound() const {
  if (inflight_longterm_ == kNoBound) return kNoBound;
  const std::uint64_t room =
      std::max<std::uint64_t>(percent(inflight_longterm_, kHeadroomPercent), mss_);
  const std::uint64_t bound =
      inflight_longterm_ - std::min<std::uint64_t>(room, inflight_longterm_);
  return std::max(static_cast<std::uint32_t>(bound), min_pipe());
}

std::uint32_t Bbr::model_bound() const {
  std::uint32_t bound = kNoBound;
  if (state_ == State::probe_bw_cruise || state_ == State::probe_rtt) {
    bound = headroom_bound();
  } else if (is_probe_bw()) {
    bound = inflight_longterm_;
  }
  return std::max(std::min(bound, inflight_shortterm_), min_pipe());
}

std::uint32_t Bbr::min_pipe() const {
  return kMinPipeSegments * mss_;
}

}  // namespace sluice::tcp
