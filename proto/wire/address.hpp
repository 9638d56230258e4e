// IPv4 and IPv6 addresses and networks as one 16-byte value.
//
// An IPv4 address is held in its IPv4-mapped form (::ffff:a.b.c.d, RFC 4291 2.5.5.2). The parser
// refuses such addresses inside real IPv6 packets, so the two families can never be confused.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proto/base/bytes.hpp"

namespace sluice {

class IpAddress {
 public:
  constexpr IpAddress() = default;  // ::, the unspecified address
  // `bits` in host order: 10.0.5.100 is 0x0a000564.
  static IpAddress v4(std::uint32_t bits);
  static IpAddress v6(std::span<const std::uint8_t, 16> bytes);
  // Dotted quad or RFC 4291 text; nothing else (no zone, no brackets, no port).
  static std::optional<IpAddress> parse(std::string_view text);

  bool is_v4() const { return half(0) == 0 && half(8) >> 32 == 0xffff; }
  bool is_v6() const { return !is_v4(); }
  std::uint32_t v4_bits() const { return load_be32(bytes_.data() + 12); }
  const std::array<std::uint8_t, 16>& bytes() const { return bytes_; }

  bool is_unspecified() const;  // 0.0.0.0 or ::
  bool is_loopback() const;     // 127.0.0.0/8 or ::1
  bool is_multicast() const;    // 224.0.0.0/4 or ff00::/8
  bool is_broadcast() const;    // 255.255.255.255

  std::string to_string() const;  // RFC 5952 text

  auto operator<=>(const IpAddress&) const = default;
  bool operator==(const IpAddress& other) const {
    return half(0) == other.half(0) && half(8) == other.half(8);
  }

 private:
  // Eight bytes as a number: asked of every packet, several times.
  std::uint64_t half(std::size_t offset) const { return load_be64(bytes_.data() + offset); }

  std::array<std::uint8_t, 16> bytes_{};
};

// An address together with the network it lies in: "10.0.5.100/24".
struct Cidr {
  IpAddress address;
  std::uint8_t prefix_length = 0;  // 0 to 32 for IPv4, 0 to 128 for IPv6

  static std::optional<Cidr> parse(std::string_view text);
  bool contains(const IpAddress& other) const;  // false for the other family
  IpAddress network() const;                    // all host bits zero
  // All host bits one; for IPv4 networks up to /30 the broadcast address.
  IpAddress last() const;
  std::string to_string() const;

  bool operator==(const Cidr&) const = default;
};

}  // namespace sluice
