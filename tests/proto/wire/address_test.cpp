#include "proto/wire/address.hpp"

#include <gtest/gtest.h>

#include <string>

#include "proto/base/assert.hpp"
#include "proto/base/rng.hpp"
#include "tests/proto/wire/sample_packets.hpp"

namespace sluice {
namespace {

using wire::sample::address;

Cidr cidr_of(std::string_view text) {
  const auto cidr = Cidr::parse(text);
  SLUICE_ASSERT(cidr.has_value());
  return *cidr;
}

struct Text {
  const char* in;
  const char* out;  // RFC 5952 form; null: refused
};

class IpAddressText : public testing::TestWithParam<Text> {};

TEST_P(IpAddressText, is_read_and_written) {
  const auto parsed = IpAddress::parse(GetParam().in);
  ASSERT_EQ(parsed.has_value(), GetParam().out != nullptr) << GetParam().in;
  if (!parsed) return;
  EXPECT_EQ(parsed->to_string(), GetParam().out) << GetParam().in;
}

INSTANTIATE_TEST_SUITE_P(
    V4, IpAddressText,
    testing::Values(Text{"0.0.0.0", "0.0.0.0"}, Text{"10.0.5.100", "10.0.5.100"},
                    Text{"255.255.255.255", "255.255.255.255"}, Text{"256.0.0.1", nullptr},
                    Text{"1.2.3", nullptr}, Text{"1.2.3.4.5", nullptr}, Text{"1.2.3.", nullptr},
                    Text{".1.2.3", nullptr}, Text{"1..2.3", nullptr}, Text{"01.2.3.4", nullptr},
                    Text{"1.2.3.4 ", nullptr}, Text{" 1.2.3.4", nullptr}, Text{"+1.2.3.4", nullptr},
                    Text{"-1.2.3.4", nullptr}, Text{"0x1.2.3.4", nullptr},
                    Text{"1.2.3.4/8", nullptr}, Text{"a.b.c.d", nullptr}, Text{"16909060", nullptr},
                    Text{"", nullptr}));

// The examples of RFC 5952 sections 1, 2 and 4, and of RFC 4291 section 2.2.
INSTANTIATE_TEST_SUITE_P(
    V6, IpAddressText,
    testing::Values(
        Text{"::", "::"}, Text{"::1", "::1"}, Text{"0:0:0:0:0:0:0:0", "::"}, Text{"1::", "1::"},
        Text{"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
        Text{"2001:0db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
        Text{"2001:db8:0000:0:1::1", "2001:db8::1:0:0:1"},
        Text{"2001:DB8:0:0:1::1", "2001:db8::1:0:0:1"},
        Text{"2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
        Text{"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
        Text{"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"}, Text{"2001:db8::AAAA", "2001:db8::aaaa"},
        Text{"ABCD:EF01:2345:6789:ABCD:EF01:2345:6789", "abcd:ef01:2345:6789:abcd:ef01:2345:6789"},
        Text{"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"}, Text{"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
        Text{"64:ff9b::1.2.3.4", "64:ff9b::102:304"}, Text{"::13.1.68.3", "::d01:4403"},
        Text{"::ffff:129.144.52.38", "129.144.52.38"},
        Text{"1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"}));

INSTANTIATE_TEST_SUITE_P(
    V6Refused, IpAddressText,
    testing::Values(Text{":", nullptr}, Text{":::", nullptr}, Text{"1::2::3", nullptr},
                    Text{"1:2:3:4:5:6:7", nullptr}, Text{"1:2:3:4:5:6:7:8:9", nullptr},
                    Text{"1:2:3:4:5:6:7:8::", nullptr}, Text{"1:2:3:4::5:6:7:8", nullptr},
                    Text{":1", nullptr}, Text{"1:", nullptr}, Text{"12345::", nullptr},
                    Text{"g::", nullptr}, Text{"fe80::1%eth0", nullptr}, Text{"[::1]", nullptr},
                    Text{"::1.2.3", nullptr}, Text{"1.2.3.4::", nullptr},
                    Text{"1:2:3:4:5:6:7:1.2.3.4", nullptr}, Text{"::1.2.3.4:5", nullptr},
                    Text{"::1 ", nullptr}, Text{"::-1", nullptr}, Text{"::0x1", nullptr}));

TEST(IpAddress, its_two_families_differ) {
  EXPECT_TRUE(address("1.2.3.4").is_v4());
  EXPECT_EQ(address("1.2.3.4").v4_bits(), 0x01020304U);
  EXPECT_EQ(IpAddress::v4(0x0a000564), address("10.0.5.100"));
  EXPECT_TRUE(address("::1.2.3.4").is_v6());
  EXPECT_TRUE(IpAddress().is_v6());
  EXPECT_NE(address("::"), address("0.0.0.0"));
  EXPECT_LT(address("1.2.3.4"), address("1.2.3.5"));
}

TEST(IpAddress, v6_takes_its_bytes) {
  const std::array<std::uint8_t, 16> bytes = {0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2};
  EXPECT_EQ(IpAddress::v6(bytes), address("fd00::102"));
  EXPECT_EQ(IpAddress::v6(bytes).bytes(), bytes);
}

struct Kind {
  const char* text;
  bool unspecified, loopback, multicast, broadcast;
};

TEST(IpAddress, says_what_kind_it_is) {
  constexpr Kind kKinds[] = {
      {"0.0.0.0", true, false, false, false},
      {"::", true, false, false, false},
      {"127.0.0.1", false, true, false, false},
      {"127.255.255.255", false, true, false, false},
      {"128.0.0.0", false, false, false, false},
      {"::1", false, true, false, false},
      {"::2", false, false, false, false},
      {"224.0.0.0", false, false, true, false},
      {"239.255.255.255", false, false, true, false},
      {"240.0.0.0", false, false, false, false},
      {"223.255.255.255", false, false, false, false},
      {"ff02::1", false, false, true, false},
      {"fe80::1", false, false, false, false},
      {"255.255.255.255", false, false, false, true},
      {"ffff::255.255.255.255", false, false, true, false},
  };
  for (const Kind& kind : kKinds) {
    const IpAddress a = address(kind.text);
    EXPECT_EQ(a.is_unspecified(), kind.unspecified) << kind.text;
    EXPECT_EQ(a.is_loopback(), kind.loopback) << kind.text;
    EXPECT_EQ(a.is_multicast(), kind.multicast) << kind.text;
    EXPECT_EQ(a.is_broadcast(), kind.broadcast) << kind.text;
  }
}

TEST(IpAddress, random_values_survive_their_text) {
  Rng rng(5952);
  for (int i = 0; i < 10'000; ++i) {
    std::array<std::uint8_t, 16> bytes{};
    for (std::size_t at = 0; at < 16; at += 2) {
      if (rng.chance(0.5)) store_be16(&bytes[at], static_cast<std::uint16_t>(rng.next()));
    }
    const IpAddress a = IpAddress::v6(bytes);
    EXPECT_EQ(IpAddress::parse(a.to_string()), a) << a.to_string();
    const IpAddress b = IpAddress::v4(static_cast<std::uint32_t>(rng.next()));
    EXPECT_EQ(IpAddress::parse(b.to_string()), b) << b.to_string();
  }
}

struct Network {
  const char* text;
  const char* network;
  const char* last;
};

TEST(Cidr, knows_its_ends) {
  constexpr Network kNetworks[] = {
      {"10.0.5.100/24", "10.0.5.0", "10.0.5.255"},
      {"10.0.5.100/32", "10.0.5.100", "10.0.5.100"},
      {"10.0.5.100/31", "10.0.5.100", "10.0.5.101"},
      {"10.0.5.100/0", "0.0.0.0", "255.255.255.255"},
      {"10.11.12.13/13", "10.8.0.0", "10.15.255.255"},
      {"fd00::102/64", "fd00::", "fd00::ffff:ffff:ffff:ffff"},
      {"fd00::102/128", "fd00::102", "fd00::102"},
      {"fd00::102/125", "fd00::100", "fd00::107"},
      {"fd00::102/0", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
  };
  for (const Network& row : kNetworks) {
    const Cidr cidr = cidr_of(row.text);
    EXPECT_EQ(cidr.network().to_string(), row.network) << row.text;
    EXPECT_EQ(cidr.last().to_string(), row.last) << row.text;
    EXPECT_EQ(cidr.to_string(), row.text);
    EXPECT_TRUE(cidr.contains(cidr.address) && cidr.contains(cidr.network()) &&
                cidr.contains(cidr.last()))
        << row.text;
  }
}

TEST(Cidr, contains_its_own_family_only) {
  const Cidr v4 = cidr_of("10.0.5.100/24");
  EXPECT_TRUE(v4.contains(address("10.0.5.1")));
  EXPECT_FALSE(v4.contains(address("10.0.6.1")));
  EXPECT_FALSE(v4.contains(address("fd00::1")));
  const Cidr all_v4 = cidr_of("0.0.0.0/0");
  const Cidr all_v6 = cidr_of("::/0");
  EXPECT_FALSE(all_v4.contains(address("::1")));
  EXPECT_FALSE(all_v6.contains(address("1.2.3.4")));
  EXPECT_TRUE(all_v6.contains(address("::1")));
}

TEST(Cidr, refuses_what_is_none) {
  for (const char* const text : {"", "/", "10.0.0.1", "10.0.0.1/", "10.0.0.1/33", "10.0.0.1/-1",
                                 "10.0.0.1/+1", "10.0.0.1/024", "10.0.0.1/24 ", "10.0.0.1/24/8",
                                 "/24", "fd00::1/129", "fd00::1/1000", "::ffff:1.2.3.4/120"}) {
    EXPECT_FALSE(Cidr::parse(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace sluice
