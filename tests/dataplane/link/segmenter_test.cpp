#include "dataplane/link/segmenter.hpp"

#include <gtest/gtest.h>

#include <numeric>

#include "dataplane/memory/frame_pool.hpp"
#include "proto/base/rng.hpp"
#include "proto/wire/build.hpp"
#include "proto/wire/packet.hpp"

namespace sluice {
namespace {

std::vector<std::uint8_t> super_segment(bool v4, std::uint32_t payload, std::uint16_t gso_size,
                                        std::uint8_t flags, std::uint8_t ecn = 0) {
  wire::IpFields ip;
  ip.source = *IpAddress::parse(v4 ? "10.1.0.2" : "fd01::2");
  ip.destination = *IpAddress::parse(v4 ? "10.2.0.2" : "fd02::2");
  ip.identification = 0xffff;
  ip.traffic_class = ecn;
  wire::TcpHeader tcp;
  tcp.source_port = 1000;
  tcp.destination_port = 2000;
  tcp.sequence = 0xfffffff0;
  tcp.flags = flags;
  tcp.options.has_timestamps = true;
  std::vector<std::uint8_t> packet(wire::kMaxHeaders);
  wire::PayloadFacts facts;
  facts.length = payload;
  facts.gso_size = gso_size;
  packet.resize(wire::build_tcp_packet(packet, ip, tcp, facts));
  const std::size_t headers = packet.size();
  packet.resize(headers + payload);
  std::iota(packet.begin() + static_cast<std::ptrdiff_t>(headers), packet.end(), std::uint8_t{0});
  return packet;
}

std::vector<std::uint8_t> datagrams(bool v4, std::uint32_t payload, std::uint16_t size) {
  wire::IpFields ip;
  ip.source = *IpAddress::parse(v4 ? "10.1.0.2" : "fd01::2");
  ip.destination = *IpAddress::parse(v4 ? "10.2.0.2" : "fd02::2");
  std::vector<std::uint8_t> packet(wire::kMaxHeaders);
  wire::PayloadFacts facts;
  facts.length = payload;
  facts.gso_size = size;
  packet.resize(wire::build_udp_packet(packet, ip, {1000, 2000}, facts));
  packet.resize(packet.size() + payload, 0x5a);
  return packet;
}

// The stack's own parser, with nothing trusted, takes each piece.
wire::Packet parse_untrusted(const Slice& piece) {
  wire::Packet parsed;
  const Bytes whole = piece.bytes();
  EXPECT_EQ(wire::parse_virtio_net(whole), wire::VirtioNetHeader());
  EXPECT_EQ(wire::parse_packet(whole.subspan(wire::kVirtioNetHeaderSize), {}, parsed),
            DropReason::none);
  return parsed;
}

class Segmenter : public ::testing::Test {
 protected:
  Cut cut(Bytes whole) {
    pieces.clear();
    return cut_packet(whole, pool, pieces);
  }

  FramePool pool{8, 2000};
  std::vector<Slice> pieces;
};

TEST_F(Segmenter, CutsWholePacketsWithRightSums) {
  constexpr std::uint8_t kFlags = wire::kAck | wire::kPsh | wire::kFin | wire::kCwr;
  for (const bool v4 : {true, false}) {
    ASSERT_EQ(cut(super_segment(v4, 3001, 1000, kFlags)), Cut::done);
    ASSERT_EQ(pieces.size(), 4U);
    std::uint32_t sequence = 0xfffffff0;
    std::uint8_t byte = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      const wire::Packet piece = parse_untrusted(pieces[i]);
      EXPECT_EQ(piece.tcp.sequence, sequence);
      EXPECT_EQ(piece.payload_length, i < 3 ? 1000U : 1U);
      EXPECT_EQ(piece.tcp.has(wire::kFin), i == 3);
      EXPECT_EQ(piece.tcp.has(wire::kPsh), i == 3);
      EXPECT_EQ(piece.tcp.has(wire::kCwr), i == 0);
      const std::size_t headers = wire::kVirtioNetHeaderSize + piece.payload_offset;
      for (const std::uint8_t b : pieces[i].bytes().subspan(headers)) EXPECT_EQ(b, byte++);
      sequence += piece.payload_length;
    }
  }
}

TEST_F(Segmenter, CutsDatagramsWithRightLengthsAndSums) {
  for (const bool v4 : {true, false}) {
    ASSERT_EQ(cut(datagrams(v4, 2500, 1000)), Cut::done);
    ASSERT_EQ(pieces.size(), 3U);
    for (std::size_t i = 0; i < 3; ++i) {
      const wire::Packet piece = parse_untrusted(pieces[i]);
      EXPECT_EQ(piece.protocol, wire::kProtocolUdp);
      EXPECT_EQ(piece.payload_length, i < 2 ? 1000U : 500U);
    }
  }
}

TEST_F(Segmenter, FinishesASingleSum) {
  ASSERT_EQ(cut(super_segment(true, 999, 1000, wire::kAck)), Cut::done);
  ASSERT_EQ(pieces.size(), 1U);
  EXPECT_EQ(parse_untrusted(pieces.front()).payload_length, 999U);
}

TEST_F(Segmenter, AWrongPseudoHeaderSumStaysWrong) {
  std::vector<std::uint8_t> packet = super_segment(true, 3000, 1000, wire::kAck);
  packet[wire::kVirtioNetHeaderSize + wire::kIpv4MinHeader + 17] ^= 1;
  ASSERT_EQ(cut(packet), Cut::done);
  wire::Packet parsed;
  const Bytes ip = pieces[0].bytes().subspan(wire::kVirtioNetHeaderSize);
  EXPECT_EQ(wire::parse_packet(ip, {}, parsed), DropReason::bad_checksum);
}

TEST_F(Segmenter, RefusesOffloadsThatContradictThePacket) {
  const auto refused = [this](std::size_t at, std::uint8_t value) {
    std::vector<std::uint8_t> packet = super_segment(true, 3000, 1000, wire::kAck);
    packet[at] = value;
    return cut(packet) == Cut::refused && pieces.empty();
  };
  EXPECT_TRUE(refused(1, wire::VirtioNetHeader::kGsoTcpV6));
  EXPECT_TRUE(refused(1, wire::VirtioNetHeader::kGsoUdpL4));
  EXPECT_TRUE(refused(1, 77));
  EXPECT_TRUE(refused(0, 0)) << "a sum that nobody finishes";
  EXPECT_TRUE(refused(6, 19)) << "a sum that starts inside the IP header";
  EXPECT_TRUE(refused(7, 0xff)) << "or behind the packet";
  EXPECT_TRUE(refused(8, 6)) << "a field that is not TCP's";
}

// Whatever the bytes: no piece is larger than the packet, and nothing is read beyond its end.
TEST_F(Segmenter, BearsRandomBytes) {
  Rng rng(11);
  const std::vector<std::uint8_t> good = super_segment(true, 1500, 400, wire::kAck);
  for (int i = 0; i < 20'000; ++i) {
    const std::size_t size = rng.below(good.size()) + 1;
    const std::unique_ptr<std::uint8_t[]> exact(new std::uint8_t[size]);
    std::copy_n(good.begin(), size, exact.get());
    for (int k = 0; k < 3; ++k) {
      exact[rng.below(std::min<std::size_t>(size, 60))] = static_cast<std::uint8_t>(rng.next());
    }
    cut({exact.get(), size});
    for (const Slice& piece : pieces) EXPECT_LE(piece.size(), size);
  }
}

TEST_F(Segmenter, SaysWhenFramesAreTooFewOrTooSmall) {
  EXPECT_EQ(cut(super_segment(true, 9000, 1000, wire::kAck)), Cut::no_frames);
  EXPECT_EQ(pieces.size(), 8U);
  EXPECT_EQ(cut(super_segment(true, 3000, 2500, wire::kAck)), Cut::no_frames);
  EXPECT_TRUE(pieces.empty());
  EXPECT_EQ(pool.free_count(), 8U);
}

TEST_F(Segmenter, MarksOnlyWhatBearsIt) {
  for (const bool v4 : {true, false}) {
    std::vector<std::uint8_t> plain = super_segment(v4, 10, 1000, wire::kAck);
    EXPECT_FALSE(mark_congestion(plain));
    std::vector<std::uint8_t> capable = super_segment(v4, 10, 1000, wire::kAck, 2);
    EXPECT_TRUE(mark_congestion(capable));
    ASSERT_EQ(cut(capable), Cut::done);
    EXPECT_EQ(parse_untrusted(pieces.front()).traffic_class, 3);
  }
}

}  // namespace
}  // namespace sluice
