// TCP options: MSS (RFC 9293 3.2), window scale and timestamps (RFC 7323), SACK (RFC 2018).
#pragma once

#include <array>
#include <cstdint>

#include "proto/base/bytes.hpp"

namespace sluice::wire {

inline constexpr std::size_t kMaxSackBlocks = 4;

struct SackBlock {
  std::uint32_t left = 0;   // first sequence number of the block
  std::uint32_t right = 0;  // the one behind its last

  bool operator==(const SackBlock&) const = default;
};

struct TcpOptions {
  bool has_mss = false;
  bool has_window_scale = false;
  bool sack_permitted = false;
  bool has_timestamps = false;
  std::uint8_t window_scale = 0;  // as received; RFC 7323 2.3 takes more than 14 as 14
  std::uint8_t sack_count = 0;    // blocks in `sack`
  std::uint16_t mss = 0;
  std::uint32_t ts_value = 0;
  std::uint32_t ts_echo = 0;
  std::array<SackBlock, kMaxSackBlocks> sack;  // only the first sack_count are set
};

// Reads the options of a header (what follows its first 20 bytes). Unknown kinds are skipped by
// their length (RFC 9293 MUST-6); false for a length below 2 or beyond the header (MUST-7). An
// option of a known kind with a wrong length is ignored. Of a repeated option the last counts.
bool parse_tcp_options(Bytes bytes, TcpOptions& options);

// Bytes that build_tcp_options writes: a multiple of 4, 0 to 40. At most as many SACK blocks as
// fit are counted (3 beside timestamps).
std::size_t options_length(const TcpOptions& options);

// In the order Linux uses: SYN: mss, sackOK, timestamps, nop, wscale; else: nop nop timestamps,
// nop nop sack. Padded with NOP; returns options_length(options).
std::size_t build_tcp_options(MutableBytes out, const TcpOptions& options);

}  // namespace sluice::wire
