#include "proto/tcp/bbr_estimates.hpp"

#include <algorithm>

namespace sluice::tcp {
namespace {

__extension__ using Wide = unsigned __int128;

constexpr std::uint64_t kNsPerSecond = 1'000'000'000;
constexpr Duration kProbeInterval = Duration::seconds(5);
constexpr std::int64_t kProbeIntervalRounds = 20;
constexpr std::uint32_t kAggregationRounds = 5;

}  // namespace

BytesPerSecond rate_of(std::uint64_t bytes, Duration time) {
  const auto ns = static_cast<std::uint64_t>(time.ns());
  return static_cast<BytesPerSecond>((Wide{bytes} * kNsPerSecond + ns - 1) / ns);
}

std::uint32_t bytes_in(BytesPerSecond rate, Duration time) {
  const auto ns = static_cast<std::uint64_t>(time.ns());
  const Wide bytes = (Wide{rate} * ns + kNsPerSecond - 1) / kNsPerSecond;
  return static_cast<std::uint32_t>(std::min<Wide>(bytes, UINT32_MAX));
}

void BandwidthFilter::take(BytesPerSecond sample) {
  current_ = std::max(current_, sample);
}

void BandwidthFilter::advance() {
  if (current_ == 0) return;
  previous_ = current_;
  current_ = 0;
}

BytesPerSecond BandwidthFilter::max() const {
  return std::max(current_, previous_);
}

void RoundTripFilter::start(Instant now) {
  min_at_ = recent_at_ = now;
}

void RoundTripFilter::on_ack(Duration rtt, Instant now) {
  Duration interval = kProbeInterval;
  if (is_known()) interval = std::max(interval, min_ * kProbeIntervalRounds);
  is_probe_due_ = now > recent_at_ + interval;
  if (rtt > Duration() && (rtt < recent_ || is_probe_due_)) {
    recent_ = rtt;
    recent_at_ = now;
  }
  const bool is_stale = now > min_at_ + interval * 2;
  if (recent_ <= min_ || is_stale) {
    min_ = recent_;
    min_at_ = recent_at_;
  }
}

void AckAggregation::restart(Instant now) {
  epoch_ = now;
  delivered_ = 0;
}

void AckAggregation::on_ack(const Ack& ack) {
  if (ack.begins_round && ++rounds_ >= (ack.is_startup ? 1 : kAggregationRounds)) {
    rounds_ = 0;
    greatest_ = {0, greatest_[0]};
  }
  std::uint32_t expected = bytes_in(ack.bandwidth, ack.now - epoch_);
  if (delivered_ <= expected) {  // slower than the bandwidth: a new epoch
    restart(ack.now);
    expected = 0;
  }
  delivered_ += ack.delivered_bytes;
  const std::uint64_t extra = std::min<std::uint64_t>(delivered_ - expected, ack.window_bytes);
  greatest_[0] = std::max(greatest_[0], static_cast<std::uint32_t>(extra));
}

std::uint32_t AckAggregation::extra_bytes() const {
  return std::max(greatest_[0], greatest_[1]);
}

}  // namespace sluice::tcp
