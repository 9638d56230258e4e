#include "dataplane/shard/shard_pools.hpp"

#include <algorithm>

namespace sluice {
namespace {

std::uint32_t count_of(std::uint64_t bytes, std::uint64_t piece_bytes) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(bytes / piece_bytes, 1U << 24));
}

template <class Pool>
std::uint64_t bytes_of(const Pool& pool) {
  return std::uint64_t{pool.pieces().grown()} * pool.pieces().piece_bytes();
}

}  // namespace

// Of eight parts four are blocks, two small packets, one large ones, one nodes and records.
PoolLimits PoolLimits::of_bytes(std::uint64_t bytes) {
  const std::uint64_t part = std::max(bytes, kFewestBytes) / 8;
  PoolLimits limits;
  limits.packets = count_of(2 * part, ShardPools::kPacketBytes);
  limits.large_packets = count_of(std::max(part, std::uint64_t{4} * ShardPools::kLargePacketBytes),
                                  ShardPools::kLargePacketBytes);
  limits.blocks = count_of(4 * part, ShardPools::kBlockBytes);
  limits.nodes = count_of(part / 2, sizeof(SliceNode));
  limits.records = count_of(part / 2, sizeof(tcp::SentSegment));
  return limits;
}

ShardPools::ShardPools(const PoolLimits& limits)
    : packets_(limits.packets, kPacketBytes, limits.packets / 4, Growth::on_demand),
      large_packets_(limits.large_packets, kLargePacketBytes, limits.large_packets / 4,
                     Growth::on_demand),
      blocks_(limits.blocks, kBlockBytes, limits.blocks / 8, Growth::on_demand),
      nodes_(limits.nodes, limits.nodes / 8, Growth::on_demand),
      records_(limits.records, Growth::on_demand),
      resources_{blocks_, nodes_, records_} {}

Frame* ShardPools::take_frame(std::uint32_t bytes) {
  Frame* const small = bytes <= kPacketBytes ? packets_.take() : nullptr;
  return small != nullptr ? small : large_packets_.take();
}

void ShardPools::trim() {
  packets_.trim();
  large_packets_.trim();
  blocks_.trim();
  nodes_.trim();
  records_.trim();
}

bool ShardPools::is_all_home() const {
  return packets_.pieces().is_all_home() && large_packets_.pieces().is_all_home() &&
         blocks_.pieces().is_all_home() && nodes_.pieces().is_all_home() &&
         records_.pieces().is_all_home();
}

std::uint64_t ShardPools::held_bytes() const {
  return bytes_of(packets_) + bytes_of(large_packets_) + bytes_of(blocks_) + bytes_of(nodes_) +
         bytes_of(records_);
}

}  // namespace sluice
