// What the kernel or a network card does to a packet on its way out: cut a super-segment into
// segments, and finish sums that were left to it. Knows nothing of proto/, so that a wrong header
// of ours is not put right by our own code.
#pragma once

#include <optional>
#include <vector>

#include "tests/sim/packet_bytes.hpp"

namespace sluice::sim {

// Whole packets with right sums and an empty virtio_net_hdr. None for what no device would send:
// facts in the virtio_net_hdr that contradict the packet.
std::optional<std::vector<PacketBytes>> segment(const PacketBytes& packet);

// Writes the TCP or ICMP sum (and the IPv4 header's) of a whole packet anew.
void fix_sums(PacketBytes& packet);

}  // namespace sluice::sim
