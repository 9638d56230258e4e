// CUBIC (RFC 9438), with HyStart++ in its first slow start.
//
// All in integers: the same seed gives the same packets with every compiler and processor, which a
// cube root of libm and fused multiplications of doubles do not promise. Windows are bytes, times
// on the curve are ticks of 2^-20 s.
#pragma once

#include <cstdint>
#include <string_view>

#include "proto/base/time.hpp"
#include "proto/tcp/hystart.hpp"
#include "proto/tcp/loss_based.hpp"

namespace sluice::tcp {

// What one stage of congestion avoidance follows (RFC 9438 4.2, 4.3).
struct CubicCurve {
  std::uint64_t origin_bytes = 0;  // Wmax, the plateau; zero: where the stage begins
  std::uint64_t prior_bytes = 0;   // the window before the last reduction (cwnd_prior)
  std::uint64_t reno_bytes = 0;    // W_est: the window that Reno would have
  std::uint64_t reno_credit = 0;   // growth of it below one byte
  std::uint64_t credit = 0;        // growth of the window below one byte
  std::uint64_t k_ticks = 0;       // from the stage's beginning to the plateau
  Duration elapsed;                // time with a full window in this stage (RFC 9438 R9438-6)
  Instant clock;                   // when `elapsed` was last brought up to date
  bool has_begun = false;

  // W(t) for an MSS of so many bytes, zero at least.
  std::uint64_t at(Duration t, std::uint32_t mss) const;
};

class Cubic final : public LossBased {
 public:
  std::string_view name() const override { return "cubic"; }
  void set_mss(std::uint32_t mss) override;
  void on_sent(std::uint32_t bytes, std::uint32_t flight, Instant now) override;
  void on_ack(const AckEvent& event) override;
  void on_congestion(std::uint32_t flight, bool by_ecn, Instant now) override;
  void on_timeout(std::uint32_t flight, bool first, Instant now) override;
  void undo(Instant now) override;
  void on_idle(std::uint32_t initial_window_bytes, Instant now) override;

  const CubicCurve& curve() const { return curve_; }

 private:
  // `delivered` bytes that the window may grow for.
  void slow_start(std::uint32_t delivered, const AckEvent& event);
  void avoid_congestion(std::uint32_t delivered, const AckEvent& event);
  void begin_stage(Instant now);
  void grow_reno(std::uint32_t delivered_bytes, std::uint64_t window_bytes);
  void grow_towards(std::uint64_t target_bytes, std::uint32_t delivered_bytes);

  std::uint32_t reduced(std::uint32_t flight) const;

  HyStart hystart_;
  CubicCurve curve_;
  CubicCurve prior_curve_;  // before the last reduction, for undo
};

}  // namespace sluice::tcp
