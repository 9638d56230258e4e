// How both back ends count what the kernel answered.
#pragma once

#include "dataplane/io/tun_queue.hpp"
#include "proto/wire/virtio_net.hpp"

namespace sluice::io {

// The largest packet of a TUN device, with its virtio_net_hdr. A shorter buffer would truncate it
// silently.
inline constexpr std::uint32_t kLargestRead = wire::kVirtioNetHeaderSize + 65535;

// After a read that failed (the device went, say) the next try waits as long: the descriptor stays
// ready to fail again, and a worker must not spin on it.
inline constexpr Duration kRetryAfterReadError = Duration::milliseconds(10);

inline void count_read(IoCounters& counters, std::uint32_t length) {
  ++counters.rx_packets;
  if (length > wire::kVirtioNetHeaderSize) {
    counters.rx_bytes += length - wire::kVirtioNetHeaderSize;
  }
}

// `result`: bytes written, or negative. Less than the whole is a packet that is lost.
inline void count_write(IoCounters& counters, const TxPacket& packet, std::int64_t result) {
  if (result < std::int64_t{packet.length}) {
    ++counters.tx_refused;
    return;
  }
  ++counters.tx_packets;
  counters.tx_bytes += packet.length - wire::kVirtioNetHeaderSize;
}

}  // namespace sluice::io
