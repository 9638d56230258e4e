// How large a receive buffer the path and the application deserve: dynamic right-sizing (Fisk and
// Feng 2001), much as Linux does it.
//
// What the application takes in a round trip is what the sender brings in one, unless the window
// holds it back: the buffer is to hold twice that, and more while it rises. Whoever reads little,
// or is sent little, keeps what he has. It never shrinks.
#pragma once

#include <cstdint>

#include "proto/base/time.hpp"

namespace sluice::tcp {

class ReceiveAutotuning {
 public:
  // From `start_bytes` up to `limit_bytes`, which is not less.
  void start(std::uint32_t start_bytes, std::uint32_t limit_bytes, Instant now);

  // From now on it is of this size.
  void fix(std::uint32_t bytes) { buffer_bytes_ = limit_bytes_ = bytes; }

  // Bytes that the buffer may hold, now.
  std::uint32_t buffer_bytes() const { return buffer_bytes_; }

  // What the application took in the last round trip.
  std::uint64_t per_round_trip() const { return last_taken_; }

  // The application has taken `bytes` more.
  void on_taken(std::uint32_t bytes) { taken_ += bytes; }

  // The peer echoes what we had sent `elapsed` before (RFC 7323): a round trip, and what it waited.
  void on_echo(Duration elapsed);

  // Text came in order. `known_rtt` is what the sender in us has measured, zero for nothing. Ends
  // the round if it has lasted for a round trip, and grows if that is allowed.
  void on_text(Duration known_rtt, bool may_grow, Instant now);

  // A receiver's idea of the round trip.
  Duration round_trip(Duration known_rtt) const;

 private:
  void grow(std::uint64_t per_round_trip, bool may_grow);

  std::uint32_t buffer_bytes_ = 0;
  std::uint32_t limit_bytes_ = 0;
  std::uint64_t taken_ = 0;       // by the application in this round
  std::uint64_t last_taken_ = 0;  // in the round before, made out to a round trip
  Instant round_began_;
  Duration echo_rtt_;       // zero: none yet
  Duration shortest_echo_;  // of this round; zero: none
};

}  // namespace sluice::tcp
