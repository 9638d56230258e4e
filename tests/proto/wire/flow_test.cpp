#include "proto/flow.hpp"

#include <gtest/gtest.h>

#include <array>
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

TEST(AddressHash, is_the_flow_s_without_its_ports) {
  FlowHashKeys keys = random_keys(6);
  FlowHashKeys without_ports = keys;
  without_ports[3] = 0;  // the word of ports of an IPv4 flow
  const FlowKey v4{wire::sample::address("10.0.0.1"), wire::sample::address("10.0.0.2"), 80, 9};
  EXPECT_EQ(address_hash(v4.local, v4.remote, keys), flow_hash(v4, without_ports));
  EXPECT_NE(address_hash(v4.remote, v4.local, keys), address_hash(v4.local, v4.remote, keys));
  without_ports = keys;
  without_ports[9] = 0;
  const FlowKey v6{wire::sample::address("fd00::1"), wire::sample::address("fd00::2"), 80, 9};
  EXPECT_EQ(address_hash(v6.local, v6.remote, keys), flow_hash(v6, without_ports));
}

std::uint64_t addresses_of(const wire::Packet& packet, const FlowHashKeys& keys) {
  return address_hash(packet.destination, packet.source, keys);
}

TEST(SteeringHash, is_the_flow_s_for_whole_tcp_and_udp) {
  const FlowHashKeys keys = random_keys(7);
  for (const auto& hex : {wire::sample::kTcpSynV4, wire::sample::kTcpSynV6}) {
    wire::Packet packet;
    const auto bytes = wire::sample::from_hex(hex);
    ASSERT_EQ(wire::sample::parse(bytes, {}, packet), DropReason::none);
    EXPECT_EQ(steering_hash(bytes, keys), flow_hash(receiver_of(packet), keys));
  }
  for (const auto& hex : {wire::sample::kUdpV4, wire::sample::kUdpV6}) {
    wire::Packet packet;
    const auto bytes = wire::sample::from_hex(hex);
    ASSERT_EQ(wire::sample::parse(bytes, {}, packet), DropReason::none);
    const FlowKey flow{packet.destination, packet.source, 9,
                       load_be16(&bytes[packet.source.is_v4() ? 20 : 40])};
    EXPECT_EQ(steering_hash(bytes, keys), flow_hash(flow, keys));
  }
}

TEST(SteeringHash, finds_ports_behind_ipv4_options) {
  const FlowHashKeys keys = random_keys(8);
  auto bytes = wire::sample::from_hex(wire::sample::kTcpSynV4);
  const std::uint64_t plain = steering_hash(bytes, keys);
  bytes.insert(bytes.begin() + 20, 40, 1);  // no-operation, ten words of it
  EXPECT_NE(steering_hash(bytes, keys), plain);
  bytes[0] = 0x4f;
  EXPECT_EQ(steering_hash(bytes, keys), plain);
}

TEST(SteeringHash, is_of_the_addresses_alone_for_all_else) {
  const FlowHashKeys keys = random_keys(9);
  for (const auto& hex : {wire::sample::kEchoV4, wire::sample::kEchoV6}) {
    wire::Packet packet;
    const auto bytes = wire::sample::from_hex(hex);
    ASSERT_EQ(wire::sample::parse(bytes, {}, packet), DropReason::none);
    EXPECT_EQ(steering_hash(bytes, keys), addresses_of(packet, keys));
  }
  wire::Packet packet;
  auto fragment = wire::sample::from_hex(wire::sample::kUdpV4);
  wire::sample::parse(fragment, {}, packet);
  for (const std::uint16_t field : std::to_array<std::uint16_t>({0x2000, 1, 0x1fff, 0x3fff})) {
    wire::sample::set_u16(fragment, 6, field);
    EXPECT_EQ(steering_hash(fragment, keys), addresses_of(packet, keys)) << field;
  }
  wire::sample::set_u16(fragment, 6, 0xc000);  // "don't fragment" and the reserved bit
  EXPECT_NE(steering_hash(fragment, keys), addresses_of(packet, keys));
  const auto extended = wire::sample::with_extensions(wire::sample::from_hex(wire::sample::kUdpV6),
                                                      44, {17, 0, 0, 1, 0, 0, 0, 7});
  wire::sample::parse(wire::sample::from_hex(wire::sample::kUdpV6), {}, packet);
  EXPECT_EQ(steering_hash(extended, keys), addresses_of(packet, keys));
}

TEST(SteeringHash, is_zero_for_what_is_cut_short_or_no_ip) {
  const FlowHashKeys keys = random_keys(10);
  for (const auto& [hex, needed] :
       {std::pair(wire::sample::kTcpSynV4, 24U), std::pair(wire::sample::kTcpSynV6, 44U),
        std::pair(wire::sample::kEchoV4, 20U), std::pair(wire::sample::kEchoV6, 40U)}) {
    auto bytes = wire::sample::from_hex(hex);
    EXPECT_NE(steering_hash(bytes, keys), 0U);
    EXPECT_NE(steering_hash(Bytes(bytes).first(needed), keys), 0U);
    EXPECT_EQ(steering_hash(Bytes(bytes).first(needed - 1), keys), 0U);
    bytes[0] = 0x55;
    EXPECT_EQ(steering_hash(bytes, keys), 0U);
  }
  EXPECT_EQ(steering_hash({}, keys), 0U);
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
