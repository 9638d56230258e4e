// Packets to bytes and back, in the order and with the mistakes that a script writes.
#include "tests/scripts/runner/codec.hpp"

#include <gtest/gtest.h>

#include "proto/wire/packet.hpp"
#include "tests/scripts/runner/notation.hpp"
#include "tests/scripts/runner/parse_packet.hpp"
#include "tests/scripts/runner/tcp_option_bytes.hpp"

namespace sluice::script {
namespace {

Packet packet_of(const std::string& line) {
  Reader reader(line);
  return parse_packet_line(reader, false);
}

Endpoints ends(bool is_v6 = false) {
  return {*IpAddress::parse(is_v6 ? "2001:db8::2" : "192.0.2.2"),
          *IpAddress::parse(is_v6 ? "2001:db8::1" : "192.0.2.1"), 8080, 40'000};
}

// What goes in comes out again, as if the peer were the stack.
std::string through(const std::string& line, std::size_t payload = 0, bool is_v6 = false) {
  const Octets bytes = encode(packet_of(line), ends(is_v6), Octets(payload, 7));
  Decoded decoded = decode(bytes);
  EXPECT_EQ(decoded.payload, Octets(payload, 7));
  EXPECT_EQ(decoded.ends.local, ends(is_v6).remote);
  decoded.packet.direction = Direction::in;
  decoded.packet.marks = {};
  decoded.packet.ports.reset();
  return to_string(decoded.packet);
}

TEST(Codec, CarriesSegments) {
  EXPECT_EQ(through("< S 1:1(0) win 65535 <mss 1460,sackOK,TS val 100 ecr 7,nop,wscale 8>"),
            "< S 1:1(0) win 65535 <mss 1460,sackOK,TS val 100 ecr 7,nop,wscale 8>");
  const std::string line = "< FPU. 1:101(100) ack 9 win 1 urg 3 <nop,nop,sack 1:2 3:4>";
  EXPECT_EQ(through(line, 100), line);
}

TEST(Codec, CarriesBothFamilies) {
  EXPECT_EQ(through("< . 1:8(7) ack 9 win 1", 7, true), "< . 1:8(7) ack 9 win 1");
  EXPECT_EQ(through("< udp (9)", 9, true), "< udp (9)");
  EXPECT_EQ(through("< udp (9)", 9), "< udp (9)");
}

TEST(Codec, OrdersOptionsAsWritten) {
  EXPECT_EQ(through("< S 1:1(0) win 9 <wscale 1,nop,sackOK,mss 7>"),
            "< S 1:1(0) win 9 <wscale 1,nop,sackOK,mss 7,eol>");
}

TEST(Codec, QuotesWhatAnErrorIsAbout) {
  const Octets bytes =
      encode(packet_of("< icmp unreachable frag_needed mtu 1200 [1:1461(1460)]"), ends(), {});
  wire::Packet parsed;
  ASSERT_EQ(wire::parse_packet(bytes, {}, parsed), DropReason::none);
  EXPECT_EQ(parsed.icmp.rest, 1200u);
  wire::QuotedSegment quoted;
  ASSERT_TRUE(wire::parse_quote(Bytes(bytes).subspan(parsed.payload_offset), false, quoted));
  EXPECT_EQ(quoted.source, ends().local);
  EXPECT_EQ(quoted.source_port, 8080);
  EXPECT_EQ(quoted.sequence, 1u);
  EXPECT_EQ(load_be16(bytes.data() + parsed.payload_offset + 2), 1500) << "its total length";
}

TEST(Codec, MarksTheIpHeader) {
  const Octets bytes = encode(packet_of("< [ce, ttl 3] . 1:1(0) ack 1 win 9"), ends(), {});
  const IpMarks marks = decode(bytes).packet.marks;
  EXPECT_EQ(marks.ecn, 3);
  EXPECT_EQ(marks.ttl, 3);
}

TEST(Codec, SpoilsASumWhenTold) {
  const Octets bytes = encode(packet_of("< [bad_checksum] . 1:1(0) ack 1 win 9"), ends(), {});
  EXPECT_THROW(decode(bytes), Malformed);
}

TEST(Codec, RefusesWhatIsNoPacket) {
  EXPECT_THROW(decode(Octets{0x45, 0, 0}), Malformed);
}

TEST(OptionBytes, KeepWhatCannotBeRight) {
  const Octets bytes = {2, 4, 5, 0xb4, 2, 3, 9, 8, 0};
  const auto options = decode_options(bytes);
  ASSERT_EQ(options.size(), 3u);
  EXPECT_EQ(to_string(options), "mss 1460,raw \"020309\",raw \"0800\"");
}

TEST(OptionBytes, EndAtTheEnd) {
  const Octets bytes = {1, 0, 2, 4};
  EXPECT_EQ(to_string(decode_options(bytes)), "nop,eol");
}

TEST(OptionBytes, ArePadded) {
  const Packet packet = packet_of("< S 0:0(0) win 1 <sackOK>");
  EXPECT_EQ(encode_options(*std::get<TcpText>(packet.text).options), (Octets{4, 2, 0, 0}));
}

}  // namespace
}  // namespace sluice::script
