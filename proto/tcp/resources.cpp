#include "proto/tcp/resources.hpp"

#include <algorithm>
#include <cstring>

namespace sluice::tcp {
namespace {

// A node mostly holds a block.
constexpr std::uint64_t kBytesOfNode = 4096;

SliceNode* take_node(const Resources& resources, Reserve reserve) {
  const bool refused = reserve == Reserve::keep && resources.nodes.is_scarce();
  return refused ? nullptr : resources.nodes.take();
}

Frame* take_block(const Resources& resources, Reserve reserve) {
  Frame* const block = resources.blocks.take();
  if (block == nullptr || reserve == Reserve::use || !block->home->is_scarce()) return block;
  block->home->take_back(*block);
  return nullptr;
}

std::uint32_t start_block(SliceQueue& queue, Bytes bytes, const Resources& resources,
                          Reserve reserve) {
  SliceNode* const node = take_node(resources, reserve);
  if (node == nullptr) return 0;
  Frame* const block = take_block(resources, reserve);
  if (block == nullptr) {
    resources.nodes.give_back(*node);
    return 0;
  }
  const auto count = std::min(block->capacity, static_cast<std::uint32_t>(bytes.size()));
  std::memcpy(block->data, bytes.data(), count);
  node->slice = Slice(*block, 0, count);
  node->open_tail = true;
  queue.push(*node);
  return count;
}

}  // namespace

MemoryLevel Resources::level() const {
  return std::max(blocks.level(), nodes.level());
}

std::uint32_t Resources::share_for(std::uint32_t held_bytes, Share share) const {
  const std::uint64_t spare = std::min(blocks.spare_bytes(), nodes.spare_count() * kBytesOfNode);
  const std::uint64_t part = (spare + held_bytes) >> static_cast<unsigned>(share);
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(part, UINT32_MAX));
}

std::uint32_t extend_tail(SliceNode& node, Bytes bytes) {
  if (!node.open_tail) return 0;
  Frame& block = *node.slice.frame();
  const std::uint32_t end = node.slice.offset() + node.slice.size();
  const auto count = std::min(block.capacity - end, static_cast<std::uint32_t>(bytes.size()));
  if (count == 0) return 0;
  std::memcpy(block.data + end, bytes.data(), count);
  node.slice.extend(count);
  return count;
}

std::uint32_t append_copy(SliceQueue& queue, Bytes bytes, const Resources& resources,
                          Reserve reserve) {
  std::uint32_t copied = queue.empty() ? 0 : extend_tail(*queue.back(), bytes);
  while (copied < bytes.size()) {
    const std::uint32_t count = start_block(queue, bytes.subspan(copied), resources, reserve);
    if (count == 0) break;
    copied += count;
    reserve = Reserve::keep;
  }
  return copied;
}

bool append_slice(SliceQueue& queue, Slice slice, const Resources& resources, Reserve reserve) {
  SliceNode* const node = take_node(resources, reserve);
  if (node == nullptr) return false;
  node->slice = std::move(slice);
  queue.push(*node);
  return true;
}

}  // namespace sluice::tcp
