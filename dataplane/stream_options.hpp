// What an application chooses for a stream before its first packet.
#pragma once

#include <cstdint>
#include <optional>

#include "proto/tcp/congestion.hpp"

namespace sluice {

// Of a buffer that is set by hand; what is asked for beyond is brought into these bounds.
inline constexpr std::uint32_t kLeastBufferBytes = 4096;
inline constexpr std::uint32_t kMostBufferBytes = 1 << 30;

// As it is, nothing differs from what the engine's Config says.
struct StreamOptions {
  // Bytes of payload and of TCP's options in a segment, ours and what is asked of the peer; at
  // least 48. 0: as the path allows.
  std::uint32_t max_segment = 0;
  // Bytes, for good. 0: they grow as the path deserves it.
  std::uint32_t receive_buffer = 0;
  std::uint32_t send_buffer = 0;
  // While so many bytes wait to be sent for the first time, send() takes no more. 0: no such mark.
  std::uint32_t unsent_low_water = 0;
  std::uint8_t traffic_class = 0;  // of IP, without the two bits of ECN: those are TCP's own
  bool nodelay = false;            // true: as Stream::set_nodelay(true)
  std::optional<tcp::Algorithm> congestion = {};
};

}  // namespace sluice
