#include "dataplane/shard/ownership.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "proto/base/rng.hpp"
#include "tests/dataplane/shard/shard_fixture.hpp"
#include "tests/support/fragments.hpp"

namespace sluice::test {
namespace {

constexpr std::uint32_t kCounts[] = {1, 2, 3, 4, 7, 16, 255, 256};

Ownership ownership_of(std::uint32_t shards, std::uint64_t seed = 1) {
  Ownership ownership;
  ownership.shards = shards;
  Rng rng(seed);
  for (std::uint64_t& key : ownership.keys) key = rng.next();
  return ownership;
}

// Many flows between the same two hosts, and between others.
FlowKey random_flow(Rng& rng) {
  FlowKey flow = rng.chance(0.5) ? v4_flow() : v6_flow();
  if (flow.local.is_v4()) {
    flow.local = IpAddress::v4(static_cast<std::uint32_t>(0x0a000500 + rng.below(4)));
    flow.remote = IpAddress::v4(static_cast<std::uint32_t>(0xc0000200 + rng.below(4)));
  }
  flow.local_port = static_cast<std::uint16_t>(rng.between(1, 65'535));
  flow.remote_port = static_cast<std::uint16_t>(rng.between(1, 65'535));
  return flow;
}

// What each worker does with a packet that it reads.
std::uint32_t owner_of(const Ownership& ownership, const PacketBytes& bytes) {
  const Bytes ip = Bytes(bytes).subspan(wire::kVirtioNetHeaderSize);
  wire::Packet packet;
  const DropReason refused = wire::parse_packet(ip, wire::parse_virtio_net(bytes), packet);
  EXPECT_TRUE(refused == DropReason::none || refused == DropReason::fragment);
  return ownership.of(ip, packet);
}

PacketBytes with_virtio(const ByteVector& ip) {
  PacketBytes bytes(wire::kVirtioNetHeaderSize);
  bytes.insert(bytes.end(), ip.begin(), ip.end());
  return bytes;
}

PacketBytes udp_of(const FlowKey& flow, std::size_t size = 20) {
  const std::vector<std::uint8_t> payload(size);
  return udp_packet(flow, payload);
}

PacketBytes echo_of(const FlowKey& flow) {
  const bool v4 = flow.local.is_v4();
  wire::IcmpHeader echo;
  echo.type = v4 ? wire::icmp_v4::kEcho : wire::icmp_v6::kEcho;
  return icmp_packet(flow.remote, flow.local, echo, std::array<std::uint8_t, 8>{});
}

// A router complains of what we have sent in this flow.
PacketBytes error_about(const FlowKey& flow, const IpAddress& router) {
  const bool v4 = flow.local.is_v4();
  const FlowKey turned{flow.remote, flow.local, flow.remote_port, flow.local_port};
  wire::IcmpHeader error;
  error.type = v4 ? wire::icmp_v4::kUnreachable : wire::icmp_v6::kUnreachable;
  return icmp_packet(router, flow.local, error, quote_of(udp_of(turned)));
}

TEST(Ownership, APacketAndItsFlowHaveTheSameOwner) {
  Rng rng(5);
  for (const std::uint32_t shards : kCounts) {
    const Ownership ownership = ownership_of(shards);
    for (int i = 0; i < 200; ++i) {
      const FlowKey flow = random_flow(rng);
      const std::uint32_t owner = ownership.of(flow);
      ASSERT_LT(owner, shards);
      EXPECT_EQ(owner_of(ownership, tcp_packet(flow, text(wire::kSyn, 1))), owner);
      EXPECT_EQ(owner_of(ownership, udp_of(flow)), owner);
    }
  }
}

// The steering program computes the same: then no packet is handed over.
TEST(Ownership, IsWhatTheDeviceSteersBy) {
  Rng rng(6);
  const Ownership ownership = ownership_of(5);
  for (int i = 0; i < 500; ++i) {
    const FlowKey flow = random_flow(rng);
    for (const PacketBytes& packet :
         {tcp_packet(flow, text(wire::kSyn, 1)), udp_of(flow), echo_of(flow)}) {
      const Bytes ip = Bytes(packet).subspan(wire::kVirtioNetHeaderSize);
      EXPECT_EQ(shard_of(steering_hash(ip, ownership.keys), 5), owner_of(ownership, packet));
    }
  }
}

TEST(Ownership, RFC9293_MUST_54_AnErrorBelongsToTheFlowThatItQuotes) {
  Rng rng(7);
  const Ownership ownership = ownership_of(16);
  for (int i = 0; i < 500; ++i) {
    const FlowKey flow = random_flow(rng);
    const IpAddress router = *IpAddress::parse(flow.local.is_v4() ? "198.51.100.1" : "2001:db8::1");
    EXPECT_EQ(owner_of(ownership, error_about(flow, router)), ownership.of(flow));
  }
}

TEST(Ownership, AnErrorThatQuotesNoPortsGoesByItsAddresses) {
  const Ownership ownership = ownership_of(16);
  const FlowKey flow = v4_flow();
  const std::uint32_t owner = owner_of(ownership, echo_of(flow));
  wire::IcmpHeader error;
  error.type = wire::icmp_v4::kUnreachable;
  const FlowKey turned{flow.remote, flow.local, 1, 1};
  const auto about_an_echo = quote_of(echo_of(turned));
  EXPECT_EQ(owner_of(ownership, icmp_packet(flow.remote, flow.local, error, about_an_echo)), owner);
  EXPECT_EQ(owner_of(ownership, icmp_packet(flow.remote, flow.local, error, {})), owner);
  auto later_piece = quote_of(udp_of(turned));
  later_piece[7] = 1;  // the fragment's offset
  EXPECT_EQ(owner_of(ownership, icmp_packet(flow.remote, flow.local, error, later_piece)), owner);
}

TEST(Ownership, AllFragmentsBetweenTwoHostsMeet) {
  Rng rng(8);
  const Ownership ownership = ownership_of(16);
  for (int i = 0; i < 200; ++i) {
    const FlowKey flow = random_flow(rng);
    const PacketBytes packet = udp_of(flow, 100);
    const ByteVector whole(packet.begin() + wire::kVirtioNetHeaderSize, packet.end());
    const auto piece = [&](Cut cut) {
      return with_virtio(flow.local.is_v4() ? fragment_v4(whole, cut)
                                            : fragment_v6(whole, cut, 99));
    };
    const std::uint32_t owner = owner_of(ownership, echo_of(flow));
    EXPECT_EQ(owner_of(ownership, piece({0, 48})), owner);
    EXPECT_EQ(owner_of(ownership, piece({48, 96})), owner);
    EXPECT_EQ(owner_of(ownership, piece({96, 108})), owner);
  }
}

// Each within a fifth of its share, which is ten deviations of so many draws and more.
TEST(Ownership, FlowsSpreadEvenly) {
  constexpr std::uint32_t kFlows = 40'000;
  for (const std::uint32_t shards : {2U, 3U, 4U, 7U, 16U}) {
    const Ownership ownership = ownership_of(shards, shards);
    std::vector<std::uint32_t> random(shards);
    std::vector<std::uint32_t> in_a_row(shards);
    Rng rng(9);
    FlowKey next = v4_flow(1);
    for (std::uint32_t i = 0; i < kFlows; ++i) {
      ++random[ownership.of(random_flow(rng))];
      ++next.remote_port;  // as a client that opens one connection after the other
      ++in_a_row[ownership.of(next)];
    }
    for (const auto& counts : {random, in_a_row}) {
      EXPECT_NEAR(*std::min_element(counts.begin(), counts.end()), kFlows / shards,
                  kFlows / shards / 5);
      EXPECT_NEAR(*std::max_element(counts.begin(), counts.end()), kFlows / shards,
                  kFlows / shards / 5);
    }
  }
}

TEST(Ownership, OtherKeysSpreadOtherwise) {
  Rng rng(10);
  const Ownership one = ownership_of(2, 1);
  const Ownership other = ownership_of(2, 2);
  int same = 0;
  for (int i = 0; i < 1000; ++i) {
    const FlowKey flow = random_flow(rng);
    same += one.of(flow) == other.of(flow) ? 1 : 0;
  }
  EXPECT_NEAR(same, 500, 100);
}

TEST(Ownership, WithOneShardThereIsNothingToDecide) {
  const Ownership alone;
  EXPECT_EQ(alone.of(v4_flow()), 0U);
  EXPECT_EQ(owner_of(alone, udp_of(v6_flow())), 0U);
}

}  // namespace
}  // namespace sluice::test
