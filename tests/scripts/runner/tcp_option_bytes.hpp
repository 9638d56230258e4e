// The options of a TCP header as bytes, in the order in which they stand.
#pragma once

#include <cstdint>
#include <vector>

#include "proto/base/bytes.hpp"
#include "tests/scripts/runner/packet.hpp"

namespace sluice::script {

// Padded with ends of the list to a multiple of 4.
std::vector<std::uint8_t> encode_options(const std::vector<TcpOption>& options);

// An option that is unknown, or of a wrong length, is `raw`. The padding behind the end of the list
// is left out.
std::vector<TcpOption> decode_options(Bytes bytes);

}  // namespace sluice::script
