// What a client asks of a server for one test: the first JSON document on the control connection.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

namespace sluice::perf {

enum class Protocol : std::uint8_t { tcp, udp };

// Seen from the client.
enum class Direction : std::uint8_t { forward, reverse, both };

inline constexpr std::uint32_t kMaxStreams = 128;           // each way
inline constexpr std::uint32_t kMaxBlockBytes = 1'048'576;  // of TCP
inline constexpr std::uint32_t kMinDatagramBytes = 16;
inline constexpr std::uint32_t kMaxDatagramBytes = 65'507;
inline constexpr std::uint32_t kMaxSeconds = 86'400;
inline constexpr std::uint32_t kMaxOmitSeconds = 60;
inline constexpr std::uint32_t kMaxBurst = 1'000;
inline constexpr std::uint64_t kMaxBitsPerSecond = 1'000'000'000'000'000;  // times streams fits
inline constexpr std::uint32_t kMaxSegmentBytes = 9'216;
inline constexpr std::uint32_t kMaxWindowBytes = 512 << 20;

struct Parameters {
  Protocol protocol = Protocol::tcp;
  Direction direction = Direction::forward;
  std::uint32_t streams = 1;       // each way
  std::uint32_t seconds = 10;      // 0: until `bytes` or `blocks` have passed, or for ever
  std::uint32_t omit_seconds = 0;  // before those, not counted
  std::uint64_t bytes = 0;         // 0: does not end the test
  std::uint64_t blocks = 0;        // likewise
  // 0, of UDP only: as the control connection's MSS allows, which its session fills in.
  std::uint32_t block_bytes = 131'072;
  std::uint64_t bits_per_second = 0;      // of each stream; 0: as fast as it goes
  std::uint64_t fq_bits_per_second = 0;   // likewise, below the stream's own buffer; 0: none
  std::uint32_t pacing_timer_us = 1'000;  // of the peer; ours is finer
  std::uint32_t burst = 0;                // blocks that are sent without a look at the rate
  std::uint32_t mss = 0;                  // payload of a segment; 0: as the path allows
  std::uint32_t window_bytes = 0;         // of both socket buffers; 0: they follow the path
  std::uint8_t tos = 0;
  bool nodelay = false;
  bool zerocopy = false;
  bool repeating_payload = false;  // digits instead of random bytes
  bool counters_64bit = false;     // of datagrams
  bool dont_fragment = false;
  bool wants_server_output = false;
  std::optional<std::uint32_t> server_cpu;  // which a stock server pins itself to
  std::string congestion;  // "cubic"; "cubic,bbr": one after the other over the streams; or empty
  std::string title;
  std::string extra_data;

  // What both rates leave to a stream; 0: as fast as it goes.
  std::uint64_t paced_bits_per_second() const {
    if (bits_per_second == 0 || fq_bits_per_second == 0)
      return bits_per_second + fq_bits_per_second;
    return std::min(bits_per_second, fq_bits_per_second);
  }
  bool sends_from_client() const { return direction != Direction::reverse; }
  bool sends_from_server() const { return direction != Direction::forward; }
  std::uint32_t all_streams() const { return direction == Direction::both ? 2 * streams : streams; }
};

}  // namespace sluice::perf
