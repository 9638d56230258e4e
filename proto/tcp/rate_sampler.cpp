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
  const std::uint64_t rate =
      sample.delivered_bytes * 1'000'000'000 / static_cast<std::uint64_t>(interval.ns());
  if (!sample.is_app_limited || rate > last_rate_) last_rate_ = rate;
  return sample;
}

}  // namespace sluice::tcp
