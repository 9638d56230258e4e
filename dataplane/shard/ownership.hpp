// Which shard a packet belongs to: the same answer on every worker, and in the kernel's steering
// program (io/steering.hpp) as far as that can see.
#pragma once

#include <cstdint>

#include "proto/flow.hpp"
#include "proto/wire/packet.hpp"

namespace sluice {

struct Ownership {
  FlowHashKeys keys{};
  std::uint32_t shards = 1;

  std::uint32_t of(const FlowKey& flow) const;
  // TCP and UDP: the owner of the flow. An ICMP error: the owner of the flow that it quotes, if
  // that has ports. Everything else, fragments too: by the addresses alone. `ip` begins at the IP
  // header.
  std::uint32_t of(Bytes ip, const wire::Packet& packet) const;
};

// The flow of a received TCP or UDP packet.
FlowKey flow_of(const wire::Packet& packet);
// The flow of the packet that we sent and an ICMP error quotes.
FlowKey flow_of(const wire::QuotedSegment& quoted);

}  // namespace sluice
