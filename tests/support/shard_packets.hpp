// Packets made by hand, whole and with right sums: what a peer of a shard sends.
#pragma once

#include <cstdint>
#include <vector>

#include "proto/flow.hpp"
#include "proto/wire/build.hpp"
#include "proto/wire/udp.hpp"

namespace sluice::test {

// [virtio_net_hdr | IP packet]
using PacketBytes = std::vector<std::uint8_t>;

// A segment from the remote end of `flow` to its local end.
struct TcpText {
  std::uint8_t flags = 0;
  std::uint32_t sequence = 0;
  std::uint32_t acknowledgment = 0;
  std::uint16_t window = 65'535;
  wire::TcpOptions options;
  std::vector<std::uint8_t> payload;
};

inline PacketBytes join(MutableBytes headers, std::size_t length, Bytes payload) {
  PacketBytes packet(headers.begin(), headers.begin() + static_cast<std::ptrdiff_t>(length));
  packet.insert(packet.end(), payload.begin(), payload.end());
  return packet;
}

inline PacketBytes tcp_packet(const FlowKey& flow, const TcpText& text) {
  wire::IpFields ip;
  ip.source = flow.remote;
  ip.destination = flow.local;
  wire::TcpHeader tcp;
  tcp.source_port = flow.remote_port;
  tcp.destination_port = flow.local_port;
  tcp.sequence = text.sequence;
  tcp.acknowledgment = text.acknowledgment;
  tcp.flags = text.flags;
  tcp.window = text.window;
  tcp.options = text.options;
  wire::Checksum sum;
  sum.add(text.payload);
  wire::PayloadFacts facts;
  facts.length = static_cast<std::uint32_t>(text.payload.size());
  facts.payload_sum = &sum;
  std::array<std::uint8_t, wire::kMaxHeaders> headers;
  return join(headers, wire::build_tcp_packet(headers, ip, tcp, facts), text.payload);
}

inline PacketBytes icmp_packet(const IpAddress& from, const IpAddress& to,
                               const wire::IcmpHeader& icmp, Bytes payload) {
  wire::IpFields ip;
  ip.source = from;
  ip.destination = to;
  std::array<std::uint8_t, wire::kMaxHeaders> headers;
  return join(headers, wire::build_icmp_packet(headers, ip, icmp, payload), payload);
}

// What an ICMP error quotes of a packet that we sent: all behind the virtio_net_hdr, cut short.
inline std::vector<std::uint8_t> quote_of(const PacketBytes& sent, std::size_t most = 64) {
  const std::size_t end = std::min(sent.size(), wire::kVirtioNetHeaderSize + most);
  return {sent.begin() + wire::kVirtioNetHeaderSize,
          sent.begin() + static_cast<std::ptrdiff_t>(end)};
}

// A datagram from the remote end of `flow` to its local end.
inline PacketBytes udp_packet(const FlowKey& flow, Bytes payload) {
  const IpAddress& from = flow.remote;
  const IpAddress& to = flow.local;
  std::vector<std::uint8_t> datagram(wire::kUdpHeader);
  datagram.insert(datagram.end(), payload.begin(), payload.end());
  store_be16(&datagram[0], flow.remote_port);
  store_be16(&datagram[2], flow.local_port);
  store_be16(&datagram[4], static_cast<std::uint16_t>(datagram.size()));
  wire::Checksum sum;
  sum.add_pseudo_header(from, to, wire::kProtocolUdp, static_cast<std::uint32_t>(datagram.size()));
  sum.add(datagram);
  store_be16(&datagram[6], sum.finished());
  wire::IpFields ip;
  ip.source = from;
  ip.destination = to;
  ip.protocol = wire::kProtocolUdp;
  PacketBytes packet(wire::kVirtioNetHeaderSize + wire::ip_header_length(to));
  wire::build_ip(MutableBytes(packet).subspan(wire::kVirtioNetHeaderSize), ip, datagram.size());
  packet.insert(packet.end(), datagram.begin(), datagram.end());
  return packet;
}

inline PacketBytes udp_packet(const IpAddress& from, const IpAddress& to, Bytes payload) {
  return udp_packet({to, from, 5678, 1234}, payload);
}

}  // namespace sluice::test
