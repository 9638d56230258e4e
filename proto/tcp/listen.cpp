#include "proto/tcp/listen.hpp"

namespace sluice::tcp {

ListenAction on_segment_in_listen(const wire::TcpHeader& header, const Settings& settings) {
  if (header.has(wire::kRst)) return ListenAction::drop;   // RFC 9293 SA-L1
  if (header.has(wire::kAck)) return ListenAction::reset;  // RFC 9293 SA-L2
  const bool is_odd = settings.as_linux && header.has(wire::kFin);
  if (header.has(wire::kSyn) && !is_odd) return ListenAction::accept;  // RFC 9293 SA-L3
  return ListenAction::drop;                                           // RFC 9293 SA-L4
}

std::optional<wire::TcpHeader> make_reset(const wire::TcpHeader& header,
                                          std::uint32_t payload_length, const Settings& settings) {
  if (header.has(wire::kRst)) return std::nullopt;  // RFC 9293 SA-C1
  wire::TcpHeader reset;
  reset.source_port = header.destination_port;
  reset.destination_port = header.source_port;
  if (header.has(wire::kAck)) {  // RFC 9293 SA-C3
    reset.sequence = header.acknowledgment;
    reset.flags = wire::kRst;
  } else {  // RFC 9293 SA-C2
    const std::uint32_t length =
        payload_length + (header.has(wire::kSyn) ? 1u : 0u) + (header.has(wire::kFin) ? 1u : 0u);
    reset.acknowledgment = header.sequence + length;
    reset.flags = wire::kRst | wire::kAck;
  }
  if (header.options.has_timestamps && !settings.as_linux) {  // RFC 7323 R7323-18
    reset.options.has_timestamps = true;
    reset.options.ts_echo = header.options.ts_value;
  }
  return reset;
}

}  // namespace sluice::tcp
