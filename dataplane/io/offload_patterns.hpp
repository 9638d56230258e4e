// The patterns that io/offload_check sends, one function for each way through a device. Each throws
// OffloadBroken when a pattern does not come out as it went in, in time.
#pragma once

#include <cstdint>

#include "dataplane/io/offload_lab.hpp"

namespace sluice::io {

// A payload is one packet, or a super-segment when it is longer than this.
inline constexpr std::uint16_t kPatternSegment = 1400;

// From us through the kernel and back out of the device, which has no offloads: the kernel has to
// cut the packet and to finish its sums. `protocol` is TCP's or UDP's.
void check_forwarded(OffloadLab& lab, const OffloadNet& net, std::uint8_t protocol,
                     std::uint32_t length);

// Between us and a UDP socket of the kernel, both ways.
void check_udp(OffloadLab& lab, const OffloadNet& net, std::uint32_t length);

// Between us and a TCP socket of the kernel, both ways, kPatternBytes in super-segments.
void check_tcp(OffloadLab& lab, const OffloadNet& net);

}  // namespace sluice::io
