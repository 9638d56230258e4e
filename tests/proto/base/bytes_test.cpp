#include "proto/base/bytes.hpp"

#include <gtest/gtest.h>

#include <array>

namespace sluice {
namespace {

TEST(Bytes, loads_network_order_at_any_alignment) {
  const std::array<std::uint8_t, 9> bytes = {0xff, 1, 2, 3, 4, 5, 6, 7, 8};
  EXPECT_EQ(load_u8(&bytes[1]), 1);
  EXPECT_EQ(load_be16(&bytes[1]), 0x0102);
  EXPECT_EQ(load_be32(&bytes[1]), 0x01020304U);
  EXPECT_EQ(load_be64(&bytes[1]), 0x0102030405060708ULL);
}

TEST(Bytes, stores_what_loads_read_and_nothing_beside_it) {
  std::array<std::uint8_t, 10> bytes;
  bytes.fill(0xee);
  store_be64(&bytes[1], 0x0102030405060708ULL);
  EXPECT_EQ(load_be64(&bytes[1]), 0x0102030405060708ULL);
  store_be32(&bytes[1], 0xa1a2a3a4U);
  store_be16(&bytes[5], 0xb1b2);
  const std::array<std::uint8_t, 10> expected = {0xee, 0xa1, 0xa2, 0xa3, 0xa4,
                                                 0xb1, 0xb2, 7,    8,    0xee};
  EXPECT_EQ(bytes, expected);
}

}  // namespace
}  // namespace sluice
