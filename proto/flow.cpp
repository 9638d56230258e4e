#include "proto/flow.hpp"

#include <cstring>

namespace sluice {
namespace {

std::uint32_t word_at(const IpAddress& address, std::size_t offset) {
  std::uint32_t word;
  std::memcpy(&word, address.bytes().data() + offset, sizeof word);
  return word;
}

}  // namespace

std::uint64_t siphash(const SipKey& key, const FlowKey& flow) {
  std::array<std::uint8_t, 36> message;
  std::memcpy(message.data(), flow.local.bytes().data(), 16);
  std::memcpy(message.data() + 16, flow.remote.bytes().data(), 16);
  store_be16(message.data() + 32, flow.local_port);
  store_be16(message.data() + 34, flow.remote_port);
  return siphash(key, Bytes(message));
}

std::uint64_t flow_hash(const FlowKey& flow, const FlowHashKeys& keys) {
  std::uint64_t hash = keys[0];
  std::size_t key = 1;
  const std::size_t first_word = flow.local.is_v4() ? 12 : 0;
  for (std::size_t i = first_word; i < 16; i += 4) hash += keys[key++] * word_at(flow.remote, i);
  for (std::size_t i = first_word; i < 16; i += 4) hash += keys[key++] * word_at(flow.local, i);
  std::uint8_t ports[4];
  store_be16(ports, flow.remote_port);
  store_be16(ports + 2, flow.local_port);
  std::uint32_t port_word;
  std::memcpy(&port_word, ports, sizeof port_word);
  return hash + keys[key] * port_word;
}

std::uint32_t shard_of(std::uint64_t hash, std::uint32_t shards) {
  return static_cast<std::uint32_t>(hash >> 32) % shards;
}

}  // namespace sluice
