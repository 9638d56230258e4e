// A packet field by field, one a line, as a person reads it; for `sluice dump`.
#pragma once

#include <string>

#include "proto/base/bytes.hpp"
#include "proto/wire/virtio_net.hpp"

namespace sluice::wire {

// Several lines, each ended. Works for any bytes: a field that cannot be right is shown with what
// is wrong about it, sums with what they should be. The payload follows in hex; of a packet that is
// malformed, all of it. `offload` is what the device said about the packet.
std::string describe_packet(Bytes ip, const VirtioNetHeader& offload);

}  // namespace sluice::wire
