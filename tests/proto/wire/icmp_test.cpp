#include "proto/wire/icmp.hpp"

#include <gtest/gtest.h>

#include <array>

#include "tests/proto/wire/sample_packets.hpp"

namespace sluice::wire {
namespace {

TEST(Icmp, RFC792_R792_1_reads_a_captured_echo) {
  const auto packet = sample::from_hex(sample::kEchoV4);
  IcmpHeader header;
  ASSERT_TRUE(parse_icmp(Bytes(packet).subspan(sample::kTransportV4), header));
  EXPECT_EQ(header.type, icmp_v4::kEcho);
  EXPECT_EQ(header.code, 0);
  EXPECT_EQ(header.rest, 0x00010002U);
}

TEST(Icmp, refuses_less_than_a_header) {
  const std::array<std::uint8_t, 8> message{};
  IcmpHeader header;
  for (std::size_t length = 0; length < 8; ++length) {
    EXPECT_FALSE(parse_icmp(Bytes(message).first(length), header));
  }
  EXPECT_TRUE(parse_icmp(message, header));
}

TEST(Icmp, builds_eight_bytes_without_a_sum) {
  std::array<std::uint8_t, 9> out;
  out.fill(0xee);
  build_icmp(out, {.type = 3, .code = 4, .rest = 1'400});
  const std::array<std::uint8_t, 9> expected = {3, 4, 0, 0, 0, 0, 0x05, 0x78, 0xee};
  EXPECT_EQ(out, expected);
}

}  // namespace
}  // namespace sluice::wire
