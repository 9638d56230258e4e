#include "proto/tcp/resources.hpp"

#include <algorithm>
#include <cstring>

namespace sluice::tcp {
namespace {

std::uint32_t extend_tail(SliceQueue& queue, Bytes bytes) {
  SliceNode* const tail = queue.back();
  if (tail == nullptr || !tail->open_tail) return 0;
  Frame& block = *tail->slice.frame();
  const std::uint32_t end = tail->slice.offset() + tail->slice.size();
  const auto count = std::min(block.capacity - end, static_cast<std::uint32_t>(bytes.size()));
  if (count == 0) return 0;
  std::memcpy(block.data + end, bytes.data(), count);
  tail->slice.extend(count);
  return count;
}

std::uint32_t start_block(SliceQueue& queue, Bytes bytes, const Resources& resources) {
  SliceNode* const node = resources.nodes.take();
  if (node == nullptr) return 0;
  Frame* const block = resources.blocks.take();
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

std::uint32_t append_copy(SliceQueue& queue, Bytes bytes, const Resources& resources) {
  std::uint32_t copied = extend_tail(queue, bytes);
  while (copied < bytes.size()) {
    const std::uint32_t count = start_block(queue, bytes.subspan(copied), resources);
    if (count == 0) break;
    copied += count;
  }
  return copied;
}

bool append_slice(SliceQueue& queue, Slice slice, const Resources& resources) {
  SliceNode* const node = resources.nodes.take();
  if (node == nullptr) return false;
  node->slice = std::move(slice);
  queue.push(*node);
  return true;
}

}  // namespace sluice::tcp
