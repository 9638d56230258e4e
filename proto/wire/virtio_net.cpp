#include "proto/wire/virtio_net.hpp"

#include <cstring>

#include "proto/base/assert.hpp"

namespace sluice::wire {

// TUN takes the struct as it lies in memory.
static_assert(sizeof(VirtioNetHeader) == kVirtioNetHeaderSize);

VirtioNetHeader parse_virtio_net(Bytes bytes) {
  SLUICE_ASSERT(bytes.size() >= kVirtioNetHeaderSize);
  VirtioNetHeader header;
  std::memcpy(&header, bytes.data(), sizeof header);
  return header;
}

void build_virtio_net(MutableBytes out, const VirtioNetHeader& header) {
  SLUICE_ASSERT(out.size() >= kVirtioNetHeaderSize);
  std::memcpy(out.data(), &header, sizeof header);
}

}  // namespace sluice::wire
