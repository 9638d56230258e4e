// Packets as bytes. Options stand in the order in which the script writes them, and whatever it
// says of them goes out, right or wrong.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <vector>

#include "proto/base/bytes.hpp"
#include "tests/scripts/runner/flow.hpp"
#include "tests/scripts/runner/packet.hpp"

namespace sluice::script {

using Octets = std::vector<std::uint8_t>;

// The stack has put out what is no good packet.
class Malformed : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// An IP packet from the remote end to the local one, with the wire's numbers. `payload` is of the
// length that the packet says. Of an ICMP error, `ends` are those of the packet that it quotes.
Octets encode(const Packet& packet, const Endpoints& ends, Bytes payload);

struct Decoded {
  Packet packet;  // with the wire's numbers
  Endpoints ends;
  Octets payload;
};

// Checks lengths and sums on the way. Throws Malformed.
Decoded decode(Bytes ip);

}  // namespace sluice::script
