#include "proto/wire/virtio_net.hpp"

#include <cstring>

#include "proto/base/assert.hpp"
#include "proto/wire/checksum.hpp"

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

void finish_checksum(MutableBytes ip, const VirtioNetHeader& header) {
  if ((header.flags & VirtioNetHeader::kNeedsChecksum) == 0) return;
  const std::size_t start = header.checksum_start;
  const std::size_t field = start + header.checksum_offset;
  if (field + 2 > ip.size()) return;
  Checksum sum;
  sum.add(ip.subspan(start));
  const std::uint16_t finished = sum.finished();
  // Zero would mean "no sum" in UDP; all ones is the same number.
  store_be16(ip.data() + field, finished == 0 ? std::uint16_t{0xffff} : finished);
}

}  // namespace sluice::wire
