#include "proto/wire/tcp.hpp"

#include <gtest/gtest.h>

#include "tests/proto/wire/random_tcp.hpp"
#include "tests/proto/wire/sample_packets.hpp"

namespace sluice::wire {
namespace {

using sample::ByteVector;
using sample::from_hex;

class TcpTest : public testing::Test {
 protected:
  TcpTest() { segment_.erase(segment_.begin(), segment_.begin() + sample::kTransportV4); }
  TcpParse parse() { return parse_tcp(segment_, header_, header_length_); }
  ByteVector segment_ = from_hex(sample::kTcpSynV4);
  TcpHeader header_;
  std::size_t header_length_ = 0;
};

TEST_F(TcpTest, reads_a_captured_syn) {
  ASSERT_EQ(parse(), TcpParse::ok);
  EXPECT_EQ(header_length_, 40U);
  EXPECT_EQ(header_.source_port, 53'036);
  EXPECT_EQ(header_.destination_port, 7);
  EXPECT_EQ(header_.sequence, 0xe508a53aU);
  EXPECT_EQ(header_.acknowledgment, 0U);
  EXPECT_EQ(header_.flags, kSyn);
  EXPECT_TRUE(header_.has(kSyn));
  EXPECT_FALSE(header_.has(kAck));
  EXPECT_EQ(header_.window, 64'240);
  EXPECT_EQ(header_.urgent, 0);
  EXPECT_EQ(header_.options.mss, 1460);
  EXPECT_EQ(header_.length(), 40U);
}

TEST_F(TcpTest, builds_the_captured_syn_again) {
  ASSERT_EQ(parse(), TcpParse::ok);
  ByteVector out(kTcpMaxHeader);
  out.resize(build_tcp(out, header_));
  sample::set_u16(segment_, 16, 0);
  EXPECT_EQ(out, segment_);
}

TEST_F(TcpTest, refuses_a_data_offset_below_five_or_beyond_the_segment) {
  for (std::uint8_t words = 0; words < 16; ++words) {
    segment_[12] = static_cast<std::uint8_t>(words << 4);
    const bool fits = words >= 5 && words <= 10;
    EXPECT_EQ(parse() != TcpParse::bad_header, fits) << int{words};
  }
}

TEST_F(TcpTest, refuses_less_than_its_header) {
  for (std::size_t length = 0; length < 40; ++length) {
    EXPECT_EQ(parse_tcp(Bytes(segment_).first(length), header_, header_length_),
              TcpParse::bad_header);
  }
}

TEST_F(TcpTest, ignores_the_reserved_bits) {
  segment_[12] |= 0x0f;
  EXPECT_EQ(parse(), TcpParse::ok);
  EXPECT_EQ(header_length_, 40U);
}

TEST_F(TcpTest, RFC9293_MUST_5_takes_options_in_any_segment) {
  for (int flags = 0; flags < 256; ++flags) {
    segment_[13] = static_cast<std::uint8_t>(flags);
    ASSERT_EQ(parse(), TcpParse::ok);
    EXPECT_EQ(header_.flags, flags);
    EXPECT_TRUE(header_.options.has_timestamps);
  }
}

TEST_F(TcpTest, RFC9293_MUST_7_names_a_bad_option) {
  segment_[21] = 0;
  EXPECT_EQ(parse(), TcpParse::bad_option);
}

TEST(BuildTcp, what_is_built_can_be_parsed) {
  Rng rng(9293);
  for (int i = 0; i < 20'000; ++i) {
    const TcpHeader header = sample::random_header(rng);
    ByteVector out(kTcpMaxHeader, 0xee);
    const std::size_t length = build_tcp(out, header);
    ASSERT_EQ(length, header.length());
    EXPECT_EQ(load_be16(&out[16]), 0);
    TcpHeader back;
    std::size_t header_length = 0;
    ASSERT_EQ(parse_tcp(Bytes(out).first(length), back, header_length), TcpParse::ok);
    ASSERT_EQ(header_length, length);
    ASSERT_TRUE(sample::same(header, back));
  }
}

}  // namespace
}  // namespace sluice::wire
