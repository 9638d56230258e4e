#include "tools/sluice/perf/tcp_view.hpp"

#include <algorithm>
#include <utility>

namespace sluice::perf {
namespace {

std::uint32_t microseconds(Duration duration) {
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(duration.us(), 0, UINT32_MAX));
}

}  // namespace

void TcpView::sample(const Stream& stream) {
  const StreamStats stats = stream.stats();
  extremes_.max_congestion_window =
      std::max(extremes_.max_congestion_window, stats.congestion_window);
  const std::uint32_t rtt = microseconds(Duration::microseconds(stats.smoothed_rtt_us));
  if (rtt == 0) return;
  rtts_.add(rtt);
  extremes_.min_rtt_us = rtt_samples_ == 0 ? rtt : std::min(extremes_.min_rtt_us, rtt);
  extremes_.max_rtt_us = std::max(extremes_.max_rtt_us, rtt);
  ++rtt_samples_;
  rtt_sum_ += rtt;
}

void TcpView::look(const Stream& stream) {
  if (rtt_samples_ == 0) sample(stream);
  const tcp::Snapshot now = stream.snapshot();
  facts_.retransmits = now.total_retrans;
  facts_.congestion_window = stream.stats().congestion_window;
  facts_.send_window = now.snd_wnd;
  facts_.rtt_us = microseconds(now.rtt);
  facts_.rtt_variation_us = microseconds(now.rttvar);
  facts_.path_mtu = now.pmtu;
  extremes_.max_send_window = std::max(extremes_.max_send_window, now.snd_wnd);
}

RttHistogram TcpView::take_rtts() {
  return std::exchange(rtts_, RttHistogram());
}

EndFacts::Extremes TcpView::extremes() const {
  EndFacts::Extremes extremes = extremes_;
  if (rtt_samples_ > 0) {
    extremes.mean_rtt_us = static_cast<std::uint32_t>(rtt_sum_ / rtt_samples_);
  }
  return extremes;
}

}  // namespace sluice::perf
