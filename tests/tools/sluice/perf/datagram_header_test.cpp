#include "tools/sluice/perf/datagram_header.hpp"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace sluice::perf {
namespace {

constexpr DatagramHeader kHeader{.sent_us = 0x01020304LL * 1'000'000 + 0xa0b0c,
                                 .sequence = 0x1122334455667788};

TEST(DatagramHeader, Has32BitCounters) {
  std::array<std::uint8_t, 13> bytes{};
  bytes[12] = 0xee;
  build_datagram_header(bytes, CounterWidth::bits32, kHeader);
  const std::array<std::uint8_t, 13> wanted{1,    2,    3,    4,    0,    0x0a, 0x0b,
                                            0x0c, 0x55, 0x66, 0x77, 0x88, 0xee};
  EXPECT_EQ(bytes, wanted);
  const auto parsed = parse_datagram_header(bytes, CounterWidth::bits32);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->sent_us, kHeader.sent_us);
  EXPECT_EQ(parsed->sequence, 0x55667788U);
}

TEST(DatagramHeader, Has64BitCounters) {
  std::array<std::uint8_t, 17> bytes{};
  bytes[16] = 0xee;
  build_datagram_header(bytes, CounterWidth::bits64, kHeader);
  EXPECT_EQ(bytes[8], 0x11);
  EXPECT_EQ(bytes[15], 0x88);
  EXPECT_EQ(bytes[16], 0xee);
  const auto parsed = parse_datagram_header(bytes, CounterWidth::bits64);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->sent_us, kHeader.sent_us);
  EXPECT_EQ(parsed->sequence, kHeader.sequence);
}

TEST(DatagramHeader, IsMissedInWhatIsTooShort) {
  const std::vector<std::uint8_t> bytes(16, 0xff);
  EXPECT_FALSE(parse_datagram_header(Bytes(bytes).first(11), CounterWidth::bits32));
  EXPECT_FALSE(parse_datagram_header(Bytes(bytes).first(15), CounterWidth::bits64));
  EXPECT_FALSE(parse_datagram_header({}, CounterWidth::bits32));
}

TEST(DatagramHeader, OfAnotherWorldIsTakenAsItIs) {
  const std::vector<std::uint8_t> bytes(16, 0xff);
  const auto parsed = parse_datagram_header(bytes, CounterWidth::bits64);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->sequence, UINT64_MAX);
  EXPECT_EQ(parsed->sent_us, 0xffffffffLL * 1'000'000 + 0xffffffffLL);
}

}  // namespace
}  // namespace sluice::perf
