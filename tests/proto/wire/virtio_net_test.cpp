#include "proto/wire/virtio_net.hpp"

#include <gtest/gtest.h>

#include <array>

#include "tests/proto/wire/sample_packets.hpp"

namespace sluice::wire {
namespace {

TEST(VirtioNet, lies_in_the_order_of_the_cpu) {
  const std::array<std::uint8_t, 10> bytes = {1, 0x81, 0x28, 0, 0xa8, 5, 20, 0, 16, 0};
  const VirtioNetHeader header = parse_virtio_net(bytes);
  EXPECT_EQ(header.flags, VirtioNetHeader::kNeedsChecksum);
  EXPECT_EQ(header.gso_type, VirtioNetHeader::kGsoTcpV4 | VirtioNetHeader::kGsoEcn);
  EXPECT_EQ(header.header_length, 40);
  EXPECT_EQ(header.gso_size, 1448);
  EXPECT_EQ(header.checksum_start, 20);
  EXPECT_EQ(header.checksum_offset, 16);
}

TEST(VirtioNet, build_is_the_reverse_and_touches_ten_bytes) {
  std::array<std::uint8_t, 11> bytes{};
  bytes[10] = 0xee;
  const VirtioNetHeader header{.flags = 2,
                               .gso_type = 4,
                               .header_length = 1,
                               .gso_size = 2,
                               .checksum_start = 3,
                               .checksum_offset = 0xffff};
  build_virtio_net(bytes, header);
  EXPECT_EQ(parse_virtio_net(bytes), header);
  EXPECT_EQ(bytes[10], 0xee);
}

// --- finish_checksum
// ------------------------------------------------------------------------------

TEST(VirtioNet, a_finished_sum_is_the_one_that_a_wire_would_carry) {
  sample::ByteVector packet = sample::from_hex(sample::kTcpSynV4);
  Checksum pseudo;
  pseudo.add_pseudo_header(sample::address("10.0.5.100"), sample::address("10.0.5.101"),
                           kProtocolTcp, 40);
  sample::set_u16(packet, 36, pseudo.folded());
  EXPECT_EQ(sample::parse(packet), DropReason::bad_checksum);
  finish_checksum(packet, {.flags = 1, .checksum_start = 20, .checksum_offset = 16});
  EXPECT_EQ(packet, sample::from_hex(sample::kTcpSynV4));
}

TEST(VirtioNet, a_finished_sum_is_never_zero) {
  sample::ByteVector bytes = {0xff, 0xff, 0, 0};
  finish_checksum(bytes, {.flags = 1, .checksum_start = 0, .checksum_offset = 2});
  EXPECT_EQ(bytes, (sample::ByteVector{0xff, 0xff, 0xff, 0xff}));
}

TEST(VirtioNet, impossible_places_of_a_sum_are_left_alone) {
  const sample::ByteVector packet = sample::from_hex(sample::kTcpSynV4);
  for (const VirtioNetHeader& header :
       {VirtioNetHeader{.checksum_start = 20, .checksum_offset = 16},
        VirtioNetHeader{.flags = 1, .checksum_start = 59, .checksum_offset = 0},
        VirtioNetHeader{.flags = 1, .checksum_start = 0xffff, .checksum_offset = 0xffff},
        VirtioNetHeader{.flags = 1, .checksum_start = 60, .checksum_offset = 16}}) {
    sample::ByteVector copy = packet;
    finish_checksum(copy, header);
    EXPECT_EQ(copy, packet);
  }
  finish_checksum({}, {.flags = 1});
}

}  // namespace
}  // namespace sluice::wire
