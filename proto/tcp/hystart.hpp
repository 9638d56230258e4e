// HyStart++ (RFC 9406): ends the initial slow start when the round trip grows, before a queue
// overflows.
//
// It works on the smallest round trip of at least eight samples a round, and on a threshold of 4 ms
// at least: at a round trip of 10 us only a standing queue of 4 ms ends slow start, never a noise
// of microseconds or a late wake-up that some samples show. Where acknowledgements cover 64 KiB
// each, a round has eight samples from a window of 512 KiB on; below, it stays silent.
#pragma once

#include <cstdint>

#include "proto/base/time.hpp"
#include "proto/tcp/congestion.hpp"

namespace sluice::tcp {

class HyStart {
 public:
  // An acknowledgement in the initial slow start. True: it is over, the window becomes the
  // threshold.
  bool on_ack(const AckEvent& event);
  // Slow start's growth, less in conservative slow start (RFC 9406 R9406-5).
  std::uint32_t limited(std::uint32_t growth_bytes) const;
  bool is_conservative() const { return conservative_rounds_ != 0; }

 private:
  void on_round_trip(Duration rtt);
  void begin_round(std::uint64_t send_sequence);

  // No round trip yet.
  static constexpr Duration kNone = Duration::nanoseconds(INT64_MAX);

  std::uint64_t round_end_ = 0;  // the round is over when this sequence is acknowledged
  Duration last_min_ = kNone;    // of the round before
  Duration current_min_ = kNone;
  Duration baseline_ = kNone;              // where conservative slow start began
  std::uint32_t samples_ = 0;              // in this round
  std::uint32_t conservative_rounds_ = 0;  // the present one included; zero: slow start
};

}  // namespace sluice::tcp
