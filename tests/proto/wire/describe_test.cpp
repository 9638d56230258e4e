#include "proto/wire/describe.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/proto/wire/sample_packets.hpp"

namespace sluice::wire {
namespace {

using sample::ByteVector;
using sample::from_hex;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

std::string describe(const ByteVector& packet, const VirtioNetHeader& offload = {}) {
  return describe_packet(packet, offload);
}

// A UDP datagram of "hello!" behind these extension headers, the first of kind `first`.
ByteVector behind_extensions(std::uint8_t first, std::string_view chain) {
  return sample::with_extensions(from_hex(sample::kUdpV6), first, from_hex(chain));
}

// `packet` with `payload` instead of its own, sums as they fall.
ByteVector ipv4_with(std::uint8_t protocol, std::string_view payload) {
  ByteVector packet = from_hex(sample::kEchoV4);
  const ByteVector bytes = from_hex(payload);
  packet.resize(sample::kTransportV4);
  packet.insert(packet.end(), bytes.begin(), bytes.end());
  packet[9] = protocol;
  sample::set_u16(packet, 2, static_cast<std::uint16_t>(packet.size()));
  sample::repair_ipv4_sum(packet);
  return packet;
}

TEST(Describe, a_ping_field_by_field) {
  EXPECT_EQ(describe(from_hex(sample::kEchoV4)), R"(IPv4
  version          4
  header length    20
  TOS              0x00 (DSCP 0 CS0, ECN 0 not ECT)
  total length     31
  identification   0xb8de (47326)
  flags            DF (don't fragment)
  fragment offset  0
  TTL              64
  protocol         1 (ICMP)
  checksum         0x6337 (right)
  source           10.0.5.100
  destination      10.0.5.101
ICMP
  type             8 (echo request)
  code             0
  checksum         0x339a (right)
  identifier       1
  sequence         2
payload, 3 bytes
  0x0000  61 62 63                                         abc
)");
}

TEST(Describe, tcp_with_options) {
  EXPECT_EQ(describe(from_hex(sample::kTcpSynV6)), R"(IPv6
  version          6
  traffic class    0x00 (DSCP 0 CS0, ECN 0 not ECT)
  flow label       0x46706
  payload length   40
  next header      6 (TCP)
  hop limit        64
  source           fd00::100
  destination      fd00::101
TCP
  source port      41468
  destination port 7
  sequence         4128459542
  acknowledgment   0
  header length    40
  flags            0x02 [S]
  window           64800
  checksum         0xae1e (right)
  urgent pointer   0
  option           mss 1440
  option           sackOK
  option           TS val 2440244270 ecr 0
  option           nop
  option           wscale 10
payload, 0 bytes
)");
}

TEST(Describe, udp) {
  EXPECT_THAT(describe(from_hex(sample::kUdpV4)), EndsWith(R"(UDP
  source port      50464
  destination port 9
  length           13
  checksum         0xd80f (right)
payload, 5 bytes
  0x0000  68 65 6c 6c 6f                                   hello
)"));
}

TEST(Describe, icmp_v6) {
  EXPECT_THAT(describe(from_hex(sample::kEchoV6)), HasSubstr(R"(ICMPv6
  type             128 (echo request)
  code             0
  checksum         0xbf51 (right)
)"));
}

TEST(Describe, an_error_names_the_flow_that_it_quotes) {
  EXPECT_THAT(describe(from_hex(sample::kPortUnreachableV4)), HasSubstr(R"(ICMP
  type             3 (destination unreachable)
  code             3 (port unreachable)
  checksum         0xf523 (right)
  rest of header   0x00000000
  quotes           UDP 10.0.5.101.1000 > 10.0.5.100.1001
payload, 28 bytes
)"));
}

TEST(Describe, traffic_class_has_names) {
  ByteVector packet = from_hex(sample::kTcpSynV4);
  packet[1] = 46 << 2 | 3;
  EXPECT_THAT(describe(packet), HasSubstr("TOS              0xbb (DSCP 46 EF, ECN 3 CE)"));
  packet[1] = 10 << 2 | 2;
  EXPECT_THAT(describe(packet), HasSubstr("TOS              0x2a (DSCP 10 AF11, ECN 2 ECT(0))"));
  packet[1] = 3 << 2;
  EXPECT_THAT(describe(packet), HasSubstr("TOS              0x0c (DSCP 3, ECN 0 not ECT)"));
}

// --- sums
// -----------------------------------------------------------------------------------------

TEST(Describe, a_wrong_sum_is_said_with_the_right_one) {
  for (const std::string_view hex : sample::kCaptured) {
    const ByteVector sound = from_hex(hex);
    EXPECT_THAT(describe(sound), AllOf(HasSubstr("(right)"), Not(HasSubstr("wrong"))));
    ByteVector broken = sound;
    broken.back() ^= 1;  // of the payload, or of TCP's last option
    const std::string said = describe(broken);
    const std::size_t at = said.find("(wrong: 0x");
    ASSERT_NE(at, said.npos) << said;
    // With the sum that is said to be right, it is.
    const std::string digits = said.substr(at + 10, 4);
    const ByteVector value = from_hex(digits);
    const std::size_t transport = sound[0] >> 4 == 4 ? 20 : 40;
    const std::uint8_t protocol = sound[0] >> 4 == 4 ? sound[9] : sound[6];
    const std::size_t field = transport + (protocol == kProtocolTcp   ? 16U
                                           : protocol == kProtocolUdp ? 6U
                                                                      : 2U);
    std::copy(value.begin(), value.end(), broken.begin() + static_cast<std::ptrdiff_t>(field));
    EXPECT_THAT(describe(broken), Not(HasSubstr("wrong")));
  }
}

TEST(Describe, a_wrong_ipv4_header_sum) {
  ByteVector packet = from_hex(sample::kUdpV4);
  packet[10] ^= 0x80;
  EXPECT_THAT(describe(packet), AllOf(HasSubstr("0xac4b (wrong: 0x2c4b is right)"),
                                      HasSubstr("malformed: bad_ip_checksum"),
                                      HasSubstr("the whole packet, 33 bytes")));
}

TEST(Describe, a_sum_that_the_device_is_to_finish) {
  const VirtioNetHeader offload{.flags = VirtioNetHeader::kNeedsChecksum,
                                .gso_type = VirtioNetHeader::kGsoTcpV4,
                                .gso_size = 1448,
                                .checksum_start = 20,
                                .checksum_offset = 16};
  EXPECT_THAT(describe(from_hex(sample::kTcpSynV4), offload),
              AllOf(HasSubstr("gso size         1448"), HasSubstr("0xb5df (unfinished")));
}

TEST(Describe, udp_without_a_sum) {
  ByteVector packet = from_hex(sample::kUdpV4);
  sample::set_u16(packet, sample::kTransportV4 + 6, 0);
  EXPECT_THAT(describe(packet), HasSubstr("0x0000 (none)"));
  packet = from_hex(sample::kUdpV6);
  sample::set_u16(packet, sample::kTransportV6 + 6, 0);
  EXPECT_THAT(describe(packet), HasSubstr("0x0000 (wrong: IPv6 needs one)"));
}

// --- what comes between
// ---------------------------------------------------------------------------

TEST(Describe, multicast_listener_report_behind_a_router_alert) {
  // As Linux sends it when a device comes up: one record, for ff02::1:ff00:100.
  ByteVector packet = from_hex(
      "6000000000240001 fe800000000000000000000000000001 ff020000000000000000000000000016"
      "3a00050200000100 8f00000000000001 04000000ff0200000000000000000001ff000100");
  const std::string said = describe(packet);
  EXPECT_THAT(said, HasSubstr(R"(  next header      0 (hop-by-hop options)
  hop limit        1
  source           fe80::1
  destination      ff02::16
IPv6 hop-by-hop options
  next header      58 (ICMPv6)
  length           8
  option           router alert, length 4: 00 00
  option           PadN, length 2
ICMPv6
  type             143 (multicast listener report v2)
  code             0
)"));
}

TEST(Describe, extension_headers) {
  const std::string said = describe(behind_extensions(
      0, "2b00 0104 00000000 3c00 0001 01020304 2c00 1e04 01020304 1100 0000 0000abcd"));
  EXPECT_THAT(said, HasSubstr(R"(IPv6 hop-by-hop options
  next header      43 (routing)
  length           8
  option           PadN, length 6: 00 00 00 00
IPv6 routing
  next header      60 (destination options)
  length           8
  type             0
  segments left    1
  content          01 02 03 04
IPv6 destination options
  next header      44 (fragment)
  length           8
  option           type 30, length 6: 01 02 03 04
IPv6 fragment
  next header      17 (UDP)
  fragment offset  0
  more fragments   no
  identification   0x0000abcd
UDP
)"));
  EXPECT_THAT(said, HasSubstr("not checked: this is not the last destination"));
}

TEST(Describe, ipv4_options) {
  ByteVector packet = from_hex(sample::kUdpV4);
  const ByteVector options = from_hex("94040000 0703 04 01 990312 00 00000000");
  packet.insert(packet.begin() + 20, options.begin(), options.end());
  packet[0] = 0x49;
  sample::set_u16(packet, 2, static_cast<std::uint16_t>(packet.size()));
  sample::repair_ipv4_sum(packet);
  EXPECT_THAT(describe(packet), AllOf(HasSubstr("header length    36\n"), HasSubstr(R"(
  option           router alert, length 4: 00 00
  option           record route, length 3: 04
  option           nop
  option           type 153, length 3: 12
  option           end
UDP
)")));
}

TEST(Describe, fragments) {
  ByteVector packet = from_hex(sample::kUdpV4);
  sample::set_u16(packet, 6, 0x2000);
  sample::repair_ipv4_sum(packet);
  EXPECT_THAT(describe(packet),
              AllOf(HasSubstr("flags            MF (more fragments)\n  fragment offset  0\n"),
                    HasSubstr("destination port 9"), HasSubstr("(not checked: a fragment)")));
  sample::set_u16(packet, 6, 0x00b9);
  sample::repair_ipv4_sum(packet);
  EXPECT_THAT(describe(packet),
              AllOf(HasSubstr("flags            none\n  fragment offset  1480\n"),
                    Not(HasSubstr("destination port")), HasSubstr("payload, 13 bytes")));
  EXPECT_THAT(describe(behind_extensions(44, "1100 05a9 00001234")),
              AllOf(HasSubstr("fragment offset  1448\n  more fragments   yes\n"),
                    HasSubstr("identification   0x00001234\npayload, 14 bytes")));
}

TEST(Describe, other_protocols) {
  EXPECT_THAT(describe(ipv4_with(2, "2200 f902 0000 0001 04000000 e00000fb")),
              AllOf(HasSubstr("protocol         2 (IGMP)"), HasSubstr(R"(IGMP
  type             34 (v3 report)
  checksum         0xf902 (right)
payload, 12 bytes
)")));
  EXPECT_THAT(describe(ipv4_with(253, "01020304")),
              AllOf(HasSubstr("protocol         253\n"), HasSubstr("payload, 4 bytes")));
}

TEST(Describe, tcp_options_of_any_kind) {
  ByteVector packet = from_hex(sample::kTcpSynV4);
  const ByteVector options = from_hex("fd02 fe04abcd 0512 00000001 00000002 00000003 00000004");
  packet.resize(40);
  packet.insert(packet.end(), options.begin(), options.end());
  packet[32] = 0xb0;
  sample::set_u16(packet, 2, 64);
  sample::repair_ipv4_sum(packet);
  EXPECT_THAT(describe(packet), HasSubstr(R"(
  option           kind 253, length 2
  option           kind 254, length 4: ab cd
  option           sack 2 {1:2}{3:4}
payload)"));
}

// --- malformed
// ------------------------------------------------------------------------------------

TEST(Describe, no_packet_at_all) {
  EXPECT_EQ(describe({}), "malformed: truncated\nthe whole packet, 0 bytes\n");
  EXPECT_EQ(describe({0x75}),
            "malformed: bad_ip_version\nthe whole packet, 1 byte\n"
            "  0x0000  75                                               u\n");
}

TEST(Describe, every_way_to_cut_a_packet_short) {
  for (const std::string_view hex : sample::kCaptured) {
    const ByteVector whole = from_hex(hex);
    const std::size_t fixed = whole[0] >> 4 == 4 ? 20 : 40;
    for (std::size_t length = 0; length < whole.size(); ++length) {
      const ByteVector cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
      const std::string said = describe(cut);
      EXPECT_THAT(said, HasSubstr("malformed: truncated\nthe whole packet, "));
      if (length < fixed) continue;
      EXPECT_THAT(said, AllOf(HasSubstr("  destination      "), HasSubstr("bytes are here)"),
                              Not(HasSubstr("(right)\n  source p"))));
    }
  }
}

TEST(Describe, lengths_that_cannot_be) {
  ByteVector packet = from_hex(sample::kUdpV4);
  packet[0] = 0x44;
  EXPECT_THAT(describe(packet), AllOf(HasSubstr("header length    16 (wrong: below 20)"),
                                      HasSubstr("malformed: bad_ip_header")));
  packet = from_hex(sample::kUdpV4);
  sample::set_u16(packet, 2, 19);
  EXPECT_THAT(describe(packet), HasSubstr("shorter than the header"));
  packet = from_hex(sample::kUdpV4);
  sample::set_u16(packet, 24, 7);
  EXPECT_THAT(describe(packet), HasSubstr("length           7 (wrong: below 8)"));
  sample::set_u16(packet, 24, 14);
  EXPECT_THAT(describe(packet), HasSubstr("length           14 (wrong: only 13 bytes are here)"));
  packet = from_hex(sample::kTcpSynV4);
  packet[32] = 0x40;
  EXPECT_THAT(describe(packet), HasSubstr("header length    16 (wrong: below 20)"));
  packet[32] = 0xf0;
  EXPECT_THAT(describe(packet), HasSubstr("header length    60 (wrong: only 40 bytes are here)"));
  packet = from_hex(sample::kTcpSynV4);
  packet[41] = 1;
  EXPECT_THAT(describe(packet), HasSubstr("option           kind 2 (wrong: its length)"));
}

TEST(Describe, headers_that_are_not_whole) {
  EXPECT_THAT(describe(ipv4_with(6, "0102 0304 0506")),
              AllOf(HasSubstr("source port      258"),
                    HasSubstr("header           (wrong: only 6 of 20 bytes are here)")));
  EXPECT_THAT(describe(ipv4_with(17, "0102")), HasSubstr("only 2 of 8 bytes are here"));
  EXPECT_THAT(describe(ipv4_with(1, "0800")), HasSubstr("only 2 of 8 bytes are here"));
  EXPECT_THAT(describe(behind_extensions(0, "11ff 0104 00000000")),
              HasSubstr("length           2048 (wrong: only 22 bytes are here)"));
  EXPECT_THAT(describe(behind_extensions(0, "1100 01ff 00000000")),
              HasSubstr("option           PadN (wrong: its length)"));
}

TEST(Describe, a_chain_without_end_is_cut) {
  ByteVector chain;
  for (int i = 0; i < 1000; ++i) {
    for (const std::uint8_t byte : from_hex("3c00 0104 00000000")) chain.push_back(byte);
  }
  const ByteVector packet = sample::with_extensions(from_hex(sample::kUdpV6), 60, chain);
  const std::string said = describe(packet);
  std::size_t sections = 0;
  for (std::size_t at = 0; (at = said.find("IPv6 destination options\n", at)) != said.npos; ++at) {
    ++sections;
  }
  EXPECT_EQ(sections, 16U);
  EXPECT_THAT(said, HasSubstr("malformed: bad_extension_header"));
}

TEST(Describe, bytes_behind_the_packet) {
  ByteVector packet = from_hex(sample::kUdpV4);
  packet.insert(packet.end(), {0xff, 0x41});
  EXPECT_THAT(describe(packet),
              AllOf(HasSubstr("(right)\npayload, 5 bytes\n"),
                    EndsWith("behind the packet, 2 bytes\n  0x0000  ff 41"
                             "                                            .A\n")));
}

TEST(Describe, mapped_addresses_are_not_taken_for_ipv4) {
  ByteVector packet = from_hex(sample::kUdpV6);
  const ByteVector mapped = from_hex("00000000000000000000ffff0a000565");
  std::copy(mapped.begin(), mapped.end(), packet.begin() + 8);
  EXPECT_THAT(describe(packet), HasSubstr("source           ::ffff:10.0.5.101"));
}

}  // namespace
}  // namespace sluice::wire
