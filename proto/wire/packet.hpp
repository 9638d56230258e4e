// One pass over a received packet: from bytes to values, every refusal named.
#pragma once

#include <cstdint>

#include "proto/base/bytes.hpp"
#include "proto/wire/address.hpp"
#include "proto/wire/drop_reason.hpp"
#include "proto/wire/icmp.hpp"
#include "proto/wire/tcp.hpp"
#include "proto/wire/udp.hpp"
#include "proto/wire/virtio_net.hpp"

namespace sluice::wire {

// Offsets count from the first byte of the IP header. Which of tcp, udp and icmp is set follows
// from `protocol`.
struct Packet {
  bool is_fragment = false;  // then only this and the addresses are set
  IpAddress source;
  IpAddress destination;
  std::uint8_t protocol = 0;  // of the transport, behind any IPv6 extension headers
  std::uint8_t hop_limit = 0;
  std::uint8_t traffic_class = 0;  // DSCP and ECN
  std::uint16_t gso_size = 0;      // of a received super-segment; 0 otherwise
  std::uint32_t transport_offset = 0;
  std::uint32_t payload_offset = 0;  // behind the TCP, UDP or 8-byte ICMP header
  std::uint32_t payload_length = 0;
  TcpHeader tcp;
  UdpHeader udp;
  IcmpHeader icmp;
};

// `ip` starts with the IP header and may be longer than the packet (padding is ignored);
// `offload` is what the device said about it. Sums are trusted where it says NEEDS_CSUM or
// DATA_VALID and verified otherwise. On anything but DropReason::none and `fragment`, `packet` is
// undefined.
// Source address checks: no multicast, broadcast, loopback or unspecified source (RFC 1122
// 3.2.1.3, RFC 9293 MUST-63). Destinations are the shard's business.
DropReason parse_packet(Bytes ip, const VirtioNetHeader& offload, Packet& packet);

// The flow that an ICMP error quotes: the packet that *we* sent, so source is our side.
struct QuotedSegment {
  IpAddress source;
  IpAddress destination;
  std::uint8_t protocol = 0;
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::uint32_t sequence = 0;  // TCP only
};

// `quote` is the ICMP payload behind its 8 bytes; it needs the IP header and 8 bytes more.
bool parse_quote(Bytes quote, bool is_v6, QuotedSegment& segment);

}  // namespace sluice::wire
