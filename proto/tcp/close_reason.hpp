// Why a connection ended (RFC 9293 MUST-12).
#pragma once

#include <cstdint>
#include <string_view>

namespace sluice::tcp {

enum class CloseReason : std::uint8_t {
  none,         // it has not
  normal,       // both sides closed
  reset,        // the peer sent a RST
  refused,      // the peer answered our SYN with a RST, or ICMP said so
  timed_out,    // the peer did not answer for too long
  unreachable,  // likewise, and ICMP had said why: path_error()
  aborted,      // our own application
};
std::string_view close_reason_name(CloseReason reason);

}  // namespace sluice::tcp
