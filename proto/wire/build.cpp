#include "proto/wire/build.hpp"

namespace sluice::wire {
namespace {

constexpr std::uint16_t kTcpChecksumField = 16;  // offset in the TCP header
constexpr std::uint16_t kIcmpChecksumField = 2;

// What the device is to do: finish the sum and, for a payload of several segments, cut it.
VirtioNetHeader tcp_offload(bool is_v4, std::size_t ip_length, std::size_t tcp_length,
                            const PayloadFacts& payload) {
  VirtioNetHeader offload;
  offload.header_length = static_cast<std::uint16_t>(ip_length + tcp_length);
  if (payload.payload_sum != nullptr) return offload;
  offload.flags = VirtioNetHeader::kNeedsChecksum;
  offload.checksum_start = static_cast<std::uint16_t>(ip_length);
  offload.checksum_offset = kTcpChecksumField;
  if (payload.gso_size > 0 && payload.length > payload.gso_size) {
    offload.gso_type = is_v4 ? VirtioNetHeader::kGsoTcpV4 : VirtioNetHeader::kGsoTcpV6;
    offload.gso_size = payload.gso_size;
  }
  return offload;
}

}  // namespace

std::size_t build_tcp_packet(MutableBytes out, IpFields ip, const TcpHeader& tcp,
                             const PayloadFacts& payload) {
  ip.protocol = kProtocolTcp;
  const MutableBytes packet = out.subspan(kVirtioNetHeaderSize);
  const std::size_t ip_length = ip_header_length(ip.destination);
  const std::size_t tcp_length = build_tcp(packet.subspan(ip_length), tcp);
  build_ip(packet, ip, tcp_length + payload.length);
  build_virtio_net(out, tcp_offload(ip.destination.is_v4(), ip_length, tcp_length, payload));

  Checksum sum;
  sum.add_pseudo_header(ip.source, ip.destination, kProtocolTcp,
                        static_cast<std::uint32_t>(tcp_length + payload.length));
  const MutableBytes header = packet.subspan(ip_length, tcp_length);
  std::uint16_t field = sum.folded();
  if (payload.payload_sum != nullptr) {
    sum.add(header);
    sum.add_u16(payload.payload_sum->folded());
    field = sum.finished();  // RFC 9293 MUST-2
  }
  store_be16(header.data() + kTcpChecksumField, field);
  return kVirtioNetHeaderSize + ip_length + tcp_length;
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
