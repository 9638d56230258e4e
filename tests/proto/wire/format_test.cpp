#include "proto/wire/format.hpp"

#include <gtest/gtest.h>

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
            "IP 10.0.5.100 > 10.0.5.101: ICMP type 3 code 3, length 36");
}

TEST(Format, what_cannot_be_parsed_is_named) {
  EXPECT_EQ(line(""), "truncated, 0 bytes");
  EXPECT_EQ(line("00"), "bad_ip_version, 1 bytes");
  EXPECT_EQ(line(sample::kTcpSynV4, {.flags = 1, .checksum_start = 100}),
            "bad_virtio_header, 60 bytes");
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
