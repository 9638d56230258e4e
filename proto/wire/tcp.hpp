// The TCP header (RFC 9293 3.1) as a value.
#pragma once

#include <cstdint>

#include "proto/base/bytes.hpp"
#include "proto/wire/tcp_options.hpp"

namespace sluice::wire {

inline constexpr std::uint8_t kProtocolTcp = 6;
inline constexpr std::size_t kTcpMinHeader = 20;
inline constexpr std::size_t kTcpMaxHeader = 60;

enum TcpFlag : std::uint8_t {
  kFin = 0x01,
  kSyn = 0x02,
  kRst = 0x04,
  kPsh = 0x08,
  kAck = 0x10,
  kUrg = 0x20,
  kEce = 0x40,
  kCwr = 0x80,
};

struct TcpHeader {
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::uint32_t sequence = 0;
  std::uint32_t acknowledgment = 0;
  std::uint8_t flags = 0;
  std::uint16_t window = 0;  // as on the wire, not scaled
  std::uint16_t urgent = 0;
  TcpOptions options;

  bool has(TcpFlag flag) const { return (flags & flag) != 0; }
  // 20 to 60, a multiple of 4.
  std::size_t length() const { return kTcpMinHeader + options_length(options); }
};

enum class TcpParse : std::uint8_t { ok, bad_header, bad_option };

// Reads a header from the front of `segment`; `header_length` is its data offset in bytes.
// Looks at no sum: that needs the whole segment (packet.hpp).
TcpParse parse_tcp(Bytes segment, TcpHeader& header, std::size_t& header_length);

// Writes header.length() bytes with a checksum of 0 and returns that length.
std::size_t build_tcp(MutableBytes out, const TcpHeader& header);

}  // namespace sluice::wire
