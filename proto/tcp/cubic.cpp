#include "proto/tcp/cubic.hpp"

#include <algorithm>

namespace sluice::tcp {
namespace {

__extension__ using Wide = unsigned __int128;

// RFC 9438 R9438-8: alpha = 3 (1 - beta) / (1 + beta) = 9/17, until the old window is reached.
constexpr std::uint64_t kAlphaTop = 9;
constexpr std::uint64_t kAlphaBottom = 17;

constexpr std::uint64_t kTicksPerSecondLog2 = 20;
// Beyond 2^30 ticks (1024 s) from the plateau the curve is steeper than any path.
constexpr std::uint64_t kMaxTicks = 1u << 30;

std::uint64_t ticks(Duration t) {
  // 2^20 / 10^9 = 2048 / 1953125. The minimum keeps the product within 64 bits.
  constexpr std::int64_t kMaxNs = 1'100'000'000'000;
  return static_cast<std::uint64_t>(std::clamp<std::int64_t>(t.ns(), 0, kMaxNs)) * 2048 / 1953125;
}

std::uint64_t cube_root(Wide value) {
  std::uint64_t root = 0;
  for (std::uint64_t bit = std::uint64_t{1} << 31; bit != 0; bit >>= 1) {
    const Wide candidate = root | bit;
    if (candidate * candidate * candidate <= value) root |= bit;
  }
  return root;
}

// RFC 9438 R9438-2, R9438-3: cbrt(distance / C) with C = 0.4 segments / s^3.
std::uint64_t ticks_to_plateau(std::uint64_t distance_bytes, std::uint32_t mss) {
  const Wide cubic_ticks = (Wide{distance_bytes} * 5 << (3 * kTicksPerSecondLog2)) / (2 * mss);
  return std::min(cube_root(cubic_ticks), kMaxTicks);
}

// C t^3, in bytes.
std::uint64_t cubic_bytes(std::uint64_t t, std::uint32_t mss) {
  constexpr std::uint64_t kC = (2u << 20) / 5;  // 0.4 in 2^-20
  t = std::min(t, kMaxTicks);
  const Wide cube = Wide{t} * t * t >> (2 * kTicksPerSecondLog2);
  return static_cast<std::uint64_t>(cube * mss * kC >> (kTicksPerSecondLog2 + 20));
}

}  // namespace

// RFC 9438 R9438-1.
std::uint64_t CubicCurve::at(Duration t, std::uint32_t mss) const {
  const std::uint64_t now = ticks(t);
  if (now >= k_ticks) return origin_bytes + cubic_bytes(now - k_ticks, mss);
  const std::uint64_t below = cubic_bytes(k_ticks - now, mss);
  return origin_bytes > below ? origin_bytes - below : 0;
}

void Cubic::set_mss(std::uint32_t mss) {
  LossBased::set_mss(mss);
  curve_.has_begun = false;
}

void Cubic::on_sent(std::uint32_t bytes, std::uint32_t flight, Instant now) {
  const bool was_idle = flight <= bytes;
  if (was_idle) curve_.clock = now;  // RFC 9438 R9438-6: the silence before does not count
}

void Cubic::on_ack(const AckEvent& event) {
  const std::uint32_t delivered = take_delivered(event);
  if (event.ecn_echo) return;  // RFC 3168 R3168-5
  if (event.in_recovery && curve_.has_begun) {
    grow_reno(event.delivered_bytes, std::max<std::uint64_t>(curve_.prior_bytes, window()));
  }
  if (delivered == 0) return;
  if (in_slow_start()) {
    slow_start(delivered, event);
  } else if (!event.in_recovery) {
    avoid_congestion(delivered, event);
  }
}

void Cubic::slow_start(std::uint32_t delivered, const AckEvent& event) {
  const bool is_first = ssthresh() == UINT32_MAX;  // RFC 9406 R9406-10
  if (is_first && hystart_.on_ack(event)) {
    end_slow_start();
    return;
  }
  const std::uint32_t growth = slow_start_growth(delivered, event);
  grow_in_slow_start(is_first ? hystart_.limited(growth) : growth);
}

void Cubic::avoid_congestion(std::uint32_t delivered, const AckEvent& event) {
  if (!curve_.has_begun) begin_stage(event.now);
  const Duration since = event.now - curve_.clock;
  curve_.clock = event.now;
  if (!event.window_was_full) return;  // RFC 9438 R9438-6, R9438-12
  curve_.elapsed = curve_.elapsed + since;
  grow_reno(delivered, window());
  if (curve_.at(curve_.elapsed, mss()) < curve_.reno_bytes) {  // RFC 9438 R9438-9
    set_window(std::max(window(), static_cast<std::uint32_t>(curve_.reno_bytes)));
  } else {
    grow_towards(curve_.at(curve_.elapsed + event.smoothed_rtt, mss()), delivered);
  }
}

void Cubic::begin_stage(Instant now) {
  const std::uint64_t start = window();
  curve_.origin_bytes = std::max(curve_.origin_bytes, start);  // RFC 9438 R9438-14: K is 0 then
  curve_.k_ticks = ticks_to_plateau(curve_.origin_bytes - start, mss());
  curve_.reno_bytes = start;
  curve_.reno_credit = curve_.credit = 0;
  curve_.elapsed = Duration();
  curve_.clock = now;
  curve_.has_begun = true;
}

// RFC 9438 R9438-8, R9438-9, by counting bytes: of a window's worth in each round trip.
void Cubic::grow_reno(std::uint32_t delivered_bytes, std::uint64_t window_bytes) {
  const bool is_past_loss = curve_.reno_bytes >= curve_.prior_bytes;
  const std::uint64_t alpha = is_past_loss ? kAlphaBottom : kAlphaTop;
  const std::uint64_t divisor = kAlphaBottom * window_bytes;
  curve_.reno_credit += alpha * mss() * delivered_bytes;
  curve_.reno_bytes = std::min<std::uint64_t>(curve_.reno_bytes + curve_.reno_credit / divisor,
                                              kMaxCongestionWindow);
  curve_.reno_credit %= divisor;
}

// RFC 9438 R9438-5, R9438-7: (target - window) / window for each segment delivered.
void Cubic::grow_towards(std::uint64_t target_bytes, std::uint32_t delivered_bytes) {
  const std::uint64_t now = window();
  const std::uint64_t target = std::clamp(target_bytes, now, now + now / 2);
  curve_.credit += (target - now) * delivered_bytes;
  const std::uint64_t grown =
      std::min<std::uint64_t>(now + curve_.credit / now, kMaxCongestionWindow);
  curve_.credit %= now;
  set_window(static_cast<std::uint32_t>(grown));
}

// The window or, where less than half of it was in use, the flight (RFC 9438 R9438-10, R9438-12).
// An ACK of 64 KiB empties the flight by as much before the loss that it tells of is seen.
std::uint32_t Cubic::reduced(std::uint32_t flight) const {
  const std::uint64_t used = flight >= window() / 2 ? window() : flight;
  return static_cast<std::uint32_t>(used * 7 / 10);  // RFC 9438 R9438-4
}

void Cubic::on_congestion(std::uint32_t flight, bool /*by_ecn*/, Instant when) {
  prior_curve_ = curve_;
  const std::uint64_t now = window();
  // RFC 9438 R9438-13, fast convergence: a flow that did not get back to its plateau gives room.
  const bool is_short = now < curve_.origin_bytes;
  curve_.origin_bytes = is_short ? now * 17 / 20 : now;
  curve_.prior_bytes = now;
  reduce(reduced(flight));  // RFC 9438 R9438-10, R9438-11
  begin_stage(when);
}

void Cubic::on_timeout(std::uint32_t flight, bool first, Instant /*now*/) {
  if (first) {
    prior_curve_ = curve_;
    curve_.prior_bytes = window();
  }
  curve_.origin_bytes = 0;  // RFC 9438 R9438-14
  curve_.has_begun = false;
  collapse(reduced(flight), first);
}

// RFC 9438 R9438-15.
void Cubic::undo(Instant now) {
  if (!can_undo()) return;
  LossBased::undo(now);
  curve_ = prior_curve_;
  curve_.clock = now;
}

void Cubic::on_idle(std::uint32_t initial_window_bytes, Instant now) {
  LossBased::on_idle(initial_window_bytes, now);
  curve_.has_begun = false;
}

}  // namespace sluice::tcp
