#include "proto/tcp/loss_based.hpp"

#include <algorithm>
#include <utility>

namespace sluice::tcp {
namespace {

// Growth for one ACK. GRO and TSO peers, and those whose reader wakes late, acknowledge 64 KiB at
// once and more: with the 8 segments of RFC 9406 R9406-9 slow start would be linear beyond 64
// segments, where Linux' doubles.
constexpr std::uint32_t kSlowStartLimit = 65'536;  // bytes

}  // namespace

void LossBased::start(std::uint32_t mss, std::uint32_t initial_window_bytes, Instant /*now*/) {
  mss_ = mss;
  cwnd_ = initial_window_bytes;
}

void LossBased::set_mss(std::uint32_t mss) {
  const auto scaled = static_cast<std::uint64_t>(cwnd_) * mss / mss_;
  mss_ = mss;
  set_window(static_cast<std::uint32_t>(std::min<std::uint64_t>(scaled, kMaxCongestionWindow)));
}

void LossBased::set_window(std::uint32_t bytes) {
  cwnd_ = std::clamp(bytes, mss_, kMaxCongestionWindow);
}

std::uint32_t LossBased::take_delivered(const AckEvent& event) {
  if (event.in_recovery || event.as_linux) {
    sacked_ = 0;
    return event.acked_bytes > 0 || event.takes_sacks ? event.delivered_bytes : 0;
  }
  sacked_ += event.delivered_bytes;
  return event.acked_bytes > 0 ? std::exchange(sacked_, 0) : 0;
}

std::uint32_t LossBased::slow_start_growth(std::uint32_t delivered_bytes,
                                           const AckEvent& event) const {
  const bool was_half_full = !event.as_linux && event.flight_before >= cwnd_ / 2;
  if (!event.window_was_full && !was_half_full) return 0;  // RFC 7661 validates this much
  return std::min(delivered_bytes, kSlowStartLimit);
}

void LossBased::grow_in_slow_start(std::uint32_t bytes) {
  set_window(std::min(cwnd_ + bytes, ssthresh_));
}

void LossBased::reduce(std::uint32_t target) {
  remember();
  ssthresh_ = std::max(target, 2 * mss_);
  cwnd_ = ssthresh_;
}

void LossBased::collapse(std::uint32_t target, bool first) {
  if (first) {
    remember();
    ssthresh_ = std::max(target, 2 * mss_);
  }
  cwnd_ = mss_;
}

void LossBased::remember() {
  sacked_ = 0;
  prior_cwnd_ = cwnd_;
  prior_ssthresh_ = ssthresh_;
}

void LossBased::undo(Instant /*now*/) {
  cwnd_ = std::max(cwnd_, prior_cwnd_);
  ssthresh_ = std::max(ssthresh_, prior_ssthresh_);
  prior_cwnd_ = prior_ssthresh_ = 0;
}

// RFC 2861 3.2: the window is forgotten, but where it stood is remembered as the threshold.
void LossBased::on_idle(std::uint32_t initial_window_bytes, Instant /*now*/) {
  if (cwnd_ <= initial_window_bytes) return;
  ssthresh_ = std::max(ssthresh_, cwnd_ / 4 * 3);
  cwnd_ = initial_window_bytes;  // RFC 5681 R5681-17
}

}  // namespace sluice::tcp
