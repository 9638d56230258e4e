#include <algorithm>
#include <vector>

#include "proto/base/assert.hpp"
#include "proto/wire/build.hpp"
#include "proto/wire/describe.hpp"
#include "proto/wire/format.hpp"
#include "proto/wire/ip.hpp"
#include "proto/wire/packet.hpp"
#include "tests/fuzz/targets.hpp"
#include "tests/proto/wire/random_tcp.hpp"
#include "tests/proto/wire/sample_packets.hpp"

namespace sluice::fuzz {
namespace {

using wire::Packet;
using wire::VirtioNetHeader;
using wire::sample::ByteVector;

void check_places(const Packet& packet, std::size_t size) {
  SLUICE_ASSERT(packet.source.is_v4() == packet.destination.is_v4());
  SLUICE_ASSERT(packet.transport_offset >= wire::ip_header_length(packet.source));
  SLUICE_ASSERT(packet.payload_offset >= packet.transport_offset + 8);
  SLUICE_ASSERT(packet.payload_offset <= size);
  SLUICE_ASSERT(packet.payload_length <= size - packet.payload_offset);
}

// A segment built from the parsed values is parsed to the same values.
void check_tcp(const Packet& packet, Bytes payload) {
  wire::IpFields ip;
  ip.source = packet.source;
  ip.destination = packet.destination;
  ip.hop_limit = packet.hop_limit;
  ip.traffic_class = packet.traffic_class;
  wire::Checksum sum;
  sum.add(payload);
  wire::PayloadFacts facts;
  facts.length = static_cast<std::uint32_t>(payload.size());
  facts.payload_sum = &sum;
  ByteVector built(wire::kMaxHeaders);
  built.resize(wire::build_tcp_packet(built, ip, packet.tcp, facts));
  built.insert(built.end(), payload.begin(), payload.end());
  Packet again;
  const Bytes rebuilt = Bytes(built).subspan(wire::kVirtioNetHeaderSize);
  SLUICE_ASSERT(parse_packet(rebuilt, VirtioNetHeader(), again) == DropReason::none);
  SLUICE_ASSERT(again.source == packet.source && again.destination == packet.destination);
  SLUICE_ASSERT(again.hop_limit == packet.hop_limit);
  SLUICE_ASSERT(again.traffic_class == packet.traffic_class);
  SLUICE_ASSERT(again.payload_length == packet.payload_length);
  // More SACK blocks than we would send may have been squeezed in without padding.
  wire::TcpHeader expected = packet.tcp;
  expected.options.sack_count = std::min(expected.options.sack_count, again.tcp.options.sack_count);
  SLUICE_ASSERT(wire::sample::same(again.tcp, expected));
}

void check(Bytes ip, const VirtioNetHeader& offload) {
  SLUICE_ASSERT(!wire::format_packet(ip, offload).empty());
  SLUICE_ASSERT(wire::describe_packet(ip, offload).ends_with('\n'));
  Packet packet;
  if (parse_packet(ip, offload, packet) != DropReason::none) return;
  check_places(packet, ip.size());
  const Bytes payload = ip.subspan(packet.payload_offset, packet.payload_length);
  // Padded options may not fit beside the longest payloads.
  const bool fits = payload.size() <= 65'535 - wire::kMaxHeaders;
  if (packet.protocol == wire::kProtocolTcp && fits) check_tcp(packet, payload);
}

}  // namespace

void fuzz_packet(Bytes input) {
  if (input.size() < wire::kVirtioNetHeaderSize) return;
  const VirtioNetHeader offload = wire::parse_virtio_net(input);
  const Bytes ip = input.subspan(wire::kVirtioNetHeaderSize);
  check(ip, offload);
  // No fuzzer guesses a sum: the same bytes with all sums right.
  ByteVector repaired(ip.begin(), ip.end());
  if (!repaired.empty() && repaired[0] >> 4 == 4) wire::sample::repair_ipv4_sum(repaired);
  check(repaired, wire::sample::data_valid());
}

}  // namespace sluice::fuzz
