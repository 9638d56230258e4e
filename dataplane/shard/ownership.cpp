#include "dataplane/shard/ownership.hpp"

#include <optional>

namespace sluice {
namespace {

bool has_ports(std::uint8_t protocol) {
  return protocol == wire::kProtocolTcp || protocol == wire::kProtocolUdp;
}

// Of an ICMP error. None when the packet is no such, or quotes nothing that has ports.
std::optional<FlowKey> quoted_flow(Bytes ip, const wire::Packet& packet) {
  const bool v6 = packet.protocol == wire::kProtocolIcmpV6;
  const std::uint8_t type = packet.icmp.type;
  if (!(v6 ? wire::icmp_v6::is_error(type) : wire::icmp_v4::is_error(type))) return std::nullopt;
  wire::QuotedSegment quoted;
  const Bytes quote = ip.subspan(packet.payload_offset, packet.payload_length);
  if (!wire::parse_quote(quote, v6, quoted) || !has_ports(quoted.protocol)) return std::nullopt;
  return flow_of(quoted);
}

}  // namespace

FlowKey flow_of(const wire::Packet& packet) {
  const bool tcp = packet.protocol == wire::kProtocolTcp;
  return {packet.destination, packet.source,
          tcp ? packet.tcp.destination_port : packet.udp.destination_port,
          tcp ? packet.tcp.source_port : packet.udp.source_port};
}

FlowKey flow_of(const wire::QuotedSegment& quoted) {
  return {quoted.source, quoted.destination, quoted.source_port, quoted.destination_port};
}

std::uint32_t Ownership::of(const FlowKey& flow) const {
  return shards == 1 ? 0 : shard_of(flow_hash(flow, keys), shards);
}

std::uint32_t Ownership::of(Bytes ip, const wire::Packet& packet) const {
  if (shards == 1) return 0;
  if (!packet.is_fragment) {
    if (has_ports(packet.protocol)) return of(flow_of(packet));
    if (const auto flow = quoted_flow(ip, packet)) return of(*flow);
  }
  return shard_of(address_hash(packet.destination, packet.source, keys), shards);
}

}  // namespace sluice
