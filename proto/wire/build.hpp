// Whole packets to send: [virtio_net_hdr | IP | TCP, UDP or ICMP header]. The payload stays where
// it is.
#pragma once

#include <cstdint>

#include "proto/base/bytes.hpp"
#include "proto/wire/checksum.hpp"
#include "proto/wire/icmp.hpp"
#include "proto/wire/ip.hpp"
#include "proto/wire/tcp.hpp"
#include "proto/wire/udp.hpp"
#include "proto/wire/virtio_net.hpp"

namespace sluice::wire {

// Room that the largest of these headers needs.
inline constexpr std::size_t kMaxHeaders = kVirtioNetHeaderSize + kIpv6Header + kTcpMaxHeader;

struct PayloadFacts {
  std::uint32_t length = 0;
  std::uint16_t gso_size = 0;  // payload bytes a segment; 0: one segment
  // The sum over the payload, for a device that finishes no sums; null: leave it to the device
  // (NEEDS_CSUM and the pseudo-header sum over the full length).
  const Checksum* payload_sum = nullptr;
};

// Returns the number of bytes written to `out`, which has room for kMaxHeaders. Sets a gso_type
// only when the payload is longer than gso_size.
std::size_t build_tcp_packet(MutableBytes out, IpFields ip, const TcpHeader& tcp,
                             const PayloadFacts& payload);

// One datagram or, with a gso_size, several. Length and sum are filled in; `payload` and the
// headers fit one IP packet.
std::size_t build_udp_packet(MutableBytes out, IpFields ip, UdpHeader udp,
                             const PayloadFacts& payload);

// An ICMP or ICMPv6 message (by the family of ip.destination): 8 bytes of header, then `payload`,
// whose sum goes into the header. Always complete: no sum is left to the device.
std::size_t build_icmp_packet(MutableBytes out, IpFields ip, const IcmpHeader& icmp, Bytes payload);

}  // namespace sluice::wire
