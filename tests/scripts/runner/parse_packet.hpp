// The line of a packet: `< S 0:0(0) win 65535 <mss 1460>`, `> udp (100)`, `< icmp unreachable ...`
#pragma once

#include "tests/scripts/runner/packet.hpp"
#include "tests/scripts/runner/reader.hpp"

namespace sluice::script {

// From the direction's sign on; `is_v6`: "icmp" means ICMPv6. Throws SyntaxError.
Packet parse_packet_line(Reader& reader, bool is_v6);

// From the opening '<' on; nothing for <...>.
std::optional<std::vector<TcpOption>> parse_tcp_options(Reader& reader);

}  // namespace sluice::script
