#include "proto/wire/packet.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/proto/wire/sample_packets.hpp"

namespace sluice::wire {
namespace {

using sample::ByteVector;
using sample::data_valid;
using sample::from_hex;
using sample::kTransportV4;
using sample::kTransportV6;
using sample::parse;

VirtioNetHeader needs_checksum(std::uint16_t start, std::uint16_t offset) {
  VirtioNetHeader offload;
  offload.flags = VirtioNetHeader::kNeedsChecksum;
  offload.checksum_start = start;
  offload.checksum_offset = offset;
  return offload;
}

VirtioNetHeader gso(std::uint8_t type, std::uint16_t size) {
  VirtioNetHeader offload = data_valid();
  offload.gso_type = type;
  offload.gso_size = size;
  return offload;
}

TEST(ParsePacket, a_captured_syn_of_each_family) {
  Packet packet;
  ASSERT_EQ(parse(from_hex(sample::kTcpSynV4), {}, packet), DropReason::none);
  EXPECT_EQ(packet.source.to_string(), "10.0.5.100");
  EXPECT_EQ(packet.destination.to_string(), "10.0.5.101");
  EXPECT_EQ(packet.protocol, kProtocolTcp);
  EXPECT_EQ(packet.hop_limit, 64);
  EXPECT_EQ(packet.gso_size, 0);
  EXPECT_EQ(packet.transport_offset, 20U);
  EXPECT_EQ(packet.payload_offset, 60U);
  EXPECT_EQ(packet.payload_length, 0U);
  EXPECT_EQ(packet.tcp.source_port, 53'036);
  ASSERT_EQ(parse(from_hex(sample::kTcpSynV6), {}, packet), DropReason::none);
  EXPECT_EQ(packet.source.to_string(), "fd00::100");
  EXPECT_EQ(packet.transport_offset, 40U);
  EXPECT_EQ(packet.payload_offset, 80U);
  EXPECT_EQ(packet.tcp.options.mss, 1440);
}

TEST(ParsePacket, a_captured_datagram_of_each_family) {
  Packet packet;
  ASSERT_EQ(parse(from_hex(sample::kUdpV4), {}, packet), DropReason::none);
  EXPECT_EQ(packet.udp.destination_port, 9);
  EXPECT_EQ(packet.payload_offset, 28U);
  EXPECT_EQ(packet.payload_length, 5U);
  ASSERT_EQ(parse(from_hex(sample::kUdpV6), {}, packet), DropReason::none);
  EXPECT_EQ(packet.payload_offset, 48U);
  EXPECT_EQ(packet.payload_length, 6U);
}

TEST(ParsePacket, a_captured_echo_of_each_family) {
  Packet packet;
  ASSERT_EQ(parse(from_hex(sample::kEchoV4), {}, packet), DropReason::none);
  EXPECT_EQ(packet.icmp.type, icmp_v4::kEcho);
  EXPECT_EQ(packet.payload_length, 3U);
  ASSERT_EQ(parse(from_hex(sample::kEchoV6), {}, packet), DropReason::none);
  EXPECT_EQ(packet.icmp.type, icmp_v6::kEcho);
  EXPECT_EQ(packet.payload_offset, 48U);
}

TEST(ParsePacket, padding_is_no_payload) {
  for (const std::string_view hex : sample::kCaptured) {
    ByteVector bytes = from_hex(hex);
    Packet exact;
    ASSERT_EQ(parse(bytes, {}, exact), DropReason::none);
    bytes.resize(bytes.size() + 7, 0xee);
    Packet padded;
    ASSERT_EQ(parse(bytes, {}, padded), DropReason::none);
    EXPECT_EQ(padded.payload_length, exact.payload_length);
  }
}

TEST(ParsePacket, every_shorter_packet_is_truncated) {
  for (const std::string_view hex : sample::kCaptured) {
    const ByteVector bytes = from_hex(hex);
    for (std::size_t length = 0; length < bytes.size(); ++length) {
      Packet packet;
      EXPECT_EQ(parse_packet(Bytes(bytes).first(length), {}, packet), DropReason::truncated);
    }
  }
}

TEST(ParsePacket, RFC9293_MUST_3_no_flipped_bit_of_the_transport_goes_unseen) {
  for (const std::string_view hex : sample::kCaptured) {
    const ByteVector bytes = from_hex(hex);
    const std::size_t transport = bytes[0] >> 4 == 4 ? kTransportV4 : kTransportV6;
    for (std::size_t bit = transport * 8; bit < bytes.size() * 8; ++bit) {
      ByteVector wrong = bytes;
      wrong[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
      EXPECT_NE(parse(wrong), DropReason::none) << hex << " bit " << bit;
    }
  }
}

TEST(ParsePacket, bad_checksum_of_each_transport) {
  for (const std::string_view hex : sample::kCaptured) {
    ByteVector bytes = from_hex(hex);
    bytes.back() ^= 1;
    EXPECT_EQ(parse(bytes), DropReason::bad_checksum) << hex;
    EXPECT_EQ(parse(bytes, data_valid()), DropReason::none) << hex;
  }
}

TEST(ParsePacket, an_unfinished_sum_is_trusted_but_not_for_icmp) {
  for (const std::string_view hex : sample::kCaptured) {
    ByteVector bytes = from_hex(hex);
    bytes.back() ^= 1;
    const bool is_icmp = bytes[0] >> 4 == 4 ? bytes[9] == 1 : bytes[6] == 58;
    EXPECT_EQ(parse(bytes, needs_checksum(20, 6)),
              is_icmp ? DropReason::bad_checksum : DropReason::none);
  }
}

TEST(ParsePacket, truncated_when_empty) {
  EXPECT_EQ(parse({}), DropReason::truncated);
}

TEST(ParsePacket, bad_virtio_header_when_the_sum_lies_outside) {
  const ByteVector bytes = from_hex(sample::kTcpSynV4);  // 60 bytes
  EXPECT_EQ(parse(bytes, needs_checksum(20, 16)), DropReason::none);
  EXPECT_EQ(parse(bytes, needs_checksum(42, 16)), DropReason::none);
  EXPECT_EQ(parse(bytes, needs_checksum(43, 16)), DropReason::bad_virtio_header);
  EXPECT_EQ(parse(bytes, needs_checksum(0xffff, 0xffff)), DropReason::bad_virtio_header);
  VirtioNetHeader unasked = needs_checksum(0xffff, 0xffff);
  unasked.flags = 0;
  EXPECT_EQ(parse(bytes, unasked), DropReason::none);
}

TEST(ParsePacket, bad_virtio_header_of_an_impossible_segmentation) {
  const ByteVector bytes = from_hex(sample::kTcpSynV4);
  for (const int type : {1, 4, 5, 0x81, 0x84}) {
    const auto t = static_cast<std::uint8_t>(type);
    Packet packet;
    ASSERT_EQ(parse(bytes, gso(t, 1'448), packet), DropReason::none) << type;
    EXPECT_EQ(packet.gso_size, 1'448);
    EXPECT_EQ(parse(bytes, gso(t, 0)), DropReason::bad_virtio_header) << type;
  }
  for (const int type : {2, 3, 6, 0x7f, 0x80, 0x83, 0x85, 0xff}) {
    EXPECT_EQ(parse(bytes, gso(static_cast<std::uint8_t>(type), 1'448)),
              DropReason::bad_virtio_header)
        << type;
  }
}

TEST(ParsePacket, a_segment_size_without_segmentation_is_nothing) {
  Packet packet;
  ASSERT_EQ(parse(from_hex(sample::kTcpSynV4), gso(0, 1'448), packet), DropReason::none);
  EXPECT_EQ(packet.gso_size, 0);
}

TEST(ParsePacket, the_header_length_of_the_device_is_never_used) {
  VirtioNetHeader offload = gso(VirtioNetHeader::kGsoTcpV4, 100);
  offload.header_length = 0xffff;
  Packet packet;
  ASSERT_EQ(parse(from_hex(sample::kTcpSynV4), offload, packet), DropReason::none);
  EXPECT_EQ(packet.payload_offset, 60U);
}

TEST(ParsePacket, bad_ip_version) {
  for (const std::uint8_t first : from_hex("05 15 25 35 55 75 85 f5")) {
    ByteVector bytes = from_hex(sample::kTcpSynV4);
    bytes[0] = first;
    EXPECT_EQ(parse(bytes), DropReason::bad_ip_version);
  }
}

TEST(ParsePacket, bad_ip_header) {
  ByteVector bytes = from_hex(sample::kTcpSynV4);
  bytes[0] = 0x44;
  EXPECT_EQ(parse(bytes), DropReason::bad_ip_header);
}

TEST(ParsePacket, RFC1122_R1122_1_bad_ip_checksum_whatever_the_device_says) {
  ByteVector bytes = from_hex(sample::kTcpSynV4);
  bytes[10] ^= 1;
  EXPECT_EQ(parse(bytes), DropReason::bad_ip_checksum);
  EXPECT_EQ(parse(bytes, data_valid()), DropReason::bad_ip_checksum);
}

DropReason parse_from_v4(std::uint32_t source) {
  ByteVector bytes = from_hex(sample::kTcpSynV4);
  store_be32(&bytes[12], source);
  sample::repair_ipv4_sum(bytes);
  return parse(bytes, data_valid());
}

DropReason parse_between_v6(std::string_view source, std::string_view destination) {
  ByteVector bytes = from_hex(sample::kTcpSynV6);
  const auto from = sample::address(source).bytes();
  const auto to = sample::address(destination).bytes();
  std::copy(from.begin(), from.end(), bytes.begin() + 8);
  std::copy(to.begin(), to.end(), bytes.begin() + 24);
  return parse(bytes, data_valid());
}

// RFC 9293 MUST-63
TEST(ParsePacket, RFC1122_R1122_3_bad_source_address) {
  for (const std::uint32_t source :
       {0x00000000U, 0x7f000001U, 0x7fffffffU, 0xe0000001U, 0xefffffffU, 0xffffffffU}) {
    EXPECT_EQ(parse_from_v4(source), DropReason::bad_source_address) << source;
  }
  EXPECT_EQ(parse_from_v4(0x01020304), DropReason::none);
  for (const char* const source : {"::", "::1", "ff02::1"}) {
    EXPECT_EQ(parse_between_v6(source, "fd00::1"), DropReason::bad_source_address) << source;
  }
  EXPECT_EQ(parse_between_v6("fd00::2", "ff02::1"), DropReason::none);  // the shard's business
}

// The shard does not listen to groups; but nothing is wrong with such a packet.
TEST(ParsePacket, who_has_no_address_yet_may_speak_to_a_group) {
  EXPECT_EQ(parse_between_v6("::", "ff02::16"), DropReason::none);
  EXPECT_EQ(parse_between_v6("::1", "ff02::16"), DropReason::bad_source_address);
}

TEST(ParsePacket, bad_source_address_when_mapped_inside_ipv6) {
  EXPECT_EQ(parse_between_v6("::ffff:10.0.0.1", "fd00::1"), DropReason::bad_source_address);
  EXPECT_EQ(parse_between_v6("fd00::1", "::ffff:10.0.0.1"), DropReason::bad_source_address);
}

TEST(ParsePacket, RFC8200_R8200_2_bad_extension_header) {
  const ByteVector hop_by_hop_comes_second = from_hex("0000 0104 00000000 1100 0104 00000000");
  EXPECT_EQ(parse(sample::with_extensions(from_hex(sample::kUdpV6), 60, hop_by_hop_comes_second)),
            DropReason::bad_extension_header);
}

TEST(ParsePacket, reads_the_transport_behind_extension_headers) {
  const ByteVector chain = from_hex("3c00 0104 00000000 1100 0104 00000000");
  Packet packet;
  ASSERT_EQ(parse(sample::with_extensions(from_hex(sample::kUdpV6), 0, chain), {}, packet),
            DropReason::none);
  EXPECT_EQ(packet.protocol, kProtocolUdp);
  EXPECT_EQ(packet.transport_offset, 56U);
  EXPECT_EQ(packet.payload_offset, 64U);
  EXPECT_EQ(packet.payload_length, 6U);
}

TEST(ParsePacket, RFC8200_R8200_8_fragment_but_not_an_atomic_one) {
  ByteVector v4 = from_hex(sample::kUdpV4);
  sample::set_u16(v4, 6, 0x2000);
  sample::repair_ipv4_sum(v4);
  EXPECT_EQ(parse(v4), DropReason::fragment);
  sample::set_u16(v4, 6, 0x0010);
  sample::repair_ipv4_sum(v4);
  EXPECT_EQ(parse(v4), DropReason::fragment);
  const ByteVector v6 = from_hex(sample::kUdpV6);
  EXPECT_EQ(parse(sample::with_extensions(v6, 44, from_hex("1100 0001 00000001"))),
            DropReason::fragment);
  EXPECT_EQ(parse(sample::with_extensions(v6, 44, from_hex("1100 0000 00000001"))),
            DropReason::none);
}

TEST(ParsePacket, a_bad_source_is_named_before_a_fragment) {
  ByteVector bytes = from_hex(sample::kUdpV4);
  sample::set_u16(bytes, 6, 0x2000);
  store_be32(&bytes[12], 0);
  sample::repair_ipv4_sum(bytes);
  EXPECT_EQ(parse(bytes), DropReason::bad_source_address);
}

TEST(ParsePacket, RFC8200_R8200_2_unknown_protocol) {
  for (const std::uint8_t protocol : from_hex("00 3a 29 84 ff")) {  // ICMPv6 among them
    ByteVector bytes = from_hex(sample::kTcpSynV4);
    bytes[9] = protocol;
    sample::repair_ipv4_sum(bytes);
    EXPECT_EQ(parse(bytes, data_valid()), DropReason::unknown_protocol) << int{protocol};
  }
  for (const std::uint8_t protocol : from_hex("01 3b 32 33 ff")) {  // ICMP, none, AH, ESP
    ByteVector bytes = from_hex(sample::kTcpSynV6);
    bytes[6] = protocol;
    EXPECT_EQ(parse(bytes, data_valid()), DropReason::unknown_protocol) << int{protocol};
  }
}

TEST(ParsePacket, bad_tcp_header) {
  ByteVector bytes = from_hex(sample::kTcpSynV4);
  bytes[kTransportV4 + 12] = 0x40;
  EXPECT_EQ(parse(bytes), DropReason::bad_tcp_header);
  bytes[kTransportV4 + 12] = 0xb0;
  EXPECT_EQ(parse(bytes), DropReason::bad_tcp_header);
}

TEST(ParsePacket, RFC9293_MUST_7_bad_tcp_option) {
  ByteVector bytes = from_hex(sample::kTcpSynV4);
  bytes[kTransportV4 + 21] = 1;
  EXPECT_EQ(parse(bytes), DropReason::bad_tcp_option);
}

TEST(ParsePacket, RFC768_R768_3_bad_udp_header) {
  ByteVector bytes = from_hex(sample::kUdpV4);
  sample::set_u16(bytes, kTransportV4 + 4, 14);
  EXPECT_EQ(parse(bytes), DropReason::bad_udp_header);
}

TEST(ParsePacket, RFC768_R768_3_bytes_behind_the_udp_length_are_no_data) {
  ByteVector bytes = from_hex(sample::kUdpV4);
  bytes.resize(bytes.size() + 3, 0xee);
  sample::set_u16(bytes, 2, static_cast<std::uint16_t>(bytes.size()));
  sample::repair_ipv4_sum(bytes);
  Packet packet;
  ASSERT_EQ(parse(bytes, {}, packet), DropReason::none);  // nor are they summed
  EXPECT_EQ(packet.payload_length, 5U);
}

TEST(ParsePacket, RFC768_R768_2_udp_without_a_sum_over_ipv4) {
  ByteVector bytes = from_hex(sample::kUdpV4);
  sample::set_u16(bytes, kTransportV4 + 6, 0);
  EXPECT_EQ(parse(bytes), DropReason::none);
}

TEST(ParsePacket, RFC768_R768_4_udp_without_a_sum_over_ipv6) {
  ByteVector bytes = from_hex(sample::kUdpV6);
  sample::set_u16(bytes, kTransportV6 + 6, 0);
  EXPECT_EQ(parse(bytes), DropReason::bad_checksum);
  EXPECT_EQ(parse(bytes, data_valid()), DropReason::bad_checksum);
}

TEST(ParsePacket, RFC768_R768_5_udp_from_port_zero) {
  ByteVector bytes = from_hex(sample::kUdpV4);
  sample::set_u16(bytes, kTransportV4, 0);
  EXPECT_EQ(parse(bytes, data_valid()), DropReason::none);
}

TEST(ParsePacket, bad_icmp_header) {
  ByteVector bytes = from_hex(sample::kEchoV4);
  bytes.resize(27);
  sample::set_u16(bytes, 2, 27);
  sample::repair_ipv4_sum(bytes);
  EXPECT_EQ(parse(bytes), DropReason::bad_icmp_header);
}

TEST(ParsePacket, bad_port_of_tcp_zero) {
  for (const std::size_t port : {kTransportV4, kTransportV4 + 2}) {
    ByteVector bytes = from_hex(sample::kTcpSynV4);
    sample::set_u16(bytes, port, 0);
    EXPECT_EQ(parse(bytes, data_valid()), DropReason::bad_port);
  }
}

class ParseQuote : public testing::Test {
 protected:
  bool parse(const ByteVector& quote, bool is_v6 = false) {
    return parse_quote(quote, is_v6, segment_);
  }
  static ByteVector cut(std::string_view hex, std::size_t length) {
    ByteVector bytes = from_hex(hex);
    bytes.resize(length);
    return bytes;
  }
  QuotedSegment segment_;
};

TEST_F(ParseQuote, RFC792_R792_2_needs_the_header_and_eight_bytes) {
  ASSERT_TRUE(parse(cut(sample::kTcpSynV4, 28)));
  EXPECT_EQ(segment_.source.to_string(), "10.0.5.100");
  EXPECT_EQ(segment_.destination.to_string(), "10.0.5.101");
  EXPECT_EQ(segment_.protocol, kProtocolTcp);
  EXPECT_EQ(segment_.source_port, 53'036);
  EXPECT_EQ(segment_.destination_port, 7);
  EXPECT_EQ(segment_.sequence, 0xe508a53aU);
  for (std::size_t length = 0; length < 28; ++length) {
    EXPECT_FALSE(parse(cut(sample::kTcpSynV4, length)));
  }
}

TEST_F(ParseQuote, of_ipv6) {
  ASSERT_TRUE(parse(cut(sample::kTcpSynV6, 48), true));
  EXPECT_EQ(segment_.source.to_string(), "fd00::100");
  EXPECT_EQ(segment_.source_port, 41'468);
  EXPECT_EQ(segment_.sequence, 0xf6134b16U);
  for (std::size_t length = 0; length < 48; ++length) {
    EXPECT_FALSE(parse(cut(sample::kTcpSynV6, length), true));
  }
}

TEST_F(ParseQuote, of_udp_has_no_sequence) {
  segment_.sequence = 1;
  ASSERT_TRUE(parse(from_hex(sample::kUdpV4)));
  EXPECT_EQ(segment_.protocol, kProtocolUdp);
  EXPECT_EQ(segment_.destination_port, 9);
  EXPECT_EQ(segment_.sequence, 0U);
}

TEST_F(ParseQuote, of_another_protocol_has_no_ports) {
  ASSERT_TRUE(parse(from_hex(sample::kEchoV4)));
  EXPECT_EQ(segment_.protocol, kProtocolIcmp);
  EXPECT_EQ(segment_.source_port, 0);
  EXPECT_EQ(segment_.destination_port, 0);
}

TEST_F(ParseQuote, inside_a_captured_error) {
  const ByteVector bytes = from_hex(sample::kPortUnreachableV4);
  Packet packet;
  ASSERT_EQ(sample::parse(bytes, {}, packet), DropReason::none);
  ASSERT_TRUE(parse_quote(Bytes(bytes).subspan(packet.payload_offset, packet.payload_length), false,
                          segment_));
  EXPECT_EQ(segment_.source.to_string(), "10.0.5.101");
  EXPECT_EQ(segment_.source_port, 1'000);
  EXPECT_EQ(segment_.destination_port, 1'001);
}

TEST_F(ParseQuote, steps_over_ipv4_options) {
  ByteVector bytes = from_hex(sample::kTcpSynV4);
  bytes[0] = 0x46;
  bytes.insert(bytes.begin() + 20, {1, 1, 1, 0});
  ASSERT_TRUE(parse(bytes));
  EXPECT_EQ(segment_.destination_port, 7);
  bytes.resize(31);
  EXPECT_FALSE(parse(bytes));
}

TEST_F(ParseQuote, refuses_what_we_cannot_have_sent) {
  EXPECT_FALSE(parse(from_hex(sample::kTcpSynV4), true));  // the other family
  EXPECT_FALSE(parse(from_hex(sample::kTcpSynV6), false));
  ByteVector short_header = from_hex(sample::kTcpSynV4);
  short_header[0] = 0x44;
  EXPECT_FALSE(parse(short_header));
  ByteVector later_fragment = from_hex(sample::kTcpSynV4);
  later_fragment[7] = 1;
  EXPECT_FALSE(parse(later_fragment));
  ByteVector mapped = from_hex(sample::kTcpSynV6);
  const auto address = IpAddress::v4(0x0a000001).bytes();
  std::copy(address.begin(), address.end(), mapped.begin() + 8);
  EXPECT_FALSE(parse(mapped, true));
}

}  // namespace
}  // namespace sluice::wire
