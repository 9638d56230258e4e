// What textbooks expect of a congestion control on a path.
#pragma once

#include <algorithm>
#include <cmath>

#include "proto/tcp/congestion.hpp"

namespace sluice::sim {

// The window of Reno, in segments, when one in 1/p segments is lost (Mathis and others, 1997).
inline double reno_window(double p) {
  return 1.22 / std::sqrt(p);
}

// CUBIC's, for a round trip in seconds (RFC 9438 5.1), or Reno's where that is larger.
inline double cubic_window(double p, double round_trip) {
  constexpr double kC = 0.4;
  constexpr double kBeta = 0.7;
  const double factor = std::pow(kC * (3 + kBeta) / (4 * (1 - kBeta)), 0.25);
  return std::max(factor * std::pow(round_trip, 0.75) / std::pow(p, 0.75), reno_window(p));
}

// How much of a rate the saw tooth of a window uses: from `beta` of its greatest height, a queue of
// so many bandwidth-delay products above the path's own, up to it, as fast as round trips allow.
inline double saw_tooth_share(double queue, double beta) {
  const double low = beta * (1 + queue);
  if (low >= 1) return 1;
  const double below = 1 - low;  // time, in units of round trip and growth
  const double above = ((1 + queue) * (1 + queue) - 1) / 2;  // the round trip grows with the window
  const double carried_below = (1 - low * low) / 2;
  return (carried_below + above) / (below + above);
}

// From connect() to the last byte, without losses: a round trip for the handshake, one for each
// round of slow start that leaves the path idle, the rate for the rest, and half a round trip.
inline double slow_start_seconds(double bytes, double round_trip, double rate_bits) {
  constexpr double kMss = 1448;
  constexpr double kWire = 1500.0 / kMss;
  const double rate = rate_bits / 8 / kWire;
  double time = round_trip * 1.5;
  double window = 10 * kMss;
  while (bytes > window && window < rate * round_trip) {
    time += round_trip;
    bytes -= window;
    window *= 2;
  }
  return time + bytes / rate;
}

}  // namespace sluice::sim
