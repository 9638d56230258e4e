#include <algorithm>
#include <array>

#include "proto/base/assert.hpp"
#include "proto/wire/format.hpp"
#include "proto/wire/tcp_options.hpp"
#include "tests/fuzz/targets.hpp"
#include "tests/proto/wire/random_tcp.hpp"

namespace sluice::fuzz {

void fuzz_tcp_options(Bytes input) {
  input = input.first(std::min<std::size_t>(input.size(), 40));
  wire::TcpOptions parsed;
  if (!parse_tcp_options(input, parsed)) return;
  SLUICE_ASSERT(parsed.sack_count <= wire::kMaxSackBlocks);
  (void)wire::format_tcp_options(parsed);

  std::array<std::uint8_t, 40> built;
  const std::size_t length = build_tcp_options(built, parsed);
  SLUICE_ASSERT(length == options_length(parsed) && length % 4 == 0);
  wire::TcpOptions again;
  SLUICE_ASSERT(parse_tcp_options(Bytes(built).first(length), again));
  // More SACK blocks than we would send may have been squeezed in without padding.
  SLUICE_ASSERT(again.sack_count >= std::min<std::uint8_t>(parsed.sack_count, 2));
  parsed.sack_count = std::min(parsed.sack_count, again.sack_count);
  SLUICE_ASSERT(wire::sample::same(parsed, again));
}

}  // namespace sluice::fuzz
