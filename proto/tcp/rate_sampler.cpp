#include "proto/tcp/rate_sampler.hpp"

#include <algorithm>

namespace sluice::tcp {

SendStamp RateSampler::stamp(std::uint32_t bytes, std::uint32_t flight, Instant now) {
  if (flight == 0) first_sent_at_ = delivered_at_ = now;  // no interval spans an idle time
  SendStamp stamp;
  stamp.sent_at = now;
  stamp.first_sent_at = first_sent_at_;
  stamp.delivered_at = delivered_at_;
  stamp.delivered = delivered_;
  stamp.lost = lost_;
  stamp.flight = flight + bytes;
  stamp.is_app_limited = app_limited_until_ != 0;
  return stamp;
}

void RateSampler::on_app_limited(std::uint32_t flight) {
  app_limited_until_ = std::max<std::uint64_t>(delivered_ + flight, 1);
}

RateSample RateSampler::on_delivered(std::uint32_t bytes, const SendStamp* newest, Duration min_rtt,
                                     Instant now) {
  RateSample sample;
  delivered_ += bytes;
  if (bytes > 0) delivered_at_ = now;
  if (app_limited_until_ != 0 && delivered_ > app_limited_until_) app_limited_until_ = 0;
  if (newest == nullptr) return sample;
  sample.delivered_bytes = delivered_ - newest->delivered;
  sample.prior_delivered = newest->delivered;
  sample.lost_bytes = static_cast<std::uint32_t>(lost_ - newest->lost);
  sample.tx_in_flight = newest->flight;
  sample.is_app_limited = newest->is_app_limited;
  const Duration sending = newest->sent_at - newest->first_sent_at;
  const Duration arriving = now - newest->delivered_at;
  first_sent_at_ = newest->sent_at;
  // Below the shortest round trip the two ends of the interval are not of this flight.
  const Duration interval = std::max(sending, arriving);
  if (interval < min_rtt || interval <= Duration()) return sample;
  sample.interval = interval;
  if (!sample.is_app_limited || is_faster(sample)) {
    last_bytes_ = sample.delivered_bytes;
    last_interval_ = interval;
  }
  return sample;
}

// Than what was measured last, if anything was.
bool RateSampler::is_faster(const RateSample& sample) const {
  const auto product = [](std::uint64_t bytes, Duration interval) {
    return static_cast<double>(bytes) * static_cast<double>(interval.ns());
  };
  return product(sample.delivered_bytes, last_interval_) >= product(last_bytes_, sample.interval);
}

std::uint64_t RateSampler::last_rate() const {
  if (last_interval_ == Duration()) return 0;
  return last_bytes_ * 1'000'000'000 / static_cast<std::uint64_t>(last_interval_.ns());
}

}  // namespace sluice::tcp
