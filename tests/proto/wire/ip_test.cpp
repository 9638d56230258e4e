#include "proto/wire/ip.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "proto/base/rng.hpp"
#include "tests/proto/wire/sample_packets.hpp"

namespace sluice::wire {
namespace {

using sample::ByteVector;
using sample::from_hex;
using sample::repair_ipv4_sum;
using sample::with_extensions;

class Ipv4Test : public testing::Test {
 protected:
  DropReason parse() { return parse_ipv4(packet_, header_); }
  ByteVector packet_ = from_hex(sample::kUdpV4);
  IpHeader header_;
};

TEST_F(Ipv4Test, reads_a_captured_header) {
  ASSERT_EQ(parse(), DropReason::none);
  EXPECT_EQ(header_.source.to_string(), "10.0.5.100");
  EXPECT_EQ(header_.destination.to_string(), "10.0.5.101");
  EXPECT_EQ(header_.protocol, 17);
  EXPECT_EQ(header_.hop_limit, 64);
  EXPECT_EQ(header_.traffic_class, 0);
  EXPECT_FALSE(header_.is_fragment);
  EXPECT_EQ(header_.payload_offset, 20U);
  EXPECT_EQ(header_.payload_length, 13U);
}

TEST_F(Ipv4Test, RFC1122_R1122_1_refuses_a_wrong_sum) {
  for (std::size_t i = 1; i < 20; ++i) {
    if (i == 2 || i == 3) continue;  // the lengths complain first
    ByteVector wrong = packet_;
    wrong[i] ^= 0x10;
    EXPECT_EQ(parse_ipv4(wrong, header_), DropReason::bad_ip_checksum) << i;
  }
}

TEST_F(Ipv4Test, RFC1122_R1122_1_refuses_another_version) {
  packet_[0] = 0x55;
  EXPECT_EQ(parse(), DropReason::bad_ip_version);
}

TEST_F(Ipv4Test, every_shorter_packet_is_truncated) {
  for (std::size_t length = 0; length < packet_.size(); ++length) {
    EXPECT_EQ(parse_ipv4(Bytes(packet_).first(length), header_), DropReason::truncated) << length;
  }
}

TEST_F(Ipv4Test, padding_behind_the_total_length_is_no_payload) {
  packet_.resize(64, 0xee);
  ASSERT_EQ(parse(), DropReason::none);
  EXPECT_EQ(header_.payload_length, 13U);
}

TEST_F(Ipv4Test, refuses_lengths_that_contradict_each_other) {
  packet_[0] = 0x44;
  EXPECT_EQ(parse(), DropReason::bad_ip_header);
  packet_[0] = 0x45;
  sample::set_u16(packet_, 2, 19);
  EXPECT_EQ(parse(), DropReason::bad_ip_header);
}

TEST_F(Ipv4Test, RFC1122_R1122_6_steps_over_options) {
  packet_[0] = 0x47;
  packet_.insert(packet_.begin() + 20, {7, 7, 4, 0, 0, 0, 0, 0});
  sample::set_u16(packet_, 2, static_cast<std::uint16_t>(packet_.size()));
  repair_ipv4_sum(packet_);
  ASSERT_EQ(parse(), DropReason::none);
  EXPECT_EQ(header_.payload_offset, 28U);
  EXPECT_EQ(header_.payload_length, 13U);
}

TEST_F(Ipv4Test, tells_fragments_and_ignores_the_reserved_flag) {
  constexpr std::pair<std::uint16_t, bool> kFields[] = {
      {0x0000, false}, {0x4000, false}, {0x8000, false}, {0x2000, true},
      {0x0001, true},  {0x1fff, true},  {0x6000, true}};
  for (const auto& [field, is_fragment] : kFields) {
    sample::set_u16(packet_, 6, field);
    repair_ipv4_sum(packet_);
    ASSERT_EQ(parse(), DropReason::none);
    EXPECT_EQ(header_.is_fragment, is_fragment) << field;
  }
}

TEST_F(Ipv4Test, RFC1122_R1122_5_takes_a_ttl_of_zero) {
  packet_[8] = 0;
  repair_ipv4_sum(packet_);
  EXPECT_EQ(parse(), DropReason::none);
}

class Ipv6Test : public testing::Test {
 protected:
  DropReason parse() { return parse_ipv6(packet_, header_); }
  DropReason parse_chain(std::uint8_t first, std::string_view chain) {
    const ByteVector packet = with_extensions(packet_, first, from_hex(chain));
    return parse_ipv6(packet, header_);
  }
  // The packet behind `chain` bytes is the same UDP datagram.
  void expect_datagram_behind(std::uint32_t chain) const {
    EXPECT_EQ(header_.protocol, 17);
    EXPECT_EQ(header_.payload_offset, 40 + chain);
    EXPECT_EQ(header_.payload_length, 14U);
    EXPECT_FALSE(header_.is_fragment);
  }
  ByteVector packet_ = from_hex(sample::kUdpV6);
  IpHeader header_;
};

TEST_F(Ipv6Test, RFC8200_R8200_1_reads_a_captured_header) {
  packet_[0] = 0x6a;
  packet_[1] = 0xbe;
  ASSERT_EQ(parse(), DropReason::none);
  EXPECT_EQ(header_.source.to_string(), "fd00::100");
  EXPECT_EQ(header_.destination.to_string(), "fd00::101");
  EXPECT_EQ(header_.hop_limit, 64);
  EXPECT_EQ(header_.traffic_class, 0xab);
  expect_datagram_behind(0);
}

TEST_F(Ipv6Test, every_shorter_packet_is_truncated) {
  for (std::size_t length = 0; length < packet_.size(); ++length) {
    EXPECT_EQ(parse_ipv6(Bytes(packet_).first(length), header_), DropReason::truncated) << length;
  }
  packet_.resize(100);
  ASSERT_EQ(parse(), DropReason::none);
  expect_datagram_behind(0);
}

TEST_F(Ipv6Test, refuses_another_version) {
  packet_[0] = 0x45;
  EXPECT_EQ(parse(), DropReason::bad_ip_version);
}

TEST_F(Ipv6Test, RFC8200_R8200_3_skips_what_may_be_skipped_in_any_order) {
  EXPECT_EQ(parse_chain(0, "1100 0104 00000000"), DropReason::none);  // hop by hop, PadN
  expect_datagram_behind(8);
  EXPECT_EQ(parse_chain(60, "1100 0000 0000 0000"), DropReason::none);  // destination, Pad1
  expect_datagram_behind(8);
  // hop by hop, routing, destination, routing
  EXPECT_EQ(parse_chain(0,
                        "2b00 0104 00000000 3c00 0400 00000000 2b01 010c 0000000000000000 00000000"
                        "1100 0300 00000000"),
            DropReason::none);
  expect_datagram_behind(40);
}

TEST_F(Ipv6Test, RFC8200_R8200_2_hop_by_hop_only_comes_first) {
  EXPECT_EQ(parse_chain(60, "0000 0104 00000000 1100 0104 00000000"),
            DropReason::bad_extension_header);
  EXPECT_EQ(parse_chain(0, "0000 0104 00000000 1100 0104 00000000"),
            DropReason::bad_extension_header);
}

TEST_F(Ipv6Test, RFC8200_R8200_4_unknown_options_go_by_their_top_bits) {
  EXPECT_EQ(parse_chain(0, "1100 1e04 01020304"), DropReason::none);
  expect_datagram_behind(8);
  EXPECT_EQ(parse_chain(60, "1100 3e04 01020304"), DropReason::none);
  for (const char* const chain :
       {"1100 5e04 01020304", "1100 9e04 01020304", "1100 de04 01020304"}) {
    EXPECT_EQ(parse_chain(0, chain), DropReason::bad_extension_header) << chain;
    EXPECT_EQ(parse_chain(60, chain), DropReason::bad_extension_header) << chain;
  }
}

TEST_F(Ipv6Test, refuses_a_jumbogram) {
  packet_ = with_extensions(packet_, 0, from_hex("1100 c204 00010000"));
  EXPECT_EQ(parse(), DropReason::bad_extension_header);
  sample::set_u16(packet_, 4, 0);
  EXPECT_EQ(parse(), DropReason::bad_extension_header);
}

TEST_F(Ipv6Test, refuses_options_beyond_their_header) {
  EXPECT_EQ(parse_chain(0, "1100 0105 00000000"), DropReason::bad_extension_header);
  EXPECT_EQ(parse_chain(0, "1100 0103 00000001"), DropReason::bad_extension_header);  // no length
}

TEST_F(Ipv6Test, refuses_extension_headers_beyond_the_packet) {
  EXPECT_EQ(parse_chain(0, "1103 0104 00000000"), DropReason::bad_extension_header);
  packet_.resize(44);
  sample::set_u16(packet_, 4, 4);
  for (const std::uint8_t kind : from_hex("00 2b 2c 3c")) {
    packet_[6] = kind;
    EXPECT_EQ(parse(), DropReason::bad_extension_header) << int{kind};
  }
}

TEST_F(Ipv6Test, RFC8200_R8200_5_a_routing_header_must_be_done) {
  EXPECT_EQ(parse_chain(43, "1100 0000 00000000"), DropReason::none);
  expect_datagram_behind(8);
  EXPECT_EQ(parse_chain(43, "1100 0001 00000000"), DropReason::bad_extension_header);
}

TEST_F(Ipv6Test, RFC8200_R8200_8_an_atomic_fragment_is_none) {
  EXPECT_EQ(parse_chain(44, "1100 0000 12345678"), DropReason::none);
  expect_datagram_behind(8);
  EXPECT_EQ(parse_chain(44, "1100 0006 12345678"), DropReason::none);  // reserved bits
  expect_datagram_behind(8);
}

TEST_F(Ipv6Test, stops_at_a_true_fragment) {
  for (const char* const chain : {"1100 0001 12345678", "1100 0008 12345678"}) {
    EXPECT_EQ(parse_chain(44, chain), DropReason::none);
    EXPECT_TRUE(header_.is_fragment);
    EXPECT_EQ(header_.payload_offset, 48U);
  }
}

TEST_F(Ipv6Test, the_chain_is_bounded) {
  std::string chain;
  for (int i = 0; i < 7; ++i) chain += "3c00 0104 00000000";
  EXPECT_EQ(parse_chain(60, chain + "1100 0104 00000000"), DropReason::none);
  expect_datagram_behind(64);
  EXPECT_EQ(parse_chain(60, chain + "3c00 0104 00000000 1100 0104 00000000"),
            DropReason::bad_extension_header);
}

TEST(BuildIp, writes_the_captured_headers) {
  std::array<std::uint8_t, 40> out{};
  const ByteVector v4 = from_hex(sample::kUdpV4);
  IpFields fields{.source = sample::address("10.0.5.100"),
                  .destination = sample::address("10.0.5.101"),
                  .protocol = 17,
                  .identification = 0xefb8};
  EXPECT_EQ(build_ip(out, fields, 13), 20U);
  EXPECT_TRUE(std::equal(out.begin(), out.begin() + 20, v4.begin()));

  const ByteVector v6 = from_hex(sample::kUdpV6);
  fields.source = sample::address("fd00::100");
  fields.destination = sample::address("fd00::101");
  fields.flow_label = 0xe0c20;
  EXPECT_EQ(build_ip(out, fields, 14), 40U);
  EXPECT_TRUE(std::equal(out.begin(), out.end(), v6.begin()));
}

IpAddress random_address(Rng& rng, bool is_v4) {
  if (is_v4) return IpAddress::v4(static_cast<std::uint32_t>(rng.next()));
  std::array<std::uint8_t, 16> bytes;
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(rng.next());
  bytes[0] = 0x20;
  return IpAddress::v6(bytes);
}

TEST(BuildIp, RFC1122_R1122_1_what_is_built_can_be_parsed) {
  Rng rng(791);
  ByteVector out(65'535);
  for (int i = 0; i < 2'000; ++i) {
    const bool is_v4 = rng.chance(0.5);
    const IpFields fields{.source = random_address(rng, is_v4),
                          .destination = random_address(rng, is_v4),
                          .protocol = 6,
                          .hop_limit = static_cast<std::uint8_t>(rng.next()),
                          .traffic_class = static_cast<std::uint8_t>(rng.next()),
                          .identification = static_cast<std::uint16_t>(rng.next()),
                          .flow_label = static_cast<std::uint32_t>(rng.next())};
    const std::size_t length = rng.below(65'535 - 40 + 1);
    const std::size_t header_length = build_ip(out, fields, length);
    EXPECT_EQ(header_length, ip_header_length(fields.source));
    IpHeader header;
    ASSERT_EQ(is_v4 ? parse_ipv4(out, header) : parse_ipv6(out, header), DropReason::none);
    EXPECT_EQ(header.source, fields.source);
    EXPECT_EQ(header.destination, fields.destination);
    EXPECT_EQ(header.protocol, fields.protocol);
    EXPECT_EQ(header.hop_limit, fields.hop_limit);
    EXPECT_EQ(header.traffic_class, fields.traffic_class);
    EXPECT_EQ(header.payload_offset, header_length);
    EXPECT_EQ(header.payload_length, length);
    EXPECT_FALSE(header.is_fragment);
  }
}

TEST(BuildIpDeathTest, refuses_more_than_a_packet_holds) {
  std::array<std::uint8_t, 40> out{};
  const IpFields fields{.source = IpAddress::v4(1), .destination = IpAddress::v4(2)};
  EXPECT_EQ(build_ip(out, fields, 65'515), 20U);
  EXPECT_DEATH(build_ip(out, fields, 65'516), "");
  const IpFields v6{.source = sample::address("fd00::1"),
                    .destination = sample::address("fd00::2")};
  EXPECT_EQ(build_ip(out, v6, 65'535), 40U);
  EXPECT_DEATH(build_ip(out, v6, 65'536), "");
  EXPECT_DEATH(build_ip(MutableBytes(out).first(19), fields, 0), "");
}

}  // namespace
}  // namespace sluice::wire
