// BBR's model of the path: rounds, bandwidth, and what losses say about both.
#include <algorithm>

#include "proto/tcp/bbr.hpp"

namespace sluice::tcp {
namespace {

constexpr std::uint64_t kBetaPercent = 70;            // BBR-12, BBR-13
constexpr std::uint64_t kLossThresholdPercent = 2;    // BBR-5, BBR-12
constexpr std::uint32_t kStartupLossEvents = 6;       // BBR-5
constexpr std::uint64_t kFullBandwidthPercent = 125;  // BBR-4
constexpr std::uint32_t kFullBandwidthRounds = 3;     // BBR-4
constexpr std::uint32_t kMaxProbeUpRounds = 30;

}  // namespace

Bbr::Ack Bbr::make_ack(const AckEvent& event) {
  Ack ack{.event = event};
  delivered_ = event.total_delivered;
  is_window_full_ = is_window_full_ || event.window_was_full;
  ack.is_held_by_bound = (is_window_full_ || was_window_full_) && cwnd_ >= inflight_longterm_;
  const RateSample& rate = event.rate;
  if (rate.interval <= Duration() || rate.delivered_bytes == 0) return ack;
  ack.bandwidth = rate_of(rate.delivered_bytes, rate.interval);
  ack.is_app_limited = rate.is_app_limited || rate.prior_delivered < app_limited_until_;
  if (rate.prior_delivered >= next_round_delivered_) {
    start_round();
    ++rounds_since_probe_;
    ack.begins_round = true;
    was_window_full_ = is_window_full_;
    is_window_full_ = false;
  }
  return ack;
}

// --- the last round's deliveries ----------------------------------------------------------------

void Bbr::take_latest_delivery(Ack& ack) {
  if (ack.bandwidth == 0) return;
  bw_latest_ = std::max(bw_latest_, ack.bandwidth);
  inflight_latest_ = std::max(inflight_latest_, ack.event.rate.delivered_bytes);
  if (ack.event.rate.prior_delivered >= loss_round_delivered_) {
    loss_round_delivered_ = delivered_;
    ack.begins_loss_round = true;
  }
}

void Bbr::forget_latest_delivery(const Ack& ack) {
  if (!ack.begins_loss_round) return;
  bw_latest_ = ack.bandwidth;
  inflight_latest_ = ack.event.rate.delivered_bytes;
}

void Bbr::take_aggregation(const Ack& ack) {
  if (ack.bandwidth == 0) return;
  aggregation_.on_ack({.now = ack.event.now,
                       .delivered_bytes = ack.event.delivered_bytes,
                       .bandwidth = bandwidth(),
                       .window_bytes = cwnd_,
                       .begins_round = ack.begins_round,
                       .is_startup = !has_filled_pipe_});
}

// --- bounds that last until the next probe ------------------------------------------------------

void Bbr::note_loss(std::uint32_t bytes) {
  remember();
  if (lost_in_round_ == 0) loss_round_delivered_ = delivered_;
  lost_in_round_ += bytes;
}

// More than the threshold by two standard deviations of a random loss at the threshold: in a flight
// of 170 segments eight losses, not four.
bool Bbr::is_too_much_loss(std::uint64_t lost_bytes, std::uint64_t of_bytes) const {
  const std::uint64_t threshold = percent(of_bytes, kLossThresholdPercent);
  if (lost_bytes <= threshold) return false;
  const std::uint64_t excess = std::min<std::uint64_t>(lost_bytes - threshold, UINT32_MAX);
  return excess * excess > 4 * threshold * mss_;
}

void Bbr::take_congestion_signals(const Ack& ack) {
  if (ack.bandwidth == 0) return;
  if (!ack.is_app_limited || ack.bandwidth >= max_bw_.max()) max_bw_.take(ack.bandwidth);
  if (!ack.begins_loss_round) return;
  if (!is_probing_bandwidth() &&
      is_too_much_loss(lost_in_round_, lost_in_round_ + inflight_latest_)) {
    lower_shortterm_bounds();
  }
  lost_in_round_ = 0;
}

// BBR-13: by beta a round, but never below what the path has just delivered.
void Bbr::lower_shortterm_bounds() {
  if (bw_shortterm_ == kNoRateBound) bw_shortterm_ = max_bw_.max();
  if (inflight_shortterm_ == kNoBound) inflight_shortterm_ = cwnd_;
  bw_shortterm_ = std::max(bw_latest_, percent(bw_shortterm_, kBetaPercent));
  const std::uint64_t lowered = percent(inflight_shortterm_, kBetaPercent);
  inflight_shortterm_ = static_cast<std::uint32_t>(
      std::min<std::uint64_t>(std::max(inflight_latest_, lowered), kMaxCongestionWindow));
}

void Bbr::reset_shortterm_bounds() {
  bw_shortterm_ = kNoRateBound;
  inflight_shortterm_ = kNoBound;
}

void Bbr::reset_congestion_signals() {
  lost_in_round_ = 0;
  bw_latest_ = 0;
  inflight_latest_ = 0;
}

// --- is the pipe full? --------------------------------------------------------------------------

// BBR-5. Losses are counted by acknowledgement, so that one burst of them is not enough.
void Bbr::check_startup_loss(const Ack& ack) {
  if (has_filled_pipe_) return;
  if (ack.event.lost_bytes != 0) ++loss_events_in_round_;
  if (!ack.begins_loss_round) return;
  const bool is_too_high = ack.event.in_recovery && loss_events_in_round_ >= kStartupLossEvents &&
                           is_too_much_loss(ack.event.rate.lost_bytes, ack.event.rate.tx_in_flight);
  loss_events_in_round_ = 0;
  if (is_too_high) leave_startup_by_loss();
}

void Bbr::leave_startup_by_loss() {
  has_filled_pipe_ = true;
  const std::uint64_t held = std::min<std::uint64_t>(inflight_latest_, kMaxCongestionWindow);
  inflight_longterm_ = std::max(inflight(max_bw_.max(), 100), static_cast<std::uint32_t>(held));
}

void Bbr::check_full_bandwidth(const Ack& ack) {
  if (is_bw_full_ || ack.is_app_limited || ack.bandwidth == 0) return;
  if (ack.bandwidth >= percent(full_bw_, kFullBandwidthPercent)) {
    reset_full_bandwidth(ack.bandwidth);
    return;
  }
  if (!ack.begins_round) return;
  ++full_bw_rounds_;
  is_bw_full_ = full_bw_rounds_ >= kFullBandwidthRounds;
  has_filled_pipe_ = has_filled_pipe_ || is_bw_full_;
}

void Bbr::reset_full_bandwidth(BytesPerSecond bandwidth) {
  full_bw_ = bandwidth;
  full_bw_rounds_ = 0;
  is_bw_full_ = false;
}

// --- the bound that lasts -----------------------------------------------------------------------

void Bbr::adapt_longterm_bound(const Ack& ack) {
  if (ack.begins_round && ack_phase_ == AckPhase::probe_starting) ack_phase_ = AckPhase::feedback;
  if (ack.begins_round && ack_phase_ == AckPhase::probe_stopping) {
    // The last samples of a probe are in: those of the probe before the last are forgotten.
    has_probe_samples_ = false;
    ack_phase_ = AckPhase::none;
    if (is_probe_bw() && !ack.is_app_limited) max_bw_.advance();
  }
  if (ack.bandwidth == 0) return;
  const RateSample& rate = ack.event.rate;
  if (is_too_much_loss(rate.lost_bytes, rate.tx_in_flight)) {
    if (has_probe_samples_) {
      on_inflight_too_high(rate.tx_in_flight, ack.is_app_limited, ack.event.now);
    }
  } else if (inflight_longterm_ != kNoBound) {
    inflight_longterm_ = std::max(inflight_longterm_, rate.tx_in_flight);
    if (state_ == State::probe_bw_up) raise_longterm_bound(ack);
  }
}

// BBR-12, once a probe.
void Bbr::on_inflight_too_high(std::uint32_t tx_in_flight, bool is_app_limited, Instant now) {
  has_probe_samples_ = false;
  if (!is_app_limited) {
    const std::uint64_t target = std::min(inflight(bandwidth(), 100), cwnd_);
    inflight_longterm_ =
        std::max(tx_in_flight, static_cast<std::uint32_t>(percent(target, kBetaPercent)));
  }
  if (state_ == State::probe_bw_up) start_down(now);
}

// The bound grows by a segment in the first round of a probe, by two in the next, by four ...
void Bbr::raise_longterm_bound(const Ack& ack) {
  if (!ack.is_held_by_bound) return;
  probe_up_credit_ += probe_up_growth_ * ack.event.delivered_bytes;
  const std::uint64_t raised = inflight_longterm_ + probe_up_credit_ / cwnd_;
  probe_up_credit_ %= cwnd_;
  inflight_longterm_ =
      static_cast<std::uint32_t>(std::min<std::uint64_t>(raised, kMaxCongestionWindow));
  if (ack.begins_round) steepen_probe();
}

void Bbr::steepen_probe() {
  const std::uint64_t growth = std::uint64_t{mss_} << probe_up_rounds_;
  probe_up_growth_ = std::min<std::uint64_t>(growth, cwnd_);
  probe_up_rounds_ = std::min(probe_up_rounds_ + 1, kMaxProbeUpRounds);
}

// --- before a loss that was none ----------------------------------------------------------------

void Bbr::remember() {
  if (lost_in_round_ != 0 || in_recovery_) return;
  undo_ = {.is_known = true,
           .state = state_,
           .bw_shortterm = bw_shortterm_,
           .inflight_shortterm = inflight_shortterm_,
           .inflight_longterm = inflight_longterm_};
}

void Bbr::undo(Instant now) {
  in_recovery_ = false;
  if (!undo_.is_known) return;
  undo_.is_known = false;
  cwnd_ = std::max(cwnd_, prior_cwnd_);
  lost_in_round_ = 0;
  reset_full_bandwidth(0);
  bw_shortterm_ = std::max(bw_shortterm_, undo_.bw_shortterm);
  inflight_shortterm_ = std::max(inflight_shortterm_, undo_.inflight_shortterm);
  inflight_longterm_ = std::max(inflight_longterm_, undo_.inflight_longterm);
  if (state_ == State::probe_rtt || state_ == undo_.state) return;
  if (undo_.state == State::startup) enter_startup();
  if (undo_.state == State::probe_bw_up) start_up(0, now);
}

}  // namespace sluice::tcp
