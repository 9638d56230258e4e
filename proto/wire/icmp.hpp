// ICMP (RFC 792) and ICMPv6 (RFC 4443): the eight bytes that all their messages begin with.
#pragma once

#include <cstdint>

#include "proto/base/bytes.hpp"

namespace sluice::wire {

inline constexpr std::uint8_t kProtocolIcmp = 1;
inline constexpr std::uint8_t kProtocolIcmpV6 = 58;
inline constexpr std::size_t kIcmpHeader = 8;

namespace icmp_v4 {
inline constexpr std::uint8_t kEchoReply = 0;
inline constexpr std::uint8_t kUnreachable = 3;
inline constexpr std::uint8_t kFragmentationNeeded = 4;  // a code of kUnreachable
inline constexpr std::uint8_t kSourceQuench = 4;
inline constexpr std::uint8_t kEcho = 8;
inline constexpr std::uint8_t kTimeExceeded = 11;
inline constexpr std::uint8_t kParameterProblem = 12;
inline constexpr std::uint8_t kPortUnreachable = 3;  // a code of kUnreachable

// Quotes a packet. RFC 1122 3.2.2
constexpr bool is_error(std::uint8_t type) {
  return type == kUnreachable || type == kSourceQuench || type == kTimeExceeded ||
         type == kParameterProblem;
}
}  // namespace icmp_v4

namespace icmp_v6 {
inline constexpr std::uint8_t kUnreachable = 1;
inline constexpr std::uint8_t kPacketTooBig = 2;
inline constexpr std::uint8_t kTimeExceeded = 3;
inline constexpr std::uint8_t kParameterProblem = 4;
inline constexpr std::uint8_t kEcho = 128;
inline constexpr std::uint8_t kEchoReply = 129;
inline constexpr std::uint8_t kPortUnreachable = 4;  // a code of kUnreachable

constexpr bool is_error(std::uint8_t type) {
  return type < 128;  // RFC 4443 2.1
}
}  // namespace icmp_v6

struct IcmpHeader {
  std::uint8_t type = 0;
  std::uint8_t code = 0;
  std::uint32_t rest = 0;  // echo: identifier and sequence; too big: the MTU
};

// False when shorter than 8 bytes.
bool parse_icmp(Bytes message, IcmpHeader& header);

// Writes 8 bytes with a checksum of 0.
void build_icmp(MutableBytes out, const IcmpHeader& header);

}  // namespace sluice::wire
