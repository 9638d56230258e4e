// What the kernel or a network card does to a packet on its way out: cut a super-segment into
// segments, and finish sums that were left to it. Knows nothing of proto/wire's builders and sums,
// so that a wrong header of ours is not put right by our own code.
#pragma once

#include <cstdint>
#include <vector>

#include "proto/base/bytes.hpp"
#include "proto/base/frame.hpp"

namespace sluice {

enum class Cut : std::uint8_t {
  done,
  refused,    // facts in the virtio_net_hdr that contradict the packet: no device would send it
  no_frames,  // too few, or too small; the pieces that fitted are there
};

// Appends to `pieces` the packets that `whole`, [virtio_net_hdr | IP packet], stands for: TCP
// super-segments and several UDP datagrams are cut, sums are finished, the virtio_net_hdr of each
// piece is empty. Each lies in a frame of its own from `frames`. `whole` may come from anywhere.
Cut cut_packet(Bytes whole, FrameSource& frames, std::vector<Slice>& pieces);

// The same without cutting: a copy, as it is.
Cut copy_packet(Bytes whole, FrameSource& frames, std::vector<Slice>& pieces);

// Writes the TCP, UDP or ICMP sum (and the IPv4 header's) of [virtio_net_hdr | IP packet] anew; the
// packet is one of ours: no IPv6 extension headers.
void fix_sums(MutableBytes whole);

// Congestion experienced (RFC 3168), with the IPv4 sum mended. False, and nothing is changed, when
// the packet does not say that it bears it.
bool mark_congestion(MutableBytes whole);

}  // namespace sluice
