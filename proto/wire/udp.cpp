#include "proto/wire/udp.hpp"

#include "proto/base/assert.hpp"

namespace sluice::wire {

bool parse_udp(Bytes datagram, UdpHeader& header) {
  if (datagram.size() < kUdpHeader) return false;
  const std::uint8_t* const p = datagram.data();
  header.source_port = load_be16(p);
  header.destination_port = load_be16(p + 2);
  header.length = load_be16(p + 4);
  header.checksum = load_be16(p + 6);
  return header.length >= kUdpHeader && header.length <= datagram.size();  // RFC 768 R768-3
}

void build_udp(MutableBytes out, const UdpHeader& header) {
  SLUICE_ASSERT(out.size() >= kUdpHeader);
  store_be16(out.data(), header.source_port);
  store_be16(out.data() + 2, header.destination_port);
  store_be16(out.data() + 4, header.length);
  store_be16(out.data() + 6, header.checksum);
}

}  // namespace sluice::wire
