#include "proto/wire/format.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/proto/wire/sample_packets.hpp"

namespace sluice::wire {
namespace {

using sample::from_hex;

std::string line(std::string_view hex, const VirtioNetHeader& offload = {}) {
  const sample::ByteVector packet = from_hex(hex);
  return format_packet(packet, offload);
}

TEST(Format, captured_packets) {
  EXPECT_EQ(line(sample::kTcpSynV4),
            "IP 10.0.5.100.53036 > 10.0.5.101.7: Flags [S], seq 3842549050, win 64240, options "
            "[mss 1460,sackOK,TS val 4227605232 ecr 0,wscale 10], length 0");
  EXPECT_EQ(line(sample::kTcpSynV6),
            "IP6 fd00::100.41468 > fd00::101.7: Flags [S], seq 4128459542, win 64800, options "
            "[mss 1440,sackOK,TS val 2440244270 ecr 0,wscale 10], length 0");
  EXPECT_EQ(line(sample::kUdpV4), "IP 10.0.5.100.50464 > 10.0.5.101.9: UDP, length 5");
  EXPECT_EQ(line(sample::kUdpV6), "IP6 fd00::100.50718 > fd00::101.9: UDP, length 6");
  EXPECT_EQ(line(sample::kEchoV4),
            "IP 10.0.5.100 > 10.0.5.101: ICMP echo request, id 1, seq 2, length 11");
  EXPECT_EQ(line(sample::kEchoV6),
            "IP6 fd00::100 > fd00::101: ICMP6, echo request, id 1, seq 2, length 11");
  EXPECT_EQ(line(sample::kPortUnreachableV4),
            "IP 10.0.5.100 > 10.0.5.101: ICMP destination unreachable, port unreachable, "
            "length 36");
}

// The captured UDP packet with another protocol, and what follows the IP header replaced.
std::string line_of(std::uint8_t protocol, std::string_view payload) {
  sample::ByteVector packet = from_hex(sample::kUdpV4);
  const sample::ByteVector bytes = from_hex(payload);
  packet.resize(sample::kTransportV4);
  packet.insert(packet.end(), bytes.begin(), bytes.end());
  packet[9] = protocol;
  sample::set_u16(packet, 2, static_cast<std::uint16_t>(packet.size()));
  sample::repair_ipv4_sum(packet);
  return format_packet(packet, {});
}

TEST(Format, what_cannot_be_told_apart_is_named) {
  EXPECT_EQ(line(""), "truncated, 0 bytes");
  EXPECT_EQ(line("00"), "bad_ip_version, 1 bytes");
  EXPECT_EQ(line("4500003c"), "truncated, 4 bytes");
}

TEST(Format, what_is_wrong_is_named_behind_what_can_be_told) {
  EXPECT_EQ(line(sample::kTcpSynV4, {.flags = 1, .checksum_start = 100}),
            line(sample::kTcpSynV4) + ", bad_virtio_header");
  sample::ByteVector packet = from_hex(sample::kUdpV4);
  packet.back() ^= 1;
  EXPECT_EQ(format_packet(packet, {}),
            "IP 10.0.5.100.50464 > 10.0.5.101.9: UDP, length 5, bad_checksum");
  packet.resize(30);
  EXPECT_EQ(format_packet(packet, {}),
            "IP 10.0.5.100.50464 > 10.0.5.101.9: UDP, length 2, truncated");
  EXPECT_EQ(line_of(6, "00090007"), "IP 10.0.5.100 > 10.0.5.101: TCP, length 4, bad_tcp_header");
}

TEST(Format, what_a_kernel_says_on_a_new_device) {
  EXPECT_EQ(line("6000000000083aff fe800000000000000000000000000001"
                 "ff020000000000000000000000000002 85007d3600000000"),
            "IP6 fe80::1 > ff02::2: ICMP6, router solicitation, length 8");
  // From the unspecified address, behind a hop-by-hop header with a router alert.
  EXPECT_EQ(line("6000000000240001 00000000000000000000000000000000"
                 "ff020000000000000000000000000016 3a00050200000100"
                 "8f006e8a00000001 04000000ff0200000000000000000001ff000100"),
            "IP6 :: > ff02::16: ICMP6, multicast listener report v2, length 28");
}

TEST(Format, icmp_by_name) {
  EXPECT_EQ(line_of(1, "0304 b283 0000 0578 45000000 00000000"),
            "IP 10.0.5.100 > 10.0.5.101: ICMP destination unreachable, fragmentation needed, "
            "mtu 1400, length 16");
  EXPECT_EQ(line_of(1, "2a01 d5fe 0000 0000"),
            "IP 10.0.5.100 > 10.0.5.101: ICMP type 42 code 1, length 8");
}

TEST(Format, other_protocols) {
  EXPECT_EQ(line_of(2, "2200f90200000001 04000000e00000fb"),
            "IP 10.0.5.100 > 10.0.5.101: IGMP v3 report, length 16");
  EXPECT_EQ(line_of(47, "00000800"), "IP 10.0.5.100 > 10.0.5.101: GRE, length 4");
  EXPECT_EQ(line_of(253, ""), "IP 10.0.5.100 > 10.0.5.101: protocol 253, length 0");
}

TEST(Format, fragments) {
  sample::ByteVector packet = from_hex(sample::kUdpV4);
  sample::set_u16(packet, 6, 0x2000);
  sample::repair_ipv4_sum(packet);
  EXPECT_EQ(format_packet(packet, {}),
            "IP 10.0.5.100 > 10.0.5.101: UDP fragment, id 61368, offset 0, more to come, "
            "length 13");
  packet = sample::with_extensions(from_hex(sample::kUdpV6), 44, from_hex("110005a800001234"));
  EXPECT_EQ(format_packet(packet, {}),
            "IP6 fd00::100 > fd00::101: UDP fragment, id 4660, offset 1448, length 14");
}

TEST(Format, mapped_addresses_are_not_taken_for_ipv4) {
  sample::ByteVector packet = from_hex(sample::kUdpV6);
  const sample::ByteVector mapped = from_hex("00000000000000000000ffff0a000565");
  std::copy(mapped.begin(), mapped.end(), packet.begin() + 8);
  EXPECT_EQ(format_packet(packet, {}), "IP6 ::ffff:10.0.5.101.50718 > fd00::101.9: UDP, length 6");
}

TEST(Format, a_segment_with_everything) {
  Packet packet;
  packet.source = sample::address("10.0.0.1");
  packet.destination = sample::address("10.0.0.2");
  packet.protocol = kProtocolTcp;
  packet.gso_size = 1'448;
  packet.payload_length = 2'896;
  packet.tcp.source_port = 1;
  packet.tcp.destination_port = 2;
  packet.tcp.sequence = 0xffffffff;
  packet.tcp.acknowledgment = 5;
  packet.tcp.flags = kAck | kPsh | kUrg;
  packet.tcp.window = 9;
  packet.tcp.urgent = 7;
  packet.tcp.options.sack_count = 2;
  packet.tcp.options.sack[0] = {1, 2};
  packet.tcp.options.sack[1] = {3, 4};
  EXPECT_EQ(format_packet(packet),
            "IP 10.0.0.1.1 > 10.0.0.2.2: Flags [P.U], seq 4294967295:2895, ack 5, win 9, urg 7, "
            "options [sack 2 {1:2}{3:4}], length 2896, gso 1448");
}

TEST(Format, echo_reply) {
  Packet packet;
  packet.source = packet.destination = sample::address("::1");
  packet.protocol = kProtocolIcmpV6;
  packet.icmp = {.type = icmp_v6::kEchoReply, .code = 0, .rest = 0x00030004};
  EXPECT_EQ(format_packet(packet), "IP6 ::1 > ::1: ICMP6, echo reply, id 3, seq 4, length 8");
}

TEST(Format, flags) {
  EXPECT_EQ(format_tcp_flags(0), "none");
  EXPECT_EQ(format_tcp_flags(kSyn | kAck), "S.");
  EXPECT_EQ(format_tcp_flags(kAck), ".");
  EXPECT_EQ(format_tcp_flags(0xff), "FSRP.UEW");
}

TEST(Format, options) {
  EXPECT_EQ(format_tcp_options(TcpOptions()), "");
  TcpOptions options;
  options.has_window_scale = true;
  EXPECT_EQ(format_tcp_options(options), "wscale 0");
  options.has_mss = true;
  options.mss = 536;
  EXPECT_EQ(format_tcp_options(options), "mss 536,wscale 0");
}

}  // namespace
}  // namespace sluice::wire
