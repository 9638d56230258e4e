#include "proto/wire/tcp_options.hpp"

#include <gtest/gtest.h>

#include <array>

#include "tests/proto/wire/random_tcp.hpp"
#include "tests/proto/wire/sample_packets.hpp"

namespace sluice::wire {
namespace {

using sample::ByteVector;
using sample::from_hex;

class TcpOptionsTest : public testing::Test {
 protected:
  // Left-overs of an earlier packet must not show through.
  TcpOptionsTest() {
    options_.has_mss = options_.has_window_scale = true;
    options_.sack_permitted = options_.has_timestamps = true;
    options_.sack_count = 4;
  }
  bool parse(std::string_view hex) {
    const ByteVector bytes = from_hex(hex);
    return parse_tcp_options(bytes, options_);
  }
  bool is_empty() const { return sample::same(options_, TcpOptions()); }
  static ByteVector build(const TcpOptions& options) {
    ByteVector out(40);
    out.resize(build_tcp_options(out, options));
    EXPECT_EQ(out.size(), options_length(options));
    return out;
  }
  TcpOptions options_;
};

TEST_F(TcpOptionsTest, none_at_all) {
  EXPECT_TRUE(parse(""));
  EXPECT_TRUE(is_empty());
}

TEST_F(TcpOptionsTest, RFC9293_MUST_4_knows_end_nop_and_mss) {
  EXPECT_TRUE(parse("01 020405b4 01 00"));
  EXPECT_TRUE(options_.has_mss);
  EXPECT_EQ(options_.mss, 1460);
  EXPECT_FALSE(options_.has_timestamps);
}

TEST_F(TcpOptionsTest, RFC9293_MUST_4_nothing_counts_behind_the_end) {
  EXPECT_TRUE(parse("00 020405b4 0801ff"));
  EXPECT_TRUE(is_empty());
}

TEST_F(TcpOptionsTest, of_a_captured_syn) {
  EXPECT_TRUE(parse("020405b40402080afbfc22f0000000000103030a"));
  EXPECT_EQ(options_.mss, 1460);
  EXPECT_TRUE(options_.sack_permitted);
  EXPECT_TRUE(options_.has_timestamps);
  EXPECT_EQ(options_.ts_value, 0xfbfc22f0U);
  EXPECT_EQ(options_.ts_echo, 0U);
  EXPECT_TRUE(options_.has_window_scale);
  EXPECT_EQ(options_.window_scale, 10);
  EXPECT_EQ(options_.sack_count, 0);
}

TEST_F(TcpOptionsTest, RFC9293_MUST_6_skips_an_unknown_option_by_its_length) {
  EXPECT_TRUE(parse("fe 06 02040001 020405b4 22 02"));  // an MSS inside the unknown one
  EXPECT_EQ(options_.mss, 1460);
}

TEST_F(TcpOptionsTest, RFC9293_MUST_7_refuses_an_illegal_length) {
  for (const char* const hex : {"0200", "0201", "fe00", "fe01", "01 fe", "02", "0203ff 05",
                                "020405", "02ff05b4", "0101080a00000001000000"}) {
    EXPECT_FALSE(parse(hex)) << hex;
  }
}

TEST_F(TcpOptionsTest, RFC9293_MUST_64_reads_at_any_alignment) {
  for (std::size_t nops = 0; nops < 20; ++nops) {
    ByteVector bytes(nops, 1);
    const ByteVector timestamps = from_hex("080a0102030405060708");
    bytes.insert(bytes.end(), timestamps.begin(), timestamps.end());
    TcpOptions options;
    ASSERT_TRUE(parse_tcp_options(bytes, options));
    EXPECT_TRUE(options.has_timestamps);
    EXPECT_EQ(options.ts_value, 0x01020304U);
    EXPECT_EQ(options.ts_echo, 0x05060708U);
  }
}

TEST_F(TcpOptionsTest, RFC7323_R7323_6_the_usual_layout_is_timestamps_alone) {
  EXPECT_TRUE(parse("0101080a 01020304 05060708"));
  EXPECT_TRUE(options_.has_timestamps);
  EXPECT_EQ(options_.ts_value, 0x01020304U);
  EXPECT_EQ(options_.ts_echo, 0x05060708U);
  EXPECT_FALSE(options_.has_mss || options_.has_window_scale || options_.sack_permitted);
  EXPECT_EQ(options_.sack_count, 0);
}

TEST_F(TcpOptionsTest, RFC7323_R7323_1_window_scale_is_handed_on_as_received) {
  EXPECT_TRUE(parse("0303ff"));
  EXPECT_EQ(options_.window_scale, 255);
}

TEST_F(TcpOptionsTest, a_known_option_of_a_wrong_length_is_ignored) {
  EXPECT_TRUE(parse("020305 0202 03020304 0000 040301 08080102030405 01"));
  EXPECT_TRUE(is_empty());
}

TEST_F(TcpOptionsTest, the_last_of_a_repeated_option_counts) {
  EXPECT_TRUE(parse("02040001 02040002"));
  EXPECT_EQ(options_.mss, 2);
  EXPECT_TRUE(parse("0512 0000000100000002 0000000300000004 050a 0000000500000006"));
  EXPECT_EQ(options_.sack_count, 1);
  EXPECT_EQ(options_.sack[0], (SackBlock{5, 6}));
}

TEST_F(TcpOptionsTest, RFC2018_R2018_1_takes_one_to_four_sack_blocks) {
  for (std::uint8_t count = 1; count <= 4; ++count) {
    ByteVector bytes = {5, static_cast<std::uint8_t>(2 + 8 * count)};
    for (std::uint8_t i = 0; i < 2 * count; ++i) bytes.insert(bytes.end(), {0, 0, 0, i});
    TcpOptions options;
    ASSERT_TRUE(parse_tcp_options(bytes, options));
    ASSERT_EQ(options.sack_count, count);
    EXPECT_EQ(options.sack.at(count - 1U), (SackBlock{2U * count - 2, 2U * count - 1}));
  }
}

TEST_F(TcpOptionsTest, RFC2018_R2018_1_ignores_sack_of_an_odd_length) {
  for (const std::uint8_t length : from_hex("02 03 09 0b 11 13 1b 23 2a")) {
    ByteVector bytes(length, 0);
    bytes[0] = 5;
    bytes[1] = length;
    TcpOptions options;
    EXPECT_TRUE(parse_tcp_options(bytes, options)) << int{length};
    EXPECT_EQ(options.sack_count, 0) << int{length};
  }
}

TEST_F(TcpOptionsTest, builds_in_the_order_of_linux) {
  const TcpOptions syn{.has_mss = true,
                       .has_window_scale = true,
                       .sack_permitted = true,
                       .has_timestamps = true,
                       .window_scale = 10,
                       .mss = 1460,
                       .ts_value = 0xfbfc22f0,
                       .sack = {}};
  EXPECT_EQ(build(syn), from_hex("020405b40402080afbfc22f0000000000103030a"));
  const TcpOptions timestamps{
      .has_timestamps = true, .ts_value = 0x01020304, .ts_echo = 0x05060708, .sack = {}};
  EXPECT_EQ(build(timestamps), from_hex("0101080a 01020304 05060708"));
  const TcpOptions permitted{.sack_permitted = true, .sack = {}};
  EXPECT_EQ(build(permitted), from_hex("01010402"));
  const TcpOptions sack{.has_timestamps = true,
                        .sack_count = 2,
                        .ts_value = 1,
                        .ts_echo = 2,
                        .sack = {SackBlock{3, 4}, SackBlock{5, 6}}};
  EXPECT_EQ(build(sack), from_hex("0101080a 00000001 00000002"
                                  "01010512 00000003 00000004 00000005 00000006"));
  EXPECT_TRUE(build(TcpOptions()).empty());
}

TEST_F(TcpOptionsTest, RFC2018_R2018_5_sends_as_many_blocks_as_fit) {
  TcpOptions options;
  options.sack_count = 4;
  EXPECT_EQ(options_length(options), 36U);
  options.has_timestamps = true;
  EXPECT_EQ(options_length(options), 40U);  // three
  const ByteVector bytes = build(options);
  TcpOptions back;
  ASSERT_TRUE(parse_tcp_options(bytes, back));
  EXPECT_EQ(back.sack_count, 3);
  options.has_mss = options.has_window_scale = options.sack_permitted = true;
  EXPECT_EQ(options_length(options), 40U);  // two
}

TEST_F(TcpOptionsTest, what_is_built_can_be_parsed) {
  Rng rng(2018);
  for (int i = 0; i < 20'000; ++i) {
    const TcpOptions options = sample::random_options(rng);
    const ByteVector bytes = build(options);
    EXPECT_EQ(bytes.size() % 4, 0U);
    TcpOptions back;
    ASSERT_TRUE(parse_tcp_options(bytes, back));
    ASSERT_TRUE(sample::same(options, back));
  }
}

}  // namespace
}  // namespace sluice::wire
