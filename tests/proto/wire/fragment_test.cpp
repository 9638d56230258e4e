#include "proto/wire/fragment.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "proto/base/rng.hpp"
#include "proto/wire/icmp.hpp"
#include "proto/wire/tcp.hpp"
#include "proto/wire/udp.hpp"
#include "proto/wire/virtio_net.hpp"
#include "tests/support/fragments.hpp"

namespace sluice::wire {
namespace {

using sample::address;
using sample::ByteVector;
using sample::from_hex;
using sample::repair_ipv4_sum;
using sample::set_u16;
using test::Cut;
using test::fragment_v4;
using test::fragment_v6;

constexpr std::uint32_t kId = 0x12345678;

IpFields fields_v4(std::uint8_t protocol = kProtocolUdp) {
  return {.source = address("10.0.5.100"),
          .destination = address("10.0.5.101"),
          .protocol = protocol,
          .traffic_class = 0x28,
          .identification = 0x5678};
}

IpFields fields_v6(std::uint8_t protocol = kProtocolUdp) {
  return {.source = address("fd00::100"),
          .destination = address("fd00::101"),
          .protocol = protocol,
          .traffic_class = 0x28,
          .flow_label = 0xabcde};
}

DropReason parse_cut_v4(std::uint8_t protocol, std::size_t length, Cut cut) {
  IpHeader header;
  const ByteVector payload = test::patterned(length, 4);
  return parse_fragment(fragment_v4(test::whole_packet(fields_v4(protocol), payload), cut), header);
}

DropReason parse_cut_v6(std::uint8_t protocol, std::size_t length, Cut cut) {
  IpHeader header;
  const ByteVector payload = test::patterned(length, 6);
  const ByteVector whole = test::whole_packet(fields_v6(protocol), payload);
  return parse_fragment(fragment_v6(whole, cut, kId), header);
}

void expect_for_both(std::uint8_t protocol, std::size_t length, Cut cut, DropReason expected) {
  EXPECT_EQ(parse_cut_v4(protocol, length, cut), expected) << cut.begin << " to " << cut.end;
  EXPECT_EQ(parse_cut_v6(protocol, length, cut), expected) << cut.begin << " to " << cut.end;
}

TEST(ParseFragment, reads_a_middle_piece_of_ipv4) {
  const ByteVector whole = test::whole_packet(fields_v4(), test::patterned(100, 1));
  IpHeader header;
  ASSERT_EQ(parse_fragment(fragment_v4(whole, {16, 48}), header), DropReason::none);
  EXPECT_EQ(header.source.to_string(), "10.0.5.100");
  EXPECT_EQ(header.destination.to_string(), "10.0.5.101");
  EXPECT_EQ(header.protocol, kProtocolUdp);
  EXPECT_EQ(header.traffic_class, 0x28);
  EXPECT_TRUE(header.is_fragment);
  EXPECT_EQ(header.fragment.identification, 0x5678U);
  EXPECT_EQ(header.fragment.offset, 16U);
  EXPECT_TRUE(header.fragment.more);
  EXPECT_EQ(header.payload_offset, 20U);
  EXPECT_EQ(header.payload_length, 32U);
  EXPECT_EQ(unfragmentable_length(header), 20U);
}

TEST(ParseFragment, reads_the_last_piece_of_ipv6) {
  const ByteVector whole = test::whole_packet(fields_v6(), test::patterned(101, 1));
  IpHeader header;
  ASSERT_EQ(parse_fragment(fragment_v6(whole, {64, 101}, kId), header), DropReason::none);
  EXPECT_EQ(header.source.to_string(), "fd00::100");
  EXPECT_EQ(header.destination.to_string(), "fd00::101");
  EXPECT_EQ(header.protocol, kProtocolUdp);
  EXPECT_EQ(header.fragment.identification, kId);
  EXPECT_EQ(header.fragment.offset, 64U);
  EXPECT_FALSE(header.fragment.more);
  EXPECT_EQ(header.payload_offset, 48U);
  EXPECT_EQ(header.payload_length, 37U);
  EXPECT_EQ(unfragmentable_length(header), 40U);
  EXPECT_EQ(header.fragment_named_at, 6U);
}

TEST(ParseFragment, RFC8200_R8200_3_finds_the_fragment_header_behind_others) {
  const ByteVector whole =
      sample::with_extensions(test::whole_packet(fields_v6(), test::patterned(64, 1)), 0,
                              from_hex("3c00 0104 00000000 1101 010c 00000000 00000000 00000000"));
  IpHeader header;
  ASSERT_EQ(parse_fragment(fragment_v6(whole, {0, 32}, kId, 64), header), DropReason::none);
  EXPECT_EQ(unfragmentable_length(header), 64U);
  EXPECT_EQ(header.fragment_named_at, 48U);
  EXPECT_EQ(header.payload_offset, 72U);
  EXPECT_EQ(header.protocol, kProtocolUdp);
}

TEST(ParseFragment, RFC8200_R8200_8_what_is_whole_is_refused) {
  IpHeader header;
  EXPECT_EQ(parse_fragment(from_hex(sample::kUdpV4), header), DropReason::bad_fragment);
  const ByteVector atomic =
      sample::with_extensions(from_hex(sample::kUdpV6), 44, from_hex("1100 0000 12345678"));
  EXPECT_EQ(parse_fragment(atomic, header), DropReason::bad_fragment);
}

TEST(ParseFragment, says_what_is_wrong_with_the_packet_first) {
  IpHeader header;
  EXPECT_EQ(parse_fragment({}, header), DropReason::truncated);
  ByteVector piece =
      fragment_v4(test::whole_packet(fields_v4(), test::patterned(100, 1)), {16, 48});
  piece[8] ^= 1;
  EXPECT_EQ(parse_fragment(piece, header), DropReason::bad_ip_checksum);
  store_be32(&piece[12], 0xe0000001);
  repair_ipv4_sum(piece);
  EXPECT_EQ(parse_fragment(piece, header), DropReason::bad_source_address);
}

TEST(ParseFragment, RFC8200_R8200_7_only_the_last_may_have_an_uneven_length) {
  expect_for_both(kProtocolUdp, 100, {0, 48}, DropReason::none);
  expect_for_both(kProtocolUdp, 100, {48, 100}, DropReason::none);
  for (std::uint32_t end = 49; end < 56; ++end) {
    expect_for_both(kProtocolUdp, 100, {0, end}, DropReason::bad_fragment);
    expect_for_both(kProtocolUdp, 100, {40, end}, DropReason::bad_fragment);
  }
}

TEST(ParseFragment, an_empty_piece_is_refused) {
  expect_for_both(kProtocolUdp, 96, {48, 48}, DropReason::bad_fragment);
  expect_for_both(kProtocolUdp, 96, {96, 96}, DropReason::bad_fragment);
}

// The "ping of death": each piece is short, but the last ends behind the longest packet.
TEST(ParseFragment, RFC8200_R8200_7_none_ends_behind_the_longest_packet) {
  IpHeader header;
  const ByteVector v4 = test::whole_packet(fields_v4(), test::patterned(64, 1));
  ByteVector piece = fragment_v4(v4, {24, 64});
  const auto parse_v4_at = [&](std::uint32_t offset) {
    set_u16(piece, 6, static_cast<std::uint16_t>(offset / 8));
    repair_ipv4_sum(piece);
    return parse_fragment(piece, header);
  };
  EXPECT_EQ(parse_v4_at(65'472), DropReason::none);  // 20 + 65,472 + 40 bytes
  EXPECT_EQ(parse_v4_at(65'480), DropReason::bad_fragment);
  EXPECT_EQ(parse_v4_at(65'528), DropReason::bad_fragment);

  const ByteVector v6 = test::whole_packet(fields_v6(), test::patterned(64, 1));
  piece = fragment_v6(v6, {24, 63}, kId);
  const auto parse_v6_at = [&](std::uint32_t offset) {
    set_u16(piece, 42, static_cast<std::uint16_t>(offset));
    return parse_fragment(piece, header);
  };
  EXPECT_EQ(parse_v6_at(65'496), DropReason::none);  // a payload length of 65,535
  EXPECT_EQ(parse_v6_at(65'504), DropReason::bad_fragment);
  EXPECT_EQ(parse_v6_at(65'528), DropReason::bad_fragment);
}

// RFC 1858 and RFC 3128: neither cut inside the transport's header, nor written over later.
TEST(ParseFragment, RFC8200_R8200_9_tiny_fragments_are_refused) {
  expect_for_both(kProtocolTcp, 100, {0, 8}, DropReason::bad_fragment);
  expect_for_both(kProtocolTcp, 100, {0, 16}, DropReason::bad_fragment);
  expect_for_both(kProtocolTcp, 100, {0, 24}, DropReason::none);
  expect_for_both(kProtocolTcp, 100, {8, 48}, DropReason::bad_fragment);
  expect_for_both(kProtocolTcp, 100, {16, 48}, DropReason::bad_fragment);
  expect_for_both(kProtocolTcp, 100, {24, 48}, DropReason::none);
  expect_for_both(kProtocolUdp, 100, {0, 8}, DropReason::none);
  expect_for_both(kProtocolUdp, 100, {8, 16}, DropReason::none);
}

// RFC 7112
TEST(ParseFragment, RFC8200_R8200_9_the_first_holds_the_whole_chain) {
  const ByteVector datagram = test::whole_packet(fields_v6(), test::patterned(64, 1));
  // Behind the fragment header: 16 bytes of destination options, then UDP.
  const ByteVector whole =
      sample::with_extensions(datagram, 60, from_hex("1101 010c 00000000 00000000 00000000"));
  IpHeader header;
  const auto parse_first = [&](std::uint32_t end) {
    return parse_fragment(fragment_v6(whole, {0, end}, kId), header);
  };
  EXPECT_EQ(parse_first(8), DropReason::bad_fragment);   // within the options
  EXPECT_EQ(parse_first(16), DropReason::bad_fragment);  // no UDP header
  ASSERT_EQ(parse_first(24), DropReason::none);
  EXPECT_EQ(header.protocol, 60);  // what the whole is to name
  EXPECT_EQ(parse_fragment(fragment_v6(whole, {24, 48}, kId), header), DropReason::none);
}

TEST(ParseFragment, the_chain_behind_the_fragment_header_is_sound) {
  const ByteVector datagram = test::whole_packet(fields_v6(), test::patterned(64, 1));
  constexpr std::string_view kBad[] = {
      "1100 8204 00000000",                     // an option to be refused
      "1100 0109 00000000",                     // an option beyond its header
      "2c00 0104 00000000 1100 0001 00000009",  // fragments of fragments
  };
  for (const std::string_view chain : kBad) {
    const ByteVector whole = sample::with_extensions(datagram, 60, from_hex(chain));
    IpHeader header;
    EXPECT_EQ(parse_fragment(fragment_v6(whole, {0, 64}, kId), header), DropReason::bad_fragment)
        << chain;
  }
}

TEST(BuildFragment, RFC1122_R1122_14_writes_ipv4) {
  std::array<std::uint8_t, 64> out;
  out.fill(0xee);
  const FragmentFields fragment{.identification = 0xabcd5678, .offset = 1480, .more = true};
  ASSERT_EQ(build_fragment(out, fields_v4(), fragment, 1480), kVirtioNetHeaderSize + 20);
  EXPECT_EQ(parse_virtio_net(out), VirtioNetHeader());
  EXPECT_EQ(out[30], 0xee);
  ByteVector packet(out.begin() + kVirtioNetHeaderSize, out.begin() + 30);
  EXPECT_EQ(load_be16(&packet[2]), 1500);
  EXPECT_EQ(load_be16(&packet[4]), 0x5678);
  EXPECT_EQ(load_be16(&packet[6]), 0x2000 | 185);  // "don't fragment" is clear
  packet.resize(1500);
  IpHeader header;
  ASSERT_EQ(parse_fragment(packet, header), DropReason::none);
  EXPECT_EQ(header.traffic_class, 0x28);
  EXPECT_EQ(header.fragment.offset, 1480U);
}

TEST(BuildFragment, RFC8200_R8200_6_writes_ipv6) {
  std::array<std::uint8_t, 64> out;
  out.fill(0xee);
  const FragmentFields fragment{.identification = kId, .offset = 1448, .more = false};
  ASSERT_EQ(build_fragment(out, fields_v6(), fragment, 21), kVirtioNetHeaderSize + 48);
  EXPECT_EQ(parse_virtio_net(out), VirtioNetHeader());
  EXPECT_EQ(out[58], 0xee);
  const ByteVector expected = from_hex(
      "628abcde 001d 2c 40 fd000000000000000000000000000100 fd000000000000000000000000000101"
      "11 00 05a8 12345678");
  EXPECT_TRUE(std::equal(expected.begin(), expected.end(), out.begin() + kVirtioNetHeaderSize));
}

TEST(BuildFragment, what_is_built_can_be_parsed) {
  Rng rng(8200);
  ByteVector out(kVirtioNetHeaderSize + 65'535);
  for (int i = 0; i < 2'000; ++i) {
    const IpFields ip = rng.chance(0.5) ? fields_v4() : fields_v6();
    const bool is_v4 = ip.source.is_v4();
    FragmentFields fragment;
    fragment.identification = static_cast<std::uint32_t>(rng.next()) & (is_v4 ? 0xffff : ~0U);
    fragment.offset = static_cast<std::uint32_t>(rng.below(8'000)) * 8;
    fragment.more = fragment.offset == 0 || rng.chance(0.5);
    const std::size_t units = 1 + rng.below((65'480 - fragment.offset) / 8);
    const std::size_t length = units * 8 - (fragment.more ? 0 : rng.below(8));
    const std::size_t headers = build_fragment(out, ip, fragment, length);
    IpHeader header;
    ASSERT_EQ(parse_fragment(Bytes(out).subspan(kVirtioNetHeaderSize), header), DropReason::none);
    EXPECT_EQ(header.payload_offset + kVirtioNetHeaderSize, headers);
    EXPECT_EQ(header.payload_length, length);
    EXPECT_EQ(header.protocol, kProtocolUdp);
    EXPECT_EQ(header.fragment.identification, fragment.identification);
    EXPECT_EQ(header.fragment.offset, fragment.offset);
    EXPECT_EQ(header.fragment.more, fragment.more);
  }
}

TEST(BuildFragmentDeathTest, our_own_pieces_are_even_and_end_in_time) {
  std::array<std::uint8_t, 64> out;
  EXPECT_DEATH(build_fragment(out, fields_v4(), {.offset = 4}, 8), "");
  EXPECT_DEATH(build_fragment(out, fields_v4(), {.offset = 8, .more = true}, 9), "");
  EXPECT_DEATH(build_fragment(out, fields_v6(), {.offset = 65'528}, 8), "");
}

// The headers of the first fragment, in front of a payload of which it is only a part.
ByteVector first_with_all(const ByteVector& first, const IpHeader& header, const ByteVector& all) {
  ByteVector packet(first.begin(),
                    first.begin() + static_cast<std::ptrdiff_t>(header.payload_offset));
  packet.insert(packet.end(), all.begin(), all.end());
  return packet;
}

TEST(BuildWhole, makes_the_headers_of_the_whole) {
  const ByteVector payload = test::patterned(1'001, 3);
  for (const IpFields& ip : {fields_v4(), fields_v6()}) {
    const ByteVector whole = test::whole_packet(ip, payload);
    const bool is_v4 = ip.source.is_v4();
    const ByteVector first = is_v4 ? fragment_v4(whole, {0, 64}) : fragment_v6(whole, {0, 64}, kId);
    IpHeader header;
    ASSERT_EQ(parse_fragment(first, header), DropReason::none);
    ByteVector packet = first_with_all(first, header, payload);
    const std::uint32_t dropped = build_whole(packet, header, false);
    EXPECT_EQ(dropped, is_v4 ? 0U : 8U);
    packet.erase(packet.begin(), packet.begin() + dropped);
    EXPECT_EQ(packet, whole);
  }
}

// The fragment header that is closed up is the one that says "fragment", behind one that does not.
TEST(BuildWhole, RFC8200_R8200_8_keeps_an_atomic_fragment_header) {
  const ByteVector payload = test::patterned(200, 3);
  const ByteVector whole = sample::with_extensions(test::whole_packet(fields_v6(), payload),
                                                   kProtocolFragment, from_hex("1100000000000009"));
  const ByteVector first = fragment_v6(whole, {0, 64}, kId, kIpv6Header + kFragmentHeader);
  IpHeader header;
  ASSERT_EQ(parse_fragment(first, header), DropReason::none);
  ByteVector packet = first_with_all(first, header, payload);
  const std::uint32_t dropped = build_whole(packet, header, false);
  packet.erase(packet.begin(), packet.begin() + dropped);
  EXPECT_EQ(packet, whole);
}

TEST(BuildWhole, RFC3168_R3168_11_marks_congestion) {
  const ByteVector payload = test::patterned(100, 3);
  for (IpFields ip : {fields_v4(), fields_v6()}) {
    ip.traffic_class = 0x2a;
    const ByteVector whole = test::whole_packet(ip, payload);
    const ByteVector first =
        ip.source.is_v4() ? fragment_v4(whole, {0, 64}) : fragment_v6(whole, {0, 64}, kId);
    IpHeader header;
    ASSERT_EQ(parse_fragment(first, header), DropReason::none);
    ByteVector packet = first_with_all(first, header, payload);
    const std::uint32_t dropped = build_whole(packet, header, true);
    ASSERT_EQ(parse_ip(Bytes(packet).subspan(dropped), header), DropReason::none);
    EXPECT_EQ(header.traffic_class, 0x2b);
  }
}

}  // namespace
}  // namespace sluice::wire
