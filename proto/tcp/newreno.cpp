#include "proto/tcp/newreno.hpp"

#include <algorithm>

namespace sluice::tcp {
namespace {

// So many segments of growth for one ACK of many: GRO and TSO peers acknowledge up to 64 KiB at
// once (RFC 9406 R9406-9 for a sender without pacing).
constexpr std::uint32_t kSlowStartLimit = 8;
constexpr std::uint32_t kMaxWindow = 1u << 30;

}  // namespace

std::uint32_t initial_window(std::uint32_t mss, std::uint32_t segments) {
  return std::min(segments * mss, std::max(2 * mss, segments * 1460));
}

void NewReno::start(std::uint32_t mss, std::uint32_t initial_window_bytes) {
  mss_ = mss;
  cwnd_ = initial_window_bytes;
}

void NewReno::set_mss(std::uint32_t mss) {
  const auto scaled = static_cast<std::uint64_t>(cwnd_) * mss / mss_;
  cwnd_ = std::max(static_cast<std::uint32_t>(std::min<std::uint64_t>(scaled, kMaxWindow)), mss);
  mss_ = mss;
}

void NewReno::on_ack(const AckSample& sample) {
  // A window that was not used says nothing about the path: it does not grow.
  const bool was_full = sample.flight_bytes + mss_ > cwnd_;
  if (in_slow_start()) {
    const bool was_half_full = sample.flight_bytes >= cwnd_ / 2;
    if (was_half_full) {
      set_window(cwnd_ + std::min(sample.acked_bytes, kSlowStartLimit * mss_));  // R5681-7
    }
  } else if (was_full) {
    acked_ += sample.acked_bytes;  // RFC 5681 R5681-8: one segment a round trip, by counting bytes
    if (acked_ >= cwnd_) {
      acked_ -= cwnd_;
      set_window(cwnd_ + mss_);
    }
  }
}

void NewReno::on_loss(std::uint32_t flight_bytes) {
  ssthresh_ = std::max(flight_bytes / 2, 2 * mss_);
  cwnd_ = ssthresh_;
  acked_ = 0;
}

void NewReno::on_timeout(std::uint32_t flight_bytes, bool first) {
  if (first) ssthresh_ = std::max(flight_bytes / 2, 2 * mss_);  // RFC 5681 R5681-9, R5681-10
  cwnd_ = mss_;                                                 // RFC 5681 R5681-11
  acked_ = 0;
}

void NewReno::on_idle(std::uint32_t initial_window_bytes) {
  cwnd_ = std::min(cwnd_, initial_window_bytes);
}

void NewReno::set_window(std::uint32_t bytes) {
  cwnd_ = std::min(bytes, kMaxWindow);
}

}  // namespace sluice::tcp
