// A packet in one line, as tcpdump would say it; for logs, failing tests and `sluice dump`.
#pragma once

#include <string>

#include "proto/base/bytes.hpp"
#include "proto/wire/packet.hpp"

namespace sluice::wire {

// "IP 10.0.5.100.41000 > 10.0.5.101.7: Flags [S], seq 1, win 64240, options [mss 1460,...], length
// 0". Sequence numbers are absolute.
std::string format_packet(const Packet& packet);

// The same from bytes, for any packet: of one that parse_packet refuses, what can be told, and the
// drop's name behind it ("IP 10.0.5.100.9 > 10.0.5.101.9: UDP, length 5, bad_checksum") unless it
// is only none for us: a fragment, another protocol, a source such as "::".
std::string format_packet(Bytes ip, const VirtioNetHeader& offload);

// "Flags [S.]" without the word: "S."
std::string format_tcp_flags(std::uint8_t flags);

// "mss 1460,sackOK,TS val 1 ecr 0,wscale 7" (what is set, without padding); empty when none.
std::string format_tcp_options(const TcpOptions& options);

}  // namespace sluice::wire
