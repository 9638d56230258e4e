#include "proto/wire/build.hpp"

namespace sluice::wire {
namespace {

constexpr std::uint16_t kTcpChecksumField = 16;  // offset in the TCP header
constexpr std::uint16_t kUdpChecksumField = 6;
constexpr std::uint16_t kIcmpChecksumField = 2;

// The transport of a packet, its header written with a sum of zero.
struct Transport {
  std::uint8_t protocol;
  std::uint16_t checksum_field;  // offset in the header
  std::uint8_t gso_type;         // if it must be cut
  std::size_t ip_length;
  MutableBytes header;
};

// What the device is to do: finish the sum and, for a payload of several segments, cut it.
VirtioNetHeader offload_of(const Transport& transport, const PayloadFacts& payload) {
  VirtioNetHeader offload;
  const std::size_t headers = transport.ip_length + transport.header.size();
  offload.header_length = static_cast<std::uint16_t>(headers);
  if (payload.payload_sum != nullptr) return offload;
  offload.flags = VirtioNetHeader::kNeedsChecksum;
  offload.checksum_start = static_cast<std::uint16_t>(transport.ip_length);
  offload.checksum_offset = transport.checksum_field;
  if (payload.gso_size > 0 && payload.length > payload.gso_size) {
    offload.gso_type = transport.gso_type;
    offload.gso_size = payload.gso_size;
  }
  return offload;
}

// The whole sum, or the part that the device wants of it.
std::uint16_t sum_of(const Transport& transport, const IpFields& ip, const PayloadFacts& payload) {
  Checksum sum;
  sum.add_pseudo_header(ip.source, ip.destination, transport.protocol,
                        static_cast<std::uint32_t>(transport.header.size() + payload.length));
  if (payload.payload_sum == nullptr) return sum.folded();
  sum.add(transport.header);
  sum.add_u16(payload.payload_sum->folded());
  return sum.finished();  // RFC 9293 MUST-2
}

// Everything but the transport's header. Returns the length of all headers.
std::size_t finish_packet(MutableBytes out, IpFields ip, const Transport& transport,
                          const PayloadFacts& payload) {
  ip.protocol = transport.protocol;
  build_ip(out.subspan(kVirtioNetHeaderSize), ip, transport.header.size() + payload.length);
  build_virtio_net(out, offload_of(transport, payload));
  std::uint16_t sum = sum_of(transport, ip, payload);
  // RFC 768 R768-2: a sum of zero goes out as all ones, since zero says that there is none.
  if (transport.protocol == kProtocolUdp && sum == 0) sum = 0xffff;
  store_be16(transport.header.data() + transport.checksum_field, sum);
  return kVirtioNetHeaderSize + transport.ip_length + transport.header.size();
}

}  // namespace

std::size_t build_tcp_packet(MutableBytes out, IpFields ip, const TcpHeader& tcp,
                             const PayloadFacts& payload) {
  const std::size_t ip_length = ip_header_length(ip.destination);
  const MutableBytes behind_ip = out.subspan(kVirtioNetHeaderSize + ip_length);
  const std::size_t tcp_length = build_tcp(behind_ip, tcp);
  const std::uint8_t gso_type =
      ip.destination.is_v4() ? VirtioNetHeader::kGsoTcpV4 : VirtioNetHeader::kGsoTcpV6;
  return finish_packet(
      out, ip, {kProtocolTcp, kTcpChecksumField, gso_type, ip_length, behind_ip.first(tcp_length)},
      payload);
}

std::size_t build_udp_packet(MutableBytes out, IpFields ip, UdpHeader udp,
                             const PayloadFacts& payload) {
  const std::size_t ip_length = ip_header_length(ip.destination);
  const MutableBytes header = out.subspan(kVirtioNetHeaderSize + ip_length, kUdpHeader);
  udp.length = static_cast<std::uint16_t>(kUdpHeader + payload.length);
  udp.checksum = 0;
  build_udp(header, udp);
  return finish_packet(
      out, ip, {kProtocolUdp, kUdpChecksumField, VirtioNetHeader::kGsoUdpL4, ip_length, header},
      payload);
}

std::size_t build_icmp_packet(MutableBytes out, IpFields ip, const IcmpHeader& icmp,
                              Bytes payload) {
  const bool is_v4 = ip.destination.is_v4();
  ip.protocol = is_v4 ? kProtocolIcmp : kProtocolIcmpV6;
  build_virtio_net(out, VirtioNetHeader());
  const MutableBytes packet = out.subspan(kVirtioNetHeaderSize);
  const std::size_t ip_length = build_ip(packet, ip, kIcmpHeader + payload.size());
  const MutableBytes header = packet.subspan(ip_length, kIcmpHeader);
  build_icmp(header, icmp);

  Checksum sum;
  // RFC 4443 R4443-1: only ICMPv6 covers a pseudo header.
  if (!is_v4) {
    sum.add_pseudo_header(ip.source, ip.destination, kProtocolIcmpV6,
                          static_cast<std::uint32_t>(kIcmpHeader + payload.size()));
  }
  sum.add(header);
  sum.add(payload);
  store_be16(header.data() + kIcmpChecksumField, sum.finished());
  return kVirtioNetHeaderSize + ip_length + kIcmpHeader;
}

}  // namespace sluice::wire
