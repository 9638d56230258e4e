// The simulator's own parts: what cuts super-segments, and what carries packets.
#include <gtest/gtest.h>

#include <numeric>

#include "proto/wire/build.hpp"
#include "proto/wire/packet.hpp"
#include "tests/sim/link.hpp"
#include "tests/sim/segmenter.hpp"

namespace sluice::sim {
namespace {

PacketBytes super_segment(bool v4, std::uint32_t payload, std::uint16_t gso_size,
                          std::uint8_t flags) {
  wire::IpFields ip;
  ip.source = *IpAddress::parse(v4 ? "10.1.0.2" : "fd01::2");
  ip.destination = *IpAddress::parse(v4 ? "10.2.0.2" : "fd02::2");
  ip.identification = 0xffff;
  wire::TcpHeader tcp;
  tcp.source_port = 1000;
  tcp.destination_port = 2000;
  tcp.sequence = 0xfffffff0;
  tcp.flags = flags;
  tcp.options.has_timestamps = true;
  PacketBytes packet(wire::kMaxHeaders);
  wire::PayloadFacts facts;
  facts.length = payload;
  facts.gso_size = gso_size;
  packet.resize(wire::build_tcp_packet(packet, ip, tcp, facts));
  const std::size_t headers = packet.size();
  packet.resize(headers + payload);
  std::iota(packet.begin() + static_cast<std::ptrdiff_t>(headers), packet.end(), std::uint8_t{0});
  return packet;
}

// The stack's own parser, with nothing trusted, takes each piece.
wire::Packet parse_untrusted(const PacketBytes& packet) {
  wire::Packet parsed;
  EXPECT_EQ(wire::parse_packet(ip_of(packet), wire::parse_virtio_net(packet), parsed),
            DropReason::none);
  EXPECT_EQ(wire::parse_virtio_net(packet), wire::VirtioNetHeader());
  return parsed;
}

TEST(Segmenter, CutsWholePacketsWithRightSums) {
  constexpr std::uint8_t kFlags = wire::kAck | wire::kPsh | wire::kFin | wire::kCwr;
  for (const bool v4 : {true, false}) {
    const PacketBytes whole = super_segment(v4, 3001, 1000, kFlags);
    const auto pieces = segment(whole);
    ASSERT_TRUE(pieces);
    ASSERT_EQ(pieces->size(), 4U);
    std::uint32_t sequence = 0xfffffff0;
    std::uint8_t byte = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      const wire::Packet piece = parse_untrusted(pieces->at(i));
      EXPECT_EQ(piece.tcp.sequence, sequence);
      EXPECT_EQ(piece.payload_length, i < 3 ? 1000U : 1U);
      EXPECT_EQ(piece.tcp.has(wire::kFin), i == 3);
      EXPECT_EQ(piece.tcp.has(wire::kPsh), i == 3);
      EXPECT_EQ(piece.tcp.has(wire::kCwr), i == 0);
      for (const std::uint8_t b : ip_of(pieces->at(i)).subspan(piece.payload_offset)) {
        EXPECT_EQ(b, byte++);
      }
      sequence += piece.payload_length;
    }
  }
}

TEST(Segmenter, FinishesASingleSum) {
  const auto pieces = segment(super_segment(true, 999, 1000, wire::kAck));
  ASSERT_TRUE(pieces);
  ASSERT_EQ(pieces->size(), 1U);
  EXPECT_EQ(parse_untrusted(pieces->front()).payload_length, 999U);
}

TEST(Segmenter, RefusesOffloadsThatContradictThePacket) {
  PacketBytes packet = super_segment(true, 3000, 1000, wire::kAck);
  packet[1] = wire::VirtioNetHeader::kGsoTcpV6;
  EXPECT_FALSE(segment(packet));
  packet = super_segment(true, 3000, 1000, wire::kAck);
  packet[0] = 0;  // a sum that nobody finishes
  EXPECT_FALSE(segment(packet));
  packet = super_segment(true, 3000, 1000, wire::kAck);
  packet[6] = 21;  // the sum does not start where TCP does
  EXPECT_FALSE(segment(packet));
}

// --- links ------------------------------------------------------------------------------------

Instant at_us(std::int64_t us) {
  return Instant() + Duration::microseconds(us);
}

PacketBytes packet_of(std::size_t bytes, std::uint8_t content = 0) {
  return PacketBytes(bytes, content);
}

TEST(Link, TakesTheTimeOfItsRateAndDelay) {
  LinkOptions options;
  options.rate_bits = 8'000'000;  // a byte each microsecond
  options.delay = Duration::microseconds(500);
  Link link(options, 1);
  link.send(packet_of(100), at_us(0));
  link.send(packet_of(100), at_us(50));
  EXPECT_EQ(link.next_delivery(), at_us(600));
  EXPECT_FALSE(link.take(at_us(599)));
  EXPECT_TRUE(link.take(at_us(600)));
  EXPECT_EQ(link.next_delivery(), at_us(700));
}

TEST(Link, DropsWhatItsQueueCannotHold) {
  LinkOptions options;
  options.rate_bits = 8'000'000;
  options.queue_packets = 3;
  Link link(options, 1);
  for (int i = 0; i < 5; ++i) link.send(packet_of(100), at_us(0));
  EXPECT_EQ(link.counters().queue_full, 2U);
  link.send(packet_of(100), at_us(100));  // one has left
  EXPECT_EQ(link.counters().queue_full, 2U);
}

TEST(Link, KeepsOrderWithoutFaults) {
  LinkOptions options;
  options.delay = Duration::microseconds(10);
  Link link(options, 1);
  for (std::uint8_t i = 0; i < 100; ++i) link.send(packet_of(20, i), at_us(i));
  for (std::uint8_t i = 0; i < 100; ++i) EXPECT_EQ(link.take(at_us(1000))->packet[0], i);
}

TEST(Link, FaultsHappenAsOftenAsAskedAndThenEnd) {
  LinkOptions options;
  options.loss = 0.1;
  options.duplicate = 0.2;
  options.corrupt = 0.3;
  options.reorder = 0.4;
  options.reorder_delay = Duration::microseconds(100);
  options.faults_until = at_us(10'000);
  Link link(options, 7);
  for (int i = 0; i < 10'000; ++i) link.send(packet_of(40), at_us(i));
  const LinkCounters before = link.counters();
  EXPECT_NEAR(static_cast<double>(before.lost), 1000, 100);
  EXPECT_NEAR(static_cast<double>(before.duplicated), 1800, 150);
  EXPECT_NEAR(static_cast<double>(before.corrupted), 2700, 150);
  EXPECT_NEAR(static_cast<double>(before.reordered), 3600, 150);
  for (int i = 10'000; i < 20'000; ++i) link.send(packet_of(40), at_us(i));
  EXPECT_EQ(link.counters().lost, before.lost);
  EXPECT_EQ(link.counters().corrupted, before.corrupted);
}

}  // namespace
}  // namespace sluice::sim
