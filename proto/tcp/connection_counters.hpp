// What a connection has done so far.
#pragma once

#include <cstdint>

#include "proto/tcp/constants.hpp"

namespace sluice::tcp {

// Counts of one connection, for statistics.
struct ConnectionCounters {
  std::uint64_t segments_in = 0;
  std::uint64_t segments_out = 0;      // super-segments count their pieces
  std::uint64_t data_segments_in = 0;  // likewise
  std::uint64_t data_segments_out = 0;
  std::uint64_t bytes_received = 0;  // in order
  std::uint64_t bytes_acked = 0;     // by the peer
  std::uint64_t retransmitted = 0;   // segments
  std::uint64_t bytes_retransmitted = 0;
  std::uint32_t timeouts = 0;             // retransmission timer
  std::uint32_t fast_retransmits = 0;     // entries into fast recovery
  std::uint32_t tail_probes = 0;          // sent (RFC 8985)
  std::uint32_t gaps_forgotten = 0;       // what lay beyond a gap was given up for want of memory
  std::uint32_t undone = 0;               // recoveries that turned out to be needless
  std::uint32_t duplicates_reported = 0;  // by the peer: D-SACK
  std::uint32_t reorderings = 0;          // ACKs that told of text being overtaken
  std::uint32_t reordering = kDupThresh;  // by so many segments at most; no less than that
  std::uint32_t beyond_gap = 0;           // segments that came so
};

}  // namespace sluice::tcp
