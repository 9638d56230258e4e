#include "proto/wire/build.hpp"

#include <gtest/gtest.h>

#include "proto/wire/packet.hpp"
#include "tests/proto/wire/random_tcp.hpp"
#include "tests/proto/wire/sample_packets.hpp"

namespace sluice::wire {
namespace {

using sample::ByteVector;
using sample::from_hex;

// Headers and payload together, as the device gets them.
struct Built {
  VirtioNetHeader offload;
  ByteVector packet;  // from the IP header on
};

Built join(const ByteVector& headers, std::size_t length, Bytes payload) {
  Built built{parse_virtio_net(headers), {}};
  built.packet.assign(headers.begin() + kVirtioNetHeaderSize,
                      headers.begin() + static_cast<std::ptrdiff_t>(length));
  built.packet.insert(built.packet.end(), payload.begin(), payload.end());
  return built;
}

Built build_tcp_with(const IpFields& ip, const TcpHeader& tcp, const ByteVector& payload,
                     std::uint16_t gso_size, bool complete) {
  ByteVector headers(kMaxHeaders, 0xee);
  Checksum sum;
  sum.add(payload);
  const PayloadFacts facts{.length = static_cast<std::uint32_t>(payload.size()),
                           .gso_size = gso_size,
                           .payload_sum = complete ? &sum : nullptr};
  return join(headers, build_tcp_packet(headers, ip, tcp, facts), payload);
}

Built build_udp_with(const IpFields& ip, const UdpHeader& udp, const ByteVector& payload,
                     std::uint16_t gso_size, bool complete) {
  ByteVector headers(kMaxHeaders, 0xee);
  Checksum sum;
  sum.add(payload);
  const PayloadFacts facts{.length = static_cast<std::uint32_t>(payload.size()),
                           .gso_size = gso_size,
                           .payload_sum = complete ? &sum : nullptr};
  return join(headers, build_udp_packet(headers, ip, udp, facts), payload);
}

Built build_icmp_with(const IpFields& ip, const IcmpHeader& icmp, const ByteVector& payload) {
  ByteVector headers(kMaxHeaders, 0xee);
  return join(headers, build_icmp_packet(headers, ip, icmp, payload), payload);
}

// What the device does for NEEDS_CSUM: sums from the start on and puts the result in the field.
void finish_sum(Built& built) {
  Checksum sum;
  sum.add(Bytes(built.packet).subspan(built.offload.checksum_start));
  const std::size_t field =
      std::size_t{built.offload.checksum_start} + built.offload.checksum_offset;
  sample::set_u16(built.packet, field, sum.finished());
  built.offload.flags = 0;
}

const IpFields kV4{.source = sample::address("10.0.5.100"),
                   .destination = sample::address("10.0.5.101")};
const IpFields kV6{.source = sample::address("fd00::100"),
                   .destination = sample::address("fd00::101")};

TcpHeader header_of(std::string_view hex) {
  Packet packet;
  EXPECT_EQ(sample::parse(from_hex(hex), {}, packet), DropReason::none);
  return packet.tcp;
}

TEST(BuildTcpPacket, RFC9293_MUST_2_a_complete_sum_makes_the_captured_syn) {
  IpFields v4 = kV4;
  v4.identification = 0xcadf;
  const Built syn4 = build_tcp_with(v4, header_of(sample::kTcpSynV4), {}, 0, true);
  EXPECT_EQ(syn4.packet, from_hex(sample::kTcpSynV4));
  EXPECT_EQ(syn4.offload.flags, 0);
  EXPECT_EQ(syn4.offload.gso_type, VirtioNetHeader::kGsoNone);
  IpFields v6 = kV6;
  v6.flow_label = 0x46706;
  EXPECT_EQ(build_tcp_with(v6, header_of(sample::kTcpSynV6), {}, 0, true).packet,
            from_hex(sample::kTcpSynV6));
}

TEST(BuildTcpPacket, an_offloaded_sum_is_that_of_the_pseudo_header) {
  const ByteVector payload(1'000, 0x5a);
  for (const IpFields& ip : {kV4, kV6}) {
    const std::uint16_t ip_length = ip.source.is_v4() ? 20 : 40;
    Built built = build_tcp_with(ip, header_of(sample::kTcpSynV4), payload, 0, false);
    EXPECT_EQ(built.offload,
              (VirtioNetHeader{.flags = VirtioNetHeader::kNeedsChecksum,
                               .gso_type = VirtioNetHeader::kGsoNone,
                               .header_length = static_cast<std::uint16_t>(ip_length + 40),
                               .gso_size = 0,
                               .checksum_start = ip_length,
                               .checksum_offset = 16}));
    Checksum pseudo;
    pseudo.add_pseudo_header(ip.source, ip.destination, 6, 1'040);
    EXPECT_EQ(load_be16(&built.packet[ip_length + 16U]), pseudo.folded());
    finish_sum(built);
    EXPECT_EQ(sample::parse(built.packet), DropReason::none);
  }
}

TEST(BuildTcpPacket, segmentation_is_asked_for_only_beyond_one_segment) {
  const TcpHeader tcp = header_of(sample::kTcpSynV4);
  const ByteVector payload(1'449, 1);
  Built built = build_tcp_with(kV4, tcp, payload, 1'448, false);
  EXPECT_EQ(built.offload.gso_type, VirtioNetHeader::kGsoTcpV4);
  EXPECT_EQ(built.offload.gso_size, 1'448);
  built = build_tcp_with(kV6, tcp, payload, 1'448, false);
  EXPECT_EQ(built.offload.gso_type, VirtioNetHeader::kGsoTcpV6);
  for (const int size : {0, 1'449, 1'450}) {
    built = build_tcp_with(kV4, tcp, payload, static_cast<std::uint16_t>(size), false);
    EXPECT_EQ(built.offload.gso_type, VirtioNetHeader::kGsoNone) << size;
    EXPECT_EQ(built.offload.gso_size, 0) << size;
  }
}

TEST(BuildTcpPacket, a_super_segment_carries_the_pseudo_sum_of_its_full_length) {
  const ByteVector payload(60'001, 7);
  Built built = build_tcp_with(kV4, header_of(sample::kTcpSynV4), payload, 1'448, false);
  Packet packet;
  ASSERT_EQ(sample::parse(built.packet, built.offload, packet), DropReason::none);
  EXPECT_EQ(packet.gso_size, 1'448);
  EXPECT_EQ(packet.payload_length, 60'001U);
  finish_sum(built);
  EXPECT_EQ(sample::parse(built.packet), DropReason::none);
}

TEST(BuildTcpPacket, RFC9293_MUST_2_what_is_built_can_be_parsed) {
  Rng rng(793);
  for (int i = 0; i < 5'000; ++i) {
    const IpFields& ip = rng.chance(0.5) ? kV4 : kV6;
    const TcpHeader tcp = sample::random_header(rng);
    ByteVector payload(rng.below(100));
    for (auto& byte : payload) byte = static_cast<std::uint8_t>(rng.next());
    const bool complete = rng.chance(0.5);
    Built built = build_tcp_with(ip, tcp, payload, 0, complete);
    if (!complete) finish_sum(built);
    Packet packet;
    ASSERT_EQ(sample::parse(built.packet, {}, packet), DropReason::none);
    EXPECT_EQ(packet.source, ip.source);
    EXPECT_EQ(packet.destination, ip.destination);
    EXPECT_TRUE(sample::same(packet.tcp, tcp));
    EXPECT_EQ(packet.payload_length, payload.size());
    EXPECT_EQ(packet.payload_offset + packet.payload_length, built.packet.size());
  }
}

// --- UDP ----------------------------------------------------------------------------------------

const UdpHeader kUdpPorts{.source_port = 50'464, .destination_port = 9};

TEST(BuildUdpPacket, RFC768_R768_1_makes_the_captured_datagrams) {
  IpFields v4 = kV4;
  v4.identification = 0xefb8;
  const Built built = build_udp_with(v4, kUdpPorts, {'h', 'e', 'l', 'l', 'o'}, 0, true);
  EXPECT_EQ(built.packet, from_hex(sample::kUdpV4));
  EXPECT_EQ(built.offload.flags, 0);
  IpFields v6 = kV6;
  v6.flow_label = 0xe0c20;
  const UdpHeader ports{.source_port = 0xc61e, .destination_port = 9};
  EXPECT_EQ(build_udp_with(v6, ports, {'h', 'e', 'l', 'l', 'o', '!'}, 0, true).packet,
            from_hex(sample::kUdpV6));
}

TEST(BuildUdpPacket, RFC768_R768_2_a_sum_of_zero_goes_out_as_all_ones) {
  int all_ones = 0;
  for (std::uint32_t word = 0; word <= 0xffff; ++word) {
    ByteVector payload(2);
    sample::set_u16(payload, 0, static_cast<std::uint16_t>(word));
    const Built built = build_udp_with(kV4, kUdpPorts, payload, 0, true);
    const std::uint16_t sum = load_be16(&built.packet[sample::kTransportV4 + 6]);
    ASSERT_NE(sum, 0) << "would say that there is none";
    if (sum != 0xffff) continue;
    ++all_ones;
    EXPECT_EQ(sample::parse(built.packet), DropReason::none);
  }
  EXPECT_EQ(all_ones, 1);
}

TEST(BuildUdpPacket, an_offloaded_sum_is_that_of_the_pseudo_header) {
  const ByteVector payload(1'001, 0x5a);
  for (const IpFields& ip : {kV4, kV6}) {
    const std::uint16_t ip_length = ip.source.is_v4() ? 20 : 40;
    Built built = build_udp_with(ip, kUdpPorts, payload, 0, false);
    EXPECT_EQ(built.offload,
              (VirtioNetHeader{.flags = VirtioNetHeader::kNeedsChecksum,
                               .gso_type = VirtioNetHeader::kGsoNone,
                               .header_length = static_cast<std::uint16_t>(ip_length + 8),
                               .gso_size = 0,
                               .checksum_start = ip_length,
                               .checksum_offset = 6}));
    Checksum pseudo;
    pseudo.add_pseudo_header(ip.source, ip.destination, 17, 1'009);
    EXPECT_EQ(load_be16(&built.packet[ip_length + 6U]), pseudo.folded());
    finish_sum(built);
    EXPECT_EQ(sample::parse(built.packet), DropReason::none);
  }
}

TEST(BuildUdpPacket, several_are_one_packet_of_their_full_length) {
  const ByteVector payload(60'001, 7);
  for (const IpFields& ip : {kV4, kV6}) {
    Built built = build_udp_with(ip, kUdpPorts, payload, 1'200, false);
    EXPECT_EQ(built.offload.gso_type, VirtioNetHeader::kGsoUdpL4);
    EXPECT_EQ(built.offload.gso_size, 1'200);
    Packet packet;
    ASSERT_EQ(sample::parse(built.packet, built.offload, packet), DropReason::none);
    EXPECT_EQ(packet.gso_size, 1'200);
    EXPECT_EQ(packet.udp.length, 60'009);
    EXPECT_EQ(packet.payload_length, 60'001U);
    finish_sum(built);
    EXPECT_EQ(sample::parse(built.packet), DropReason::none);
  }
  for (const int size : {0, 60'001, 60'002}) {
    const Built built =
        build_udp_with(kV4, kUdpPorts, payload, static_cast<std::uint16_t>(size), false);
    EXPECT_EQ(built.offload.gso_type, VirtioNetHeader::kGsoNone) << size;
    EXPECT_EQ(built.offload.gso_size, 0) << size;
  }
}

TEST(BuildUdpPacket, RFC768_R768_3_what_is_built_can_be_parsed) {
  Rng rng(768);
  for (int i = 0; i < 2'000; ++i) {
    const IpFields& ip = rng.chance(0.5) ? kV4 : kV6;
    const UdpHeader ports{.source_port = static_cast<std::uint16_t>(rng.below(65'536)),
                          .destination_port = static_cast<std::uint16_t>(rng.below(65'536)),
                          .length = 1,  // filled in
                          .checksum = 2};
    ByteVector payload(rng.below(100));
    for (auto& byte : payload) byte = static_cast<std::uint8_t>(rng.next());
    const bool complete = rng.chance(0.5);
    Built built = build_udp_with(ip, ports, payload, 0, complete);
    if (!complete) finish_sum(built);
    Packet packet;
    ASSERT_EQ(sample::parse(built.packet, {}, packet), DropReason::none);
    EXPECT_EQ(packet.source, ip.source);
    EXPECT_EQ(packet.destination, ip.destination);
    EXPECT_EQ(packet.udp.source_port, ports.source_port);
    EXPECT_EQ(packet.udp.destination_port, ports.destination_port);
    EXPECT_EQ(packet.udp.length, kUdpHeader + payload.size());
    EXPECT_EQ(packet.payload_length, payload.size());
  }
}

// --- ICMP ---------------------------------------------------------------------------------------

TEST(BuildIcmpPacket, RFC792_R792_2_makes_the_captured_echo) {
  IpFields ip = kV4;
  ip.identification = 0xb8de;
  const IcmpHeader echo{.type = icmp_v4::kEcho, .code = 0, .rest = 0x00010002};
  const Built built = build_icmp_with(ip, echo, {'a', 'b', 'c'});
  EXPECT_EQ(built.packet, from_hex(sample::kEchoV4));
  EXPECT_EQ(built.offload, VirtioNetHeader());
}

TEST(BuildIcmpPacket, RFC4443_R4443_1_makes_the_captured_echo) {
  IpFields ip = kV6;
  ip.flow_label = 0x7e0c8;
  const IcmpHeader echo{.type = icmp_v6::kEcho, .code = 0, .rest = 0x00010002};
  const Built built = build_icmp_with(ip, echo, {'a', 'b', 'c'});
  EXPECT_EQ(built.packet, from_hex(sample::kEchoV6));
}

TEST(BuildIcmpPacket, RFC792_R792_2_makes_the_captured_error) {
  IpFields ip = kV4;
  ip.identification = 0xb8e2;
  ip.traffic_class = 0xc0;
  const ByteVector captured = from_hex(sample::kPortUnreachableV4);
  const Built built = build_icmp_with(ip, {.type = icmp_v4::kUnreachable, .code = 3},
                                      ByteVector(captured.begin() + 28, captured.end()));
  // The kernel lets errors be fragmented; we never do.
  ByteVector expected = captured;
  expected[6] = 0x40;
  sample::repair_ipv4_sum(expected);
  EXPECT_EQ(built.packet, expected);
}

}  // namespace
}  // namespace sluice::wire
