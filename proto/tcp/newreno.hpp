// Slow start and congestion avoidance of RFC 5681, with byte counting.
#pragma once

#include <cstdint>

#include "proto/tcp/congestion.hpp"

namespace sluice::tcp {

// Bytes throughout; mss is the payload of a full segment.
class NewReno {
 public:
  void start(std::uint32_t mss, std::uint32_t initial_window_bytes);
  // The path's MSS has changed (RFC 5681 R5681-5).
  void set_mss(std::uint32_t mss);

  void on_ack(const AckSample& sample);
  // A loss was found by duplicate ACKs; `flight_bytes` were outstanding. Sets ssthresh and cwnd to
  // half the flight (RFC 5681 R5681-9).
  void on_loss(std::uint32_t flight_bytes);
  // The retransmission timer fired; `first` for a segment that it had not resent before.
  void on_timeout(std::uint32_t flight_bytes, bool first);
  // Nothing was sent for longer than one RTO (RFC 5681 R5681-17).
  void on_idle(std::uint32_t initial_window_bytes);

  std::uint32_t window() const { return cwnd_; }
  std::uint32_t ssthresh() const { return ssthresh_; }
  bool in_slow_start() const { return cwnd_ < ssthresh_; }
  // Recovery inflates and deflates the window (RFC 6582).
  void set_window(std::uint32_t bytes);

 private:
  std::uint32_t mss_ = 0;
  std::uint32_t cwnd_ = 0;
  std::uint32_t ssthresh_ = UINT32_MAX;  // RFC 5681 R5681-4: arbitrarily high
  std::uint32_t acked_ = 0;              // bytes since the last growth in congestion avoidance
};

}  // namespace sluice::tcp
