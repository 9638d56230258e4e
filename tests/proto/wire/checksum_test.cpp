#include "proto/wire/checksum.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <vector>

#include "proto/base/rng.hpp"
#include "tests/proto/wire/sample_packets.hpp"

namespace sluice::wire {
namespace {

using sample::ByteVector;
using sample::from_hex;

ByteVector random_bytes(Rng& rng, std::size_t length) {
  ByteVector bytes(length);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(rng.next());
  return bytes;
}

// The definition: 16-bit words one by one, with end-around carry.
std::uint16_t slow_sum(Bytes bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    sum += static_cast<std::uint32_t>(bytes[i]) << (i % 2 == 0 ? 8 : 0);
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return static_cast<std::uint16_t>(sum);
}

std::uint16_t folded(Bytes bytes) {
  Checksum sum;
  sum.add(bytes);
  return sum.folded();
}

TEST(Checksum, RFC1071_example_of_section_3) {
  EXPECT_EQ(folded(from_hex("0001 f203 f4f5 f6f7")), 0xddf2);
  Checksum sum;
  sum.add(from_hex("0001 f203 f4f5 f6f7"));
  EXPECT_EQ(sum.finished(), 0x220d);
}

TEST(Checksum, of_a_known_ipv4_header) {
  Checksum sum;
  sum.add(from_hex("4500 0073 0000 4000 4011 0000 c0a8 0001 c0a8 00c7"));
  EXPECT_EQ(sum.finished(), 0xb861);
}

TEST(Checksum, of_nothing_is_zero) {
  EXPECT_EQ(Checksum().folded(), 0);
  EXPECT_EQ(Checksum().finished(), 0xffff);
}

TEST(Checksum, an_odd_byte_is_padded_with_zero) {
  EXPECT_EQ(folded(from_hex("12")), 0x1200);
  EXPECT_EQ(folded(from_hex("123456")), 0x1234 + 0x5600);
}

TEST(Checksum, of_every_length_at_every_alignment_is_as_defined) {
  Rng rng(1071);
  const ByteVector bytes = random_bytes(rng, 300);
  for (std::size_t start = 0; start < 9; ++start) {
    for (std::size_t length = 0; length < 200; ++length) {
      const Bytes piece = Bytes(bytes).subspan(start, length);
      ASSERT_EQ(folded(piece), slow_sum(piece)) << start << " " << length;
    }
  }
}

TEST(Checksum, loses_no_carry) {
  const ByteVector ones(65'535, 0xff);
  for (const std::size_t length : {1U, 2U, 31U, 32U, 33U, 4'096U, 65'535U}) {
    const Bytes piece = Bytes(ones).first(length);
    EXPECT_EQ(folded(piece), slow_sum(piece)) << length;
  }
}

TEST(Checksum, of_odd_pieces_is_that_of_the_whole) {
  Rng rng(16);
  for (int round = 0; round < 2'000; ++round) {
    const ByteVector bytes = random_bytes(rng, rng.below(400));
    Checksum sum;
    for (Bytes rest = bytes; !rest.empty();) {
      const std::size_t length = std::min<std::size_t>(rest.size(), rng.below(50));
      sum.add(rest.first(length));
      rest = rest.subspan(length);
    }
    ASSERT_EQ(sum.folded(), slow_sum(bytes));
  }
}

TEST(Checksum, adds_words_in_host_order) {
  Checksum sum;
  sum.add_u16(0x0001);
  sum.add_u32(0xf203f4f5);
  sum.add_u16(0xf6f7);
  EXPECT_EQ(sum.folded(), 0xddf2);
}

TEST(Checksum, RFC8200_R8200_10_pseudo_headers_are_as_laid_out) {
  const IpAddress a4 = sample::address("10.0.5.100");
  const IpAddress b4 = sample::address("10.0.5.101");
  Checksum v4;
  v4.add_pseudo_header(a4, b4, 6, 0x1234);
  EXPECT_EQ(v4.folded(), slow_sum(from_hex("0a000564 0a000565 00 06 1234")));
  const IpAddress a6 = sample::address("fd00::100");
  const IpAddress b6 = sample::address("fd00::101");
  Checksum v6;
  v6.add_pseudo_header(a6, b6, 58, 0x012345);
  EXPECT_EQ(v6.folded(), slow_sum(from_hex("fd000000000000000000000000000100"
                                           "fd000000000000000000000000000101"
                                           "00012345 0000003a")));
}

TEST(Checksum, RFC9293_MUST_3_a_captured_segment_sums_to_zero) {
  const ByteVector packet = from_hex(sample::kTcpSynV4);
  Checksum sum;
  sum.add_pseudo_header(IpAddress::v4(load_be32(&packet[12])),
                        IpAddress::v4(load_be32(&packet[16])), 6,
                        static_cast<std::uint32_t>(packet.size() - 20));
  sum.add(Bytes(packet).subspan(20));
  EXPECT_EQ(sum.finished(), 0);
}

}  // namespace
}  // namespace sluice::wire
