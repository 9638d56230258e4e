#include "proto/wire/udp.hpp"

#include <gtest/gtest.h>

#include "tests/proto/wire/sample_packets.hpp"

namespace sluice::wire {
namespace {

class UdpTest : public testing::Test {
 protected:
  UdpTest() { datagram_.erase(datagram_.begin(), datagram_.begin() + sample::kTransportV4); }
  bool parse() { return parse_udp(datagram_, header_); }
  bool parse_with_length(std::uint16_t length) {
    sample::set_u16(datagram_, 4, length);
    return parse();
  }
  sample::ByteVector datagram_ = sample::from_hex(sample::kUdpV4);
  UdpHeader header_;
};

TEST_F(UdpTest, RFC768_R768_1_reads_a_captured_header) {
  ASSERT_TRUE(parse());
  EXPECT_EQ(header_.source_port, 50'464);
  EXPECT_EQ(header_.destination_port, 9);
  EXPECT_EQ(header_.length, 13);
  EXPECT_EQ(header_.checksum, 0xd80f);
}

TEST_F(UdpTest, RFC768_R768_3_length_lies_between_the_header_and_the_datagram) {
  EXPECT_FALSE(parse_with_length(0));
  EXPECT_FALSE(parse_with_length(7));
  EXPECT_TRUE(parse_with_length(8));
  EXPECT_TRUE(parse_with_length(13));
  EXPECT_FALSE(parse_with_length(14));
}

TEST_F(UdpTest, refuses_less_than_a_header) {
  for (std::size_t length = 0; length < 8; ++length) {
    EXPECT_FALSE(parse_udp(Bytes(datagram_).first(length), header_));
  }
}

}  // namespace
}  // namespace sluice::wire
