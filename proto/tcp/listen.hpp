// Segments for which there is no connection: LISTEN and CLOSED (RFC 9293 3.10.7.1, 3.10.7.2).
#pragma once

#include <cstdint>
#include <optional>

#include "proto/tcp/segment.hpp"

namespace sluice::tcp {

enum class ListenAction : std::uint8_t {
  drop,    // RST, or nothing that a listener knows
  reset,   // answer with make_reset()
  accept,  // a SYN: Connection::open_passive()
};

// RFC 9293 SA-L1 to SA-L4, in that order. A SYN with FIN is a scan or an attack more often than
// not: Linux drops it.
ListenAction on_segment_in_listen(const wire::TcpHeader& header, const Settings& settings);

// RFC 9293 SA-C1 to SA-C3, R9293-6: the answer to a segment that nobody expects; none to a RST.
// `payload_length` is that of the segment. Ports are already turned round. Linux' bears no option.
std::optional<wire::TcpHeader> make_reset(const wire::TcpHeader& header,
                                          std::uint32_t payload_length, const Settings& settings);

}  // namespace sluice::tcp
