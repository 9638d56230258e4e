// The numbers of TCP, and which of them a user may set.
#pragma once

#include <cstdint>
#include <optional>

#include "proto/base/time.hpp"
#include "proto/tcp/congestion.hpp"

namespace sluice::tcp {

inline constexpr std::uint32_t kDefaultMssV4 = 536;   // RFC 9293 MUST-15
inline constexpr std::uint32_t kDefaultMssV6 = 1220;  // RFC 9293 MUST-15
inline constexpr std::uint32_t kMinSendMss = 48;      // below, a peer's MSS option is an attack
inline constexpr std::uint32_t kDupThresh = 3;        // RFC 5681 3.2
inline constexpr std::uint8_t kMaxWindowScale = 14;   // RFC 7323 R7323-2
inline constexpr std::uint32_t kHeadersV4 = 40;       // bytes of IP and TCP, without options
inline constexpr std::uint32_t kHeadersV6 = 60;
inline constexpr std::uint32_t kUnscaledWindow = 65'535;  // the largest without scaling
inline constexpr std::uint32_t kTimestampsLength = 12;    // NOP NOP and the option
inline constexpr std::uint32_t kMaxSegmentPieces = 18;    // pieces of payload in one segment
// The longest that a peer usually delays the ACK of a single segment.
inline constexpr Duration kMaxAckDelay = Duration::milliseconds(200);
// RFC 7323 R7323-20: TS.Recent of a connection that was silent for so long proves nothing.
inline constexpr Duration kTimestampValidity = Duration::seconds(24 * 24 * 3600);
// Who is overtaken on the way arrives so much later at most. No sequence space wraps in this time.
inline constexpr Duration kMaxOvertaken = Duration::milliseconds(100);
// RFC 9293 R9293-3 (4): how long less than a segment may be held back for a larger window.
inline constexpr Duration kOverrideTimeout = Duration::milliseconds(200);

// Memory is never so short that a connection may not offer a few segments of window, for which the
// reserve is there, and hold a few references to what it is to send.
inline constexpr std::uint32_t kLeastWindowSegments = 4;
inline constexpr std::uint32_t kLeastSendRoom = 65'536;  // bytes

// The most that a low-water mark of unsent bytes is passed by.
inline constexpr std::uint32_t kLargestBurst = 65'535;  // bytes

// After memory ran short with nothing in flight: no acknowledgement will bring it back.
inline constexpr Duration kMemoryRetry = Duration::milliseconds(10);

// RFC 3168: not at all; when the peer asks for it; or ask ourselves.
enum class Ecn : std::uint8_t { off, accept, ask };

// What one engine's connections have in common. Durations are positive.
struct Settings {
  // Buffers grow as path and application need it, from where they start up to this; 4 KiB to 1 GiB.
  // One that starts at its limit, or beyond, is of that size for good.
  std::uint32_t receive_buffer_bytes = 32 << 20;        // largest window offered
  std::uint32_t send_buffer_bytes = 32 << 20;           // unacknowledged and unsent
  std::uint32_t initial_receive_buffer_bytes = 65'535;  // what a SYN can offer
  std::uint32_t initial_send_buffer_bytes = 1 << 20;
  bool autotune_receive = true;  // false: each buffer stays as it started
  bool autotune_send = true;
  std::uint32_t initial_receive_window = 0;    // bytes offered with a SYN; 0: as the buffer permits
  bool round_initial_window = false;           // that, down to a multiple of the MSS
  std::uint32_t initial_window_segments = 10;  // RFC 6928
  std::uint32_t max_payload_bytes = 65'535 - 120;  // of one super-segment; 0: one segment
  bool timestamps = true;                          // RFC 7323
  bool window_scaling = true;                      // RFC 7323
  // 0 to 14, of windows that we announce; none: as the largest buffer needs it.
  std::optional<std::uint8_t> window_scale;
  bool sack = true;                         // RFC 2018
  Algorithm congestion = Algorithm::cubic;  // RFC 9438
  Ecn ecn = Ecn::accept;                    // RFC 9293 SHLD-8
  bool nagle_by_the_book = false;  // any byte in flight holds back less than a segment: RFC 9293
  bool nagle = true;               // RFC 9293 SHLD-7; the default of a connection
  Duration initial_rto = Duration::seconds(1);  // RFC 6298 R6298-1
  // RFC 6298 R6298-4 asks for 1 s. 200 ms, as Linux does: over TUN a round trip takes microseconds.
  Duration min_rto = Duration::milliseconds(200);
  Duration max_rto = Duration::seconds(60);  // RFC 6298 R6298-5
  // So many of a connection's first segments are acknowledged one by one; 0: delayed from the
  // first.
  std::uint32_t quick_acks = 16;
  bool adaptive_acks = false;                         // that, and the delay, follow the traffic
  Duration delayed_ack = Duration::milliseconds(40);  // RFC 9293 MUST-40: below 500 ms
  Duration longest_delayed_ack = Duration::milliseconds(200);  // with adaptive_acks
  Duration user_timeout = Duration::seconds(300);              // R2 for data, RFC 9293 SHLD-11
  Duration connect_timeout = Duration::seconds(180);           // R2 for a SYN, RFC 9293 MUST-23 ...
  std::uint32_t syn_retries = 255;  // ... or so many in vain, if that is sooner
  // RFC 5461 R5461-1: the first ICMP error ends an attempt to connect, also a soft one, which
  // RFC 9293 MUST-56 bears.
  bool gives_up_unreachable = false;
  Duration handshake_timeout = Duration::seconds(63);   // half-open connections of a listener
  std::uint32_t syn_ack_retries = 255;                  // of those
  Duration orphan_timeout = Duration::seconds(300);     // R2 once the application has let go
  Duration fin_wait_2_timeout = Duration::seconds(60);  // once the application has let go
  // 2 MSL. RFC 9293 MUST-13 takes the MSL as two minutes; ours is 30 s, as Linux does.
  Duration time_wait = Duration::seconds(60);
  Duration keepalive_idle = Duration::seconds(7200);  // RFC 9293 MUST-28
  Duration keepalive_interval = Duration::seconds(75);
  std::uint32_t keepalive_probes = 9;
  std::uint32_t challenge_acks = 10;                 // RFC 5961 R5961-4: so many ...
  Duration challenge_period = Duration::seconds(5);  // ... in this time, each connection
  // In all that no other value here says: as Linux does, which profile.hpp lists, or as the RFCs.
  bool as_linux = false;
};

}  // namespace sluice::tcp
