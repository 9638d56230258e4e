// Packets for the tests of wire: some captured from a Linux kernel, others assembled by hand.
#pragma once

#include <array>
#include <cstdint>
#include <ostream>
#include <string_view>
#include <vector>

#include "proto/base/assert.hpp"
#include "proto/wire/checksum.hpp"
#include "proto/wire/packet.hpp"

namespace sluice {

// How GoogleTest shows one.
inline void PrintTo(DropReason reason, std::ostream* out) {
  *out << drop_reason_name(reason);
}

}  // namespace sluice

namespace sluice::wire::sample {

using ByteVector = std::vector<std::uint8_t>;

// Of text that is known to be right.
inline IpAddress address(std::string_view text) {
  const auto parsed = IpAddress::parse(text);
  SLUICE_ASSERT(parsed.has_value());
  return *parsed;
}

inline ByteVector from_hex(std::string_view hex) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  ByteVector bytes;
  std::size_t half = 0;
  for (const char c : hex) {
    const std::size_t digit = kDigits.find(c);
    if (digit == kDigits.npos) continue;  // spaces between groups
    if (half++ % 2 == 0) bytes.push_back(0);
    bytes.back() = static_cast<std::uint8_t>(bytes.back() * 16U + digit);
  }
  return bytes;
}

// Read from a TUN device: Linux 6.18 talks to 10.0.5.101 and fd00::101.
inline constexpr std::string_view kTcpSynV4 =
    "4500003ccadf4000400651140a0005640a000565"
    "cf2c0007e508a53a00000000a002faf0b5df0000020405b40402080afbfc22f0000000000103030a";
inline constexpr std::string_view kTcpSynV6 =
    "6004670600280640fd000000000000000000000000000100fd000000000000000000000000000101"
    "a1fc0007f6134b1600000000a002fd20ae1e0000020405a00402080a91732c2e000000000103030a";
inline constexpr std::string_view kUdpV4 =  // "hello"
    "45000021efb8400040112c4b0a0005640a000565c5200009000dd80f68656c6c6f";
inline constexpr std::string_view kUdpV6 =  // "hello!"
    "600e0c20000e1140fd000000000000000000000000000100fd000000000000000000000000000101"
    "c61e0009000ef9b468656c6c6f21";
inline constexpr std::string_view kEchoV4 =  // "abc"
    "4500001fb8de4000400163370a0005640a0005650800339a00010002616263";
inline constexpr std::string_view kEchoV6 =  // "abc"
    "6007e0c8000b3a40fd000000000000000000000000000100fd000000000000000000000000000101"
    "8000bf5100010002616263";
inline constexpr std::string_view kPortUnreachableV4 =  // quotes a UDP packet of 28 bytes
    "45c00038b8e200004001a25a0a0005640a0005650303f52300000000"
    "4500001c0000400040111c090a0005650a00056403e803e900080000";

inline constexpr std::string_view kCaptured[] = {
    kTcpSynV4, kTcpSynV6, kUdpV4, kUdpV6, kEchoV4, kEchoV6, kPortUnreachableV4};

// Where the transport of the captured packets begins.
inline constexpr std::size_t kTransportV4 = 20;
inline constexpr std::size_t kTransportV6 = 40;

inline void set_u16(ByteVector& bytes, std::size_t offset, std::uint16_t value) {
  store_be16(bytes.data() + offset, value);
}

// Makes the IPv4 header sum right again, as far as there is a header.
inline void repair_ipv4_sum(ByteVector& packet) {
  const std::size_t length = packet.empty() ? 0 : (packet[0] & 0x0fU) * 4;
  if (length < 20 || packet.size() < length) return;
  set_u16(packet, 10, 0);
  Checksum sum;
  sum.add(Bytes(packet).first(length));
  set_u16(packet, 10, sum.finished());
}

// Puts IPv6 extension headers between the header and what follows; the first is of kind `first`,
// their next-header bytes are the caller's.
inline ByteVector with_extensions(ByteVector packet, std::uint8_t first, const ByteVector& chain) {
  packet[6] = first;
  set_u16(packet, 4, static_cast<std::uint16_t>(packet.size() - kTransportV6 + chain.size()));
  packet.insert(packet.begin() + kTransportV6, chain.begin(), chain.end());
  return packet;
}

inline DropReason parse(const ByteVector& packet, const VirtioNetHeader& offload, Packet& parsed) {
  return parse_packet(packet, offload, parsed);
}

inline DropReason parse(const ByteVector& packet, const VirtioNetHeader& offload = {}) {
  Packet parsed;
  return parse_packet(packet, offload, parsed);
}

inline VirtioNetHeader data_valid() {
  VirtioNetHeader offload;
  offload.flags = VirtioNetHeader::kDataValid;
  return offload;
}

}  // namespace sluice::wire::sample
