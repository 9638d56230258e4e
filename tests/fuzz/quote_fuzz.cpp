#include "proto/base/assert.hpp"
#include "proto/wire/ip.hpp"
#include "proto/wire/packet.hpp"
#include "tests/fuzz/targets.hpp"

namespace sluice::fuzz {

void fuzz_quote(Bytes input) {
  if (input.empty()) return;
  const bool is_v6 = input[0] % 2 != 0;
  const Bytes quote = input.subspan(1);
  wire::QuotedSegment segment;
  if (!parse_quote(quote, is_v6, segment)) return;
  SLUICE_ASSERT(segment.source.is_v6() == is_v6 && segment.destination.is_v6() == is_v6);
  SLUICE_ASSERT(quote.size() >= wire::ip_header_length(segment.source) + 8);
  const bool is_tcp = segment.protocol == wire::kProtocolTcp;
  SLUICE_ASSERT(is_tcp || segment.sequence == 0);
  SLUICE_ASSERT(is_tcp || segment.protocol == wire::kProtocolUdp || segment.source_port == 0);
}

}  // namespace sluice::fuzz
