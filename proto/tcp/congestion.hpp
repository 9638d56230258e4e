// What a congestion control is told, and what it answers: cwnd and ssthresh, in bytes.
//
// One algorithm a file. NewReno (RFC 5681) is the one that exists; a connection holds it by value.
#pragma once

#include <cstdint>

#include "proto/base/time.hpp"

namespace sluice::tcp {

// New data was acknowledged outside of loss recovery.
struct AckSample {
  std::uint32_t acked_bytes = 0;
  std::uint32_t flight_bytes = 0;  // outstanding before this ACK
  Instant now;
};

// RFC 6928: min(10 MSS, max(2 MSS, 14600)), with the number of segments configurable.
std::uint32_t initial_window(std::uint32_t mss, std::uint32_t segments);

}  // namespace sluice::tcp
