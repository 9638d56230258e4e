// A packet in the script's terms: as a line says it, or as one that came is understood.
//
// The same type serves both, so that they can be compared and written side by side. What a line
// leaves open is not set; of a packet that came everything is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "proto/wire/address.hpp"
#include "proto/wire/tcp_options.hpp"

namespace sluice::script {

enum class Direction : std::uint8_t { in, out };

struct TcpOption {
  enum class Kind : std::uint8_t {
    end = 0,
    nop = 1,
    mss = 2,
    wscale = 3,
    sack_ok = 4,
    sack = 5,
    timestamps = 8,
    raw = 255
  };

  Kind kind = Kind::nop;
  std::uint32_t value = 0;              // mss, wscale, TS val
  std::uint32_t echo = 0;               // TS ecr
  std::vector<wire::SackBlock> blocks;  // sack
  std::vector<std::uint8_t> bytes;      // raw: all of the option, kind and length included

  bool operator==(const TcpOption&) const = default;
};

// What the IP header says. Bits of ECN: 0 none, 1 ECT(1), 2 ECT(0), 3 CE.
struct IpMarks {
  std::optional<std::uint8_t> ecn;
  bool any_ect = false;  // [ect01]: ECT(0) or ECT(1)
  std::optional<std::uint8_t> tos;
  std::optional<std::uint8_t> ttl;
  std::optional<std::uint32_t> flow_label;  // IPv6
  std::optional<bool> dont_fragment;        // IPv4, outbound
  std::optional<IpAddress> from, to;
  bool bad_checksum = false;  // inbound: of the transport, spoiled
};

struct Ports {
  std::uint16_t source = 0, destination = 0;

  bool operator==(const Ports&) const = default;
};

struct TcpText {
  std::uint8_t flags = 0;  // set of wire::TcpFlag
  std::uint32_t sequence = 0;
  std::uint32_t length = 0;
  std::optional<std::uint32_t> acknowledgment;  // with the ACK flag
  std::optional<std::uint16_t> window;
  std::uint16_t urgent = 0;
  std::optional<std::vector<TcpOption>> options;  // not set: <...>
};

struct UdpText {
  std::uint32_t length = 0;
};

// What an ICMP error quotes: a packet that was sent to whom the error comes from.
struct Quote {
  std::optional<Ports> ports;
  std::variant<TcpText, UdpText> packet;  // of TcpText the sequence and the length
};

struct IcmpText {
  bool is_v6 = false;
  std::uint8_t type = 0;
  std::uint8_t code = 0;
  std::optional<std::uint32_t> mtu;
  std::optional<std::uint16_t> id;  // echo
  std::optional<Quote> quote;
};

// A piece of a datagram, as tcpdump says it: `frag (1480@0+)`.
struct FragmentText {
  std::uint32_t length = 0;
  std::uint32_t offset = 0;
  bool more = false;

  bool operator==(const FragmentText&) const = default;
};

struct Packet {
  Direction direction = Direction::in;
  IpMarks marks;
  std::optional<Ports> ports;
  std::variant<TcpText, UdpText, IcmpText, FragmentText> text;
};

}  // namespace sluice::script
