// A packet as it crosses: [virtio_net_hdr | IP header | ... | payload].
#pragma once

#include <cstdint>
#include <vector>

#include "proto/base/bytes.hpp"
#include "proto/wire/packet.hpp"
#include "proto/wire/virtio_net.hpp"

namespace sluice::sim {

using PacketBytes = std::vector<std::uint8_t>;

inline Bytes ip_of(const PacketBytes& packet) {
  return Bytes(packet).subspan(wire::kVirtioNetHeaderSize);
}

// Hears of every packet that a host has parsed and found good.
class PacketTaker {
 public:
  virtual void on_taken(const wire::Packet& packet) = 0;

 protected:
  ~PacketTaker() = default;
};

}  // namespace sluice::sim
