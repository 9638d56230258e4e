// What identifies a flow, and which shard owns it.
#pragma once

#include <array>
#include <cstdint>

#include "proto/base/bytes.hpp"
#include "proto/base/siphash.hpp"
#include "proto/wire/address.hpp"

namespace sluice {

// Seen from us: `local` is our side.
struct FlowKey {
  IpAddress local;
  IpAddress remote;
  std::uint16_t local_port = 0;
  std::uint16_t remote_port = 0;

  bool operator==(const FlowKey&) const = default;
};

// A hash that outsiders can neither compute nor collide.
std::uint64_t siphash(const SipKey& key, const FlowKey& flow);

// Keys of the steering hash, from the worker's secret. It is multilinear, so that a steering
// program in the kernel can compute it over the packet's words without a loop:
// h = keys[0] + sum of keys[i] * word[i] modulo 2^64, the words as they lie in a received packet:
// remote address (1 word for IPv4, 4 for IPv6), local address, remote and local port in one word.
using FlowHashKeys = std::array<std::uint64_t, 10>;

std::uint64_t flow_hash(const FlowKey& flow, const FlowHashKeys& keys);

// The same without the word of ports: for whatever is no whole TCP or UDP packet, so that all
// fragments of a datagram meet.
std::uint64_t address_hash(const IpAddress& local, const IpAddress& remote,
                           const FlowHashKeys& keys);

// What the steering program computes from a packet to us (io/steering.hpp): flow_hash() for a whole
// IPv4 TCP or UDP packet, and for IPv6 where that header is the first after the fixed one; else
// address_hash(). 0 for what is too short, or neither IPv4 nor IPv6. `ip` begins at the IP header.
std::uint64_t steering_hash(Bytes ip, const FlowHashKeys& keys);

// The owner among `shards` (at least 1).
std::uint32_t shard_of(std::uint64_t hash, std::uint32_t shards);

}  // namespace sluice
