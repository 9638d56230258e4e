// Random TCP options and headers for the identity tests.
#pragma once

#include "proto/base/rng.hpp"
#include "proto/wire/tcp.hpp"

namespace sluice::wire::sample {

// With no more SACK blocks than fit beside the others.
inline TcpOptions random_options(Rng& rng) {
  TcpOptions options;
  options.has_mss = rng.chance(0.5);
  options.has_window_scale = rng.chance(0.5);
  options.sack_permitted = rng.chance(0.5);
  options.has_timestamps = rng.chance(0.5);
  if (options.has_mss) options.mss = static_cast<std::uint16_t>(rng.next());
  if (options.has_window_scale) options.window_scale = static_cast<std::uint8_t>(rng.next());
  if (options.has_timestamps) {
    options.ts_value = static_cast<std::uint32_t>(rng.next());
    options.ts_echo = static_cast<std::uint32_t>(rng.next());
  }
  const std::size_t room = (40 - options_length(options) - 4) / 8;
  options.sack_count = static_cast<std::uint8_t>(rng.below(room + 1));
  for (std::size_t i = 0; i < options.sack_count; ++i) {
    options.sack.at(i) = {static_cast<std::uint32_t>(rng.next()),
                          static_cast<std::uint32_t>(rng.next())};
  }
  return options;
}

inline TcpHeader random_header(Rng& rng) {
  TcpHeader header;
  header.source_port = static_cast<std::uint16_t>(rng.between(1, 65'535));
  header.destination_port = static_cast<std::uint16_t>(rng.between(1, 65'535));
  header.sequence = static_cast<std::uint32_t>(rng.next());
  header.acknowledgment = static_cast<std::uint32_t>(rng.next());
  header.flags = static_cast<std::uint8_t>(rng.next());
  header.window = static_cast<std::uint16_t>(rng.next());
  header.urgent = static_cast<std::uint16_t>(rng.next());
  header.options = random_options(rng);
  return header;
}

inline bool same(const TcpOptions& a, const TcpOptions& b) {
  bool equal = a.has_mss == b.has_mss && a.has_window_scale == b.has_window_scale &&
               a.sack_permitted == b.sack_permitted && a.has_timestamps == b.has_timestamps &&
               a.sack_count == b.sack_count;
  equal = equal && (!a.has_mss || a.mss == b.mss);
  equal = equal && (!a.has_window_scale || a.window_scale == b.window_scale);
  equal = equal && (!a.has_timestamps || (a.ts_value == b.ts_value && a.ts_echo == b.ts_echo));
  for (std::size_t i = 0; equal && i < a.sack_count; ++i) equal = a.sack.at(i) == b.sack.at(i);
  return equal;
}

inline bool same(const TcpHeader& a, const TcpHeader& b) {
  return a.source_port == b.source_port && a.destination_port == b.destination_port &&
         a.sequence == b.sequence && a.acknowledgment == b.acknowledgment && a.flags == b.flags &&
         a.window == b.window && a.urgent == b.urgent && same(a.options, b.options);
}

}  // namespace sluice::wire::sample
