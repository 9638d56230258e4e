#include "proto/flow.hpp"

#include <cstring>
#include <optional>

#include "proto/wire/ip.hpp"
#include "proto/wire/tcp.hpp"
#include "proto/wire/udp.hpp"

namespace sluice {
namespace {

constexpr std::uint16_t kMoreFragmentsOrOffset = 0x3fff;

// A word as it lies.
template <class Word>
Word load(const std::uint8_t* p) {
  Word word;
  std::memcpy(&word, p, sizeof word);
  return word;
}

// The sum of keys[i] * word[i] from `keys` on, the words as they lie.
std::uint64_t weigh(const std::uint8_t* words, std::size_t count, const std::uint64_t* keys) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < count; ++i) sum += keys[i] * load<std::uint32_t>(words + 4 * i);
  return sum;
}

// Words of each address.
std::size_t words_of(const IpAddress& address) {
  return address.is_v4() ? 1 : 4;
}

// Where in a received packet the words lie: both addresses in a row, then perhaps the ports.
struct Layout {
  std::size_t addresses = 0;  // offset
  std::size_t words = 0;      // of both addresses
  std::optional<std::size_t> ports = std::nullopt;

  std::size_t end() const { return ports ? *ports + 4 : addresses + 4 * words; }
};

bool has_ports(std::uint8_t protocol) {
  return protocol == wire::kProtocolTcp || protocol == wire::kProtocolUdp;
}

std::optional<Layout> layout_of(Bytes ip) {
  if (ip.size() < wire::kIpv4MinHeader) return {};
  Layout layout;
  if (ip[0] >> 4 == 4) {
    layout = {.addresses = 12, .words = 2};
    const bool is_fragment = (load_be16(&ip[6]) & kMoreFragmentsOrOffset) != 0;
    if (!is_fragment && has_ports(ip[9])) layout.ports = (ip[0] & 0x0fU) * 4;
  } else if (ip[0] >> 4 == 6) {
    layout = {.addresses = 8, .words = 8};
    if (has_ports(ip[6])) layout.ports = wire::kIpv6Header;
  } else {
    return {};
  }
  if (ip.size() < layout.end()) return {};
  return layout;
}

}  // namespace

// Of both addresses and ports as they lie in a packet.
std::uint64_t siphash(const SipKey& key, const FlowKey& flow) {
  SipHash hash(key);
  const std::uint32_t ports =
      std::uint32_t{__builtin_bswap16(flow.remote_port)} << 16 | __builtin_bswap16(flow.local_port);
  const std::uint8_t* const local = flow.local.bytes().data();
  const std::uint8_t* const remote = flow.remote.bytes().data();
  if (flow.local.is_v4()) {  // the last four bytes: the others are the same for all
    hash.add(std::uint64_t{load<std::uint32_t>(remote + 12)} << 32 |
             load<std::uint32_t>(local + 12));
    return hash.finish(ports, 12);
  }
  for (const std::uint8_t* const address : {local, remote}) {
    hash.add(load<std::uint64_t>(address));
    hash.add(load<std::uint64_t>(address + 8));
  }
  return hash.finish(ports, 36);
}

std::uint64_t flow_hash(const FlowKey& flow, const FlowHashKeys& keys) {
  std::uint8_t ports[4];
  store_be16(ports, flow.remote_port);
  store_be16(ports + 2, flow.local_port);
  return address_hash(flow.local, flow.remote, keys) +
         weigh(ports, 1, &keys[1 + 2 * words_of(flow.local)]);
}

std::uint64_t address_hash(const IpAddress& local, const IpAddress& remote,
                           const FlowHashKeys& keys) {
  const std::size_t words = words_of(local);
  const std::size_t first = 16 - 4 * words;
  return keys[0] + weigh(remote.bytes().data() + first, words, &keys[1]) +
         weigh(local.bytes().data() + first, words, &keys[1 + words]);
}

std::uint64_t steering_hash(Bytes ip, const FlowHashKeys& keys) {
  const std::optional<Layout> layout = layout_of(ip);
  if (!layout) return 0;
  const std::uint64_t hash = keys[0] + weigh(&ip[layout->addresses], layout->words, &keys[1]);
  return layout->ports ? hash + weigh(&ip[*layout->ports], 1, &keys[1 + layout->words]) : hash;
}

std::uint32_t shard_of(std::uint64_t hash, std::uint32_t shards) {
  return static_cast<std::uint32_t>(hash >> 32) % shards;
}

}  // namespace sluice
