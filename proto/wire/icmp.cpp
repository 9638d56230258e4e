#include "proto/wire/icmp.hpp"

#include "proto/base/assert.hpp"

namespace sluice::wire {

bool parse_icmp(Bytes message, IcmpHeader& header) {
  if (message.size() < kIcmpHeader) return false;
  const std::uint8_t* const p = message.data();
  header.type = p[0];
  header.code = p[1];
  header.rest = load_be32(p + 4);
  return true;
}

void build_icmp(MutableBytes out, const IcmpHeader& header) {
  SLUICE_ASSERT(out.size() >= kIcmpHeader);
  out[0] = header.type;
  out[1] = header.code;
  store_be16(out.data() + 2, 0);
  store_be32(out.data() + 4, header.rest);
}

}  // namespace sluice::wire
