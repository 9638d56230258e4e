// Packets cut into fragments by hand, so that what joins them is not tested with itself.
#pragma once

#include <cstdint>
#include <vector>

#include "proto/base/bytes.hpp"
#include "proto/wire/ip.hpp"
#include "tests/proto/wire/sample_packets.hpp"

namespace sluice::test {

using wire::sample::ByteVector;

// What fits a payload of `length` bytes between two hosts: bytes that depend on `seed` only.
inline ByteVector patterned(std::size_t length, std::uint32_t seed) {
  ByteVector bytes(length);
  for (std::size_t i = 0; i < length; ++i) {
    bytes[i] = static_cast<std::uint8_t>((i + seed * 7) * 0x9e3779b1U >> 13);
  }
  return bytes;
}

// A packet that may be fragmented; its transport is bytes, and need not make sense.
inline ByteVector whole_packet(wire::IpFields ip, const ByteVector& payload) {
  ByteVector packet(wire::ip_header_length(ip.destination));
  wire::build_ip(packet, ip, payload.size());
  if (ip.destination.is_v4()) {
    packet[6] = 0;  // "don't fragment"
    wire::sample::repair_ipv4_sum(packet);
  }
  packet.insert(packet.end(), payload.begin(), payload.end());
  return packet;
}

// How to cut: bytes of what lies behind the unfragmentable part.
struct Cut {
  std::uint32_t begin;
  std::uint32_t end;
};

inline ByteVector fragment_v4(const ByteVector& whole, Cut cut) {
  const std::size_t header = (whole[0] & 0x0fU) * 4;
  ByteVector piece(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(header));
  const auto payload = whole.begin() + static_cast<std::ptrdiff_t>(header);
  piece.insert(piece.end(), payload + cut.begin, payload + cut.end);
  const unsigned more = cut.end < whole.size() - header ? 0x2000 : 0;
  wire::sample::set_u16(piece, 2, static_cast<std::uint16_t>(piece.size()));
  wire::sample::set_u16(piece, 6, static_cast<std::uint16_t>(more | cut.begin / 8));
  wire::sample::repair_ipv4_sum(piece);
  return piece;
}

// The fragment header goes behind `headers` bytes: 40, or more with extension headers.
inline ByteVector fragment_v6(const ByteVector& whole, Cut cut, std::uint32_t identification,
                              std::size_t headers = wire::kIpv6Header) {
  std::size_t named_at = 6;
  for (std::size_t at = wire::kIpv6Header; at < headers; at += (whole[at + 1] + 1U) * 8) {
    named_at = at;
  }
  ByteVector piece(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(headers));
  const unsigned more = cut.end < whole.size() - headers ? 1 : 0;
  ByteVector fragment_header(8);
  fragment_header[0] = whole[named_at];
  wire::sample::set_u16(fragment_header, 2, static_cast<std::uint16_t>(cut.begin | more));
  store_be32(&fragment_header[4], identification);
  piece[named_at] = 44;
  piece.insert(piece.end(), fragment_header.begin(), fragment_header.end());
  const auto payload = whole.begin() + static_cast<std::ptrdiff_t>(headers);
  piece.insert(piece.end(), payload + cut.begin, payload + cut.end);
  wire::sample::set_u16(piece, 4, static_cast<std::uint16_t>(piece.size() - wire::kIpv6Header));
  return piece;
}

}  // namespace sluice::test
