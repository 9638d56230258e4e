// What the algorithms that take a loss as the sign of a full path have in common: a window, a slow
// start threshold, and what both were before the last reduction. NewReno and CUBIC derive from it.
#pragma once

#include <cstdint>

#include "proto/tcp/congestion.hpp"

namespace sluice::tcp {

// Bytes throughout; mss is the payload of a full segment.
class LossBased : public CongestionControl {
 public:
  void start(std::uint32_t mss, std::uint32_t initial_window_bytes, Instant now) override;
  void set_mss(std::uint32_t mss) override;
  void on_recovery_end(Instant /*now*/) override {}
  void undo(Instant now) override;
  void on_idle(std::uint32_t initial_window_bytes, Instant now) override;
  std::uint32_t window() const override { return cwnd_; }
  std::uint32_t ssthresh() const override { return ssthresh_; }

 protected:
  std::uint32_t mss() const { return mss_; }
  void set_window(std::uint32_t bytes);
  // What an acknowledgement has delivered that the window may grow for: nothing while SND.UNA
  // stands (RFC 5681 R5681-14). What SACK reported meanwhile counts once the gap is filled without
  // a loss: the path has only changed the order.
  std::uint32_t take_delivered(const AckEvent& event);
  // Slow start's bytes of growth for so many (RFC 5681 R5681-7, RFC 9406 R9406-3); none if the
  // window was not used: it says nothing about the path then.
  std::uint32_t slow_start_growth(std::uint32_t delivered_bytes, const AckEvent& event) const;
  // Adds to the window, up to the threshold.
  void grow_in_slow_start(std::uint32_t bytes);
  // A congestion: both become `target`, but two segments at least.
  void reduce(std::uint32_t target);
  // The retransmission timer: one segment (RFC 5681 R5681-11), and slow start up to `target` unless
  // the segment had timed out before (RFC 5681 R5681-10).
  void collapse(std::uint32_t target, bool first);
  // The initial slow start ends without a loss.
  void end_slow_start() { ssthresh_ = cwnd_; }
  // A reduction has happened since the start or the last undo.
  bool can_undo() const { return prior_cwnd_ != 0; }

 private:
  void remember();

  std::uint32_t mss_ = 0;
  std::uint32_t cwnd_ = 0;
  std::uint32_t ssthresh_ = UINT32_MAX;  // RFC 5681 R5681-4: arbitrarily high
  std::uint32_t prior_cwnd_ = 0;         // before the last reduction; zero: nothing to undo
  std::uint32_t prior_ssthresh_ = 0;
  std::uint32_t sacked_ = 0;  // delivered since SND.UNA last moved, outside of recovery
};

}  // namespace sluice::tcp
