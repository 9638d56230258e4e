// The ten bytes in front of each packet of a TUN device opened with IFF_VNET_HDR.
// Source: virtio 1.2 section 5.1.6; Linux include/uapi/linux/virtio_net.h (which does not compile
// as C++ in Debian 12, hence our own). Fields are in host order: TUN uses the CPU's.
#pragma once

#include <cstdint>

#include "proto/base/bytes.hpp"

namespace sluice::wire {

inline constexpr std::size_t kVirtioNetHeaderSize = 10;

struct VirtioNetHeader {
  static constexpr std::uint8_t kNeedsChecksum = 1;  // finish the sum at start + offset
  static constexpr std::uint8_t kDataValid = 2;      // the sum has been verified
  static constexpr std::uint8_t kGsoNone = 0;
  static constexpr std::uint8_t kGsoTcpV4 = 1;
  static constexpr std::uint8_t kGsoTcpV6 = 4;
  static constexpr std::uint8_t kGsoUdpL4 = 5;
  static constexpr std::uint8_t kGsoEcn = 0x80;  // or-ed to a TCP type

  std::uint8_t flags = 0;
  std::uint8_t gso_type = kGsoNone;
  std::uint16_t header_length = 0;  // a hint for the kernel; never to be trusted
  std::uint16_t gso_size = 0;       // payload bytes of each segment cut from this packet
  std::uint16_t checksum_start = 0;
  std::uint16_t checksum_offset = 0;

  bool operator==(const VirtioNetHeader&) const = default;
};

// `bytes` holds at least kVirtioNetHeaderSize bytes.
VirtioNetHeader parse_virtio_net(Bytes bytes);
void build_virtio_net(MutableBytes out, const VirtioNetHeader& header);

// What the device does for NEEDS_CSUM, as Linux's skb_checksum_help: sums `ip` from checksum_start
// to its end and puts the result into the field, which held the pseudo-header sum. Without
// NEEDS_CSUM, or for a field that is not in the packet, `ip` stays as it is.
void finish_checksum(MutableBytes ip, const VirtioNetHeader& header);

}  // namespace sluice::wire
