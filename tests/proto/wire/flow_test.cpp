#include "proto/flow.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "proto/base/rng.hpp"
#include "tests/proto/wire/sample_packets.hpp"

namespace sluice {
namespace {

FlowHashKeys random_keys(std::uint64_t seed) {
  Rng rng(seed);
  FlowHashKeys keys;
  for (auto& key : keys) key = rng.next();
  return keys;
}

// What a steering program in the kernel does: words as they lie in the received packet.
std::uint64_t hash_of_words(const std::uint8_t* words, std::size_t count,
                            const FlowHashKeys& keys) {
  std::uint64_t hash = keys[0];
  for (std::size_t i = 0; i < count; ++i) {
    std::uint32_t word;
    std::memcpy(&word, words + 4 * i, sizeof word);
    hash += keys.at(i + 1) * word;
  }
  return hash;
}

FlowKey receiver_of(const wire::Packet& packet) {
  return {packet.destination, packet.source, packet.tcp.destination_port, packet.tcp.source_port};
}

TEST(FlowHash, is_that_of_the_packet_s_own_words) {
  const FlowHashKeys keys = random_keys(1);
  wire::Packet packet;
  const auto v4 = wire::sample::from_hex(wire::sample::kTcpSynV4);
  ASSERT_EQ(wire::sample::parse(v4, {}, packet), DropReason::none);
  EXPECT_EQ(flow_hash(receiver_of(packet), keys), hash_of_words(&v4[12], 3, keys));
  const auto v6 = wire::sample::from_hex(wire::sample::kTcpSynV6);
  ASSERT_EQ(wire::sample::parse(v6, {}, packet), DropReason::none);
  EXPECT_EQ(flow_hash(receiver_of(packet), keys), hash_of_words(&v6[8], 9, keys));
}

TEST(FlowHash, tells_directions_and_every_part_apart) {
  const FlowHashKeys keys = random_keys(2);
  for (const auto& [local, remote] :
       {std::pair("10.0.0.1", "10.0.0.2"), std::pair("fd00::1", "fd00::2")}) {
    const FlowKey flow{wire::sample::address(local), wire::sample::address(remote), 80, 40'000};
    const std::uint64_t hash = flow_hash(flow, keys);
    EXPECT_EQ(flow_hash(flow, keys), hash);
    const FlowKey turned{flow.remote, flow.local, flow.remote_port, flow.local_port};
    EXPECT_NE(flow_hash(turned, keys), hash);
    const FlowKey ports_only{flow.local, flow.remote, flow.remote_port, flow.local_port};
    EXPECT_NE(flow_hash(ports_only, keys), hash);
    FlowKey other = flow;
    other.local_port = 81;
    EXPECT_NE(flow_hash(other, keys), hash);
    EXPECT_NE(flow_hash(flow, random_keys(3)), hash);
  }
}

TEST(FlowHash, an_ipv4_flow_has_three_words) {
  const FlowHashKeys keys = random_keys(4);
  const FlowKey flow{wire::sample::address("10.0.0.1"), wire::sample::address("10.0.0.2"), 80,
                     40'000};
  FlowHashKeys others = keys;
  for (std::size_t i = 4; i < others.size(); ++i) others.at(i) = 0;
  EXPECT_EQ(flow_hash(flow, others), flow_hash(flow, keys));
}

TEST(ShardOf, spreads_flows_evenly) {
  const FlowHashKeys keys = random_keys(5);
  constexpr std::uint32_t kShards = 4;
  std::array<int, kShards> counts{};
  FlowKey flow{wire::sample::address("10.0.0.1"), wire::sample::address("10.0.0.2"), 80, 0};
  for (int i = 0; i < 20'000; ++i) {
    flow.remote_port = static_cast<std::uint16_t>(1'024 + i);
    ++counts.at(shard_of(flow_hash(flow, keys), kShards));
  }
  for (const int count : counts) EXPECT_NEAR(count, 5'000, 500);
  EXPECT_EQ(shard_of(flow_hash(flow, keys), 1), 0U);
}

}  // namespace
}  // namespace sluice
