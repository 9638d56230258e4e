// Fragments of IPv4 (RFC 791 3.2) and IPv6 (RFC 8200 4.5): checks, building, and the headers of
// what has been joined.
#pragma once

#include <cstdint>

#include "proto/base/bytes.hpp"
#include "proto/wire/drop_reason.hpp"
#include "proto/wire/ip.hpp"

namespace sluice::wire {

// `ip` is a packet that parse_packet called a `fragment`; any bytes are safe. On
// DropReason::none `header` tells of a piece that is not empty, ends within the longest packet, has
// a length of 8 times n unless it is the last, and leaves the transport's header in one piece.
DropReason parse_fragment(Bytes ip, IpHeader& header);

// How much of a fragment's front is repeated in each of them: up to the IPv6 fragment header.
std::uint32_t unfragmentable_length(const IpHeader& fragment);

// Whether `payload_length` bytes behind the headers of `fragment` still make one IP packet.
bool fits_one_packet(const IpHeader& fragment, std::uint32_t payload_length);

// Turns the headers of the first fragment, in front of the joined payload in `packet`, into those
// of the whole; `congested` marks it "congestion experienced". Returns how many bytes to drop from
// the front: where the IPv6 fragment header was closed up. The whole must fit_one_packet.
std::uint32_t build_whole(MutableBytes packet, const IpHeader& first, bool congested);

// Writes [virtio_net_hdr | IP header | IPv6 fragment header] for `payload_length` bytes of a
// datagram (a multiple of 8 if more are to come) and returns the length of that: at most 58.
// IPv4 takes its identification from `fragment`, and may be fragmented further.
std::size_t build_fragment(MutableBytes out, IpFields ip, const FragmentFields& fragment,
                           std::size_t payload_length);

}  // namespace sluice::wire
