#include "proto/wire/virtio_net.hpp"

#include <gtest/gtest.h>

#include <array>

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

}  // namespace
}  // namespace sluice::wire
