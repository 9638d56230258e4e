// TIME-WAIT (RFC 9293 3.6.1): all that is remembered of a connection until old segments are gone.
#pragma once

#include <cstdint>

#include "proto/base/time.hpp"
#include "proto/tcp/segment.hpp"

namespace sluice::tcp {

struct TimeWait {
  Seq snd_nxt;
  Seq rcv_nxt;
  std::uint32_t rcv_wnd = 0;       // bytes last announced
  std::uint16_t window_field = 0;  // the same as it stood in the header
  bool owes_ack = false;           // next_ack() is to be sent
  bool timestamps_on = false;
  bool has_answered = false;  // what is bare, at answered_at
  std::uint32_t ts_offset = 0;
  std::uint32_t ts_recent = 0;
  Instant answered_at;

  enum class Action : std::uint8_t {
    none,         // drop it
    acknowledge,  // answer with next_ack()
    restart,      // answer with next_ack() and begin the 2 MSL anew
    forget,       // a valid RST: CLOSED
    reopen,       // a SYN of a new incarnation: forget this and hand it to the listener
  };
  Action on_segment(const Segment& segment, const Settings& settings) const;
  // Linux answers what is bare once in half a second: two that answer each other's ACKs would
  // never end. Counts the answer that it permits.
  bool may_acknowledge(const Segment& segment, const Settings& settings, Instant now);

  wire::TcpHeader next_ack(Instant now) const;

  // RFC 9293 MAY-2: a new incarnation begins above the old one's sequence space.
  Seq minimum_iss() const { return snd_nxt + 65'536u; }
};

// The millisecond clock of our timestamps (RFC 7323 R7323-19), before a connection's offset.
inline std::uint32_t timestamp_clock(Instant now) {
  return static_cast<std::uint32_t>(now.ns() / 1'000'000);
}

}  // namespace sluice::tcp
