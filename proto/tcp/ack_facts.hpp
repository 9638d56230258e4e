// An acknowledgement as loss recovery sees it.
#pragma once

#include <cstdint>
#include <optional>

#include "proto/tcp/delivery.hpp"
#include "proto/tcp/seq.hpp"
#include "proto/tcp/time_wait.hpp"

namespace sluice::tcp {

// The part of the sender's state that recovery looks at.
struct SendView {
  Seq una;
  Seq nxt;
  std::uint32_t mss = 0;
  bool sack = false;      // the peer reports what lies beyond gaps
  bool as_linux = false;  // congestion is answered by the window, not by the flight
};

// A report of bytes that came twice (RFC 2883).
struct DuplicateReport {
  Seq left, right;
  bool operator==(const DuplicateReport&) const = default;
};

struct AckFacts {
  Instant now;
  SendView snd;                     // after it
  std::uint32_t acked = 0;          // by how much SND.UNA has moved
  std::uint32_t flight_before = 0;  // outstanding and not SACKed before it
  bool is_duplicate = false;        // RFC 5681 R5681-13
  bool is_bare_repeat = false;      // of the last ACK, without text or SACK
  bool ecn_echo = false;
  bool may_send_new = false;             // a full segment waits, and fits into the peer's window
  std::optional<std::uint32_t> echo;     // TSecr on our timestamp clock (milliseconds)
  std::optional<DuplicateReport> twice;  // D-SACK
  Duration min_rtt;
  Duration smoothed_rtt;

  // What was acknowledged had been sent before a copy that left at `sent_at` (RFC 3522).
  bool echo_predates(Instant sent_at) const {
    return echo && static_cast<std::int32_t>(*echo - timestamp_clock(sent_at)) < 0;
  }
};

}  // namespace sluice::tcp
