#include "proto/tcp/receive_buffer.hpp"

#include <algorithm>
#include <cstring>

namespace sluice::tcp {
namespace {

// Pieces beyond a gap wait long: below this size they are always copied.
constexpr std::uint32_t kCopyOutOfOrderBelow = 4096;

Seq begin_of(const SliceNode& node) {
  return Seq(node.sequence);
}
Seq end_of(const SliceNode& node) {
  return begin_of(node) + node.slice.size();
}

// [left, right) is part of the range now, if that was empty or ends there.
void extend(wire::SackBlock& range, Seq left, Seq right) {
  if (range.left == range.right) {
    range = {left.value(), right.value()};
  } else if (Seq(range.right) == left) {
    range.right = right.value();
  }
}

bool home_is_scarce(const Slice& slice) {
  return slice.frame()->pooled && slice.frame()->home->is_scarce();
}

}  // namespace

std::uint32_t ReceiveBuffer::append(Slice payload, const Resources& resources) {
  const std::uint32_t length = payload.size();
  const Reserve reserve = readable_queue_.empty() ? Reserve::use : Reserve::keep;
  // What the application may read at once stays where it is, if memory is not short.
  const bool copy =
      home_is_scarce(payload) || (!readable_queue_.empty() && payload.pins_too_much());
  std::uint32_t taken = 0;
  if (copy) {
    taken = append_copy(readable_queue_, payload.bytes(), resources, reserve);
  } else if (append_slice(readable_queue_, std::move(payload), resources, reserve)) {
    taken = length;
  }
  readable_ += taken;
  return taken;
}

Slice ReceiveBuffer::read(std::uint32_t max_bytes, const Resources& resources) {
  if (readable_queue_.empty() || max_bytes == 0) return {};
  SliceNode& node = *readable_queue_.front();
  Slice out;
  if (node.slice.size() <= max_bytes) {
    out = std::move(node.slice);
    readable_queue_.pop(resources.nodes);
  } else {
    out = node.slice.front(max_bytes);
    node.slice.drop_front(max_bytes);
  }
  readable_ -= out.size();
  return out;
}

std::uint32_t ReceiveBuffer::peek(MutableBytes into, std::uint32_t offset) const {
  std::size_t copied = 0;
  for (const SliceNode* node = readable_queue_.front(); node != nullptr && copied < into.size();
       node = node->next) {
    const std::uint32_t skipped = std::min(offset, node->slice.size());
    const std::size_t count =
        std::min<std::size_t>(node->slice.size() - skipped, into.size() - copied);
    offset -= skipped;
    if (count == 0) continue;
    std::memcpy(into.data() + copied, node->slice.data() + skipped, count);
    copied += count;
  }
  return static_cast<std::uint32_t>(copied);
}

void ReceiveBuffer::settle(const Resources& resources) {
  SliceNode* const only = readable_queue_.front();
  if (only == nullptr || only->next != nullptr || !only->slice.pins_too_much()) return;
  SliceQueue copy;
  if (append_copy(copy, only->slice.bytes(), resources, Reserve::use) < only->slice.size()) {
    copy.clear(resources.nodes);
    return;
  }
  readable_queue_.pop(resources.nodes);
  while (!copy.empty()) readable_queue_.push(copy.take_front());
}

bool ReceiveBuffer::insert(Seq seq, Slice payload, wire::SackBlock& duplicate,
                           const Resources& resources) {
  const Seq begin = seq;
  const Seq end = seq + payload.size();
  SliceNode* before = nullptr;
  SliceNode* node = pieces_.front();
  if (node != nullptr && end_of(*pieces_.back()) <= seq) {
    before = pieces_.back();
    node = nullptr;
  }
  while (seq < end) {
    while (node != nullptr && end_of(*node) <= seq) {
      before = node;
      node = node->next;
    }
    const Seq stop = node == nullptr ? end : min(end, max(seq, begin_of(*node)));
    if (seq < stop) {
      const std::uint32_t length = distance(seq, stop);
      if (!link_piece(before, seq, payload.front(length), resources)) return false;
      payload.drop_front(length);
      seq = stop;
      continue;
    }
    const Seq overlap_end = min(end, end_of(*node));
    if (duplicate.left == duplicate.right) duplicate = {seq.value(), overlap_end.value()};
    payload.drop_front(distance(seq, overlap_end));
    seq = overlap_end;
  }
  remember_range(begin, end);
  return true;
}

bool ReceiveBuffer::link_piece(SliceNode* before, Seq seq, Slice payload,
                               const Resources& resources) {
  const bool copy =
      payload.size() < kCopyOutOfOrderBelow || payload.pins_too_much() || home_is_scarce(payload);
  if (copy) return copy_piece(before, seq, payload.bytes(), resources);
  SliceQueue fresh;
  if (!append_slice(fresh, std::move(payload), resources, Reserve::keep)) return false;
  link(before, seq, fresh);
  return true;
}

// Pieces that follow one another share blocks.
bool ReceiveBuffer::copy_piece(SliceNode* before, Seq seq, Bytes bytes,
                               const Resources& resources) {
  const bool follows = before != nullptr && end_of(*before) == seq;
  const std::uint32_t tail = follows ? extend_tail(*before, bytes) : 0;
  beyond_gaps_ += tail;
  bytes = bytes.subspan(tail);
  SliceQueue fresh;
  const std::uint32_t copied = append_copy(fresh, bytes, resources, Reserve::keep);
  link(before, seq + tail, fresh);
  return copied == bytes.size();
}

void ReceiveBuffer::link(SliceNode* before, Seq seq, SliceQueue& fresh) {
  while (!fresh.empty()) {
    SliceNode& node = fresh.take_front();
    node.sequence = seq.value();
    seq += node.slice.size();
    beyond_gaps_ += node.slice.size();
    pieces_.insert_after(before, node);
    before = &node;
  }
}

void ReceiveBuffer::forget_pieces(const Resources& resources) {
  pieces_.clear(resources.nodes);
  beyond_gaps_ = 0;
  range_count_ = 0;
}

Seq ReceiveBuffer::advance(Seq next, wire::SackBlock& duplicate, const Resources& resources) {
  while (!pieces_.empty() && begin_of(*pieces_.front()) <= next) {
    SliceNode& node = pieces_.take_front();
    const Seq end = end_of(node);
    if (begin_of(node) < next) extend(duplicate, begin_of(node), min(end, next));
    beyond_gaps_ -= node.slice.size();
    if (end <= next) {
      resources.nodes.give_back(node);
      continue;
    }
    node.slice.drop_front(distance(begin_of(node), next));
    readable_ += node.slice.size();
    readable_queue_.push(node);
    next = end;
  }
  const auto behind = [next](const wire::SackBlock& range) { return Seq(range.right) <= next; };
  const auto last = std::remove_if(ranges_.begin(), ranges_.begin() + range_count_, behind);
  range_count_ = static_cast<std::uint8_t>(last - ranges_.begin());
  return next;
}

// The new range absorbs those that it touches and goes to the front; the oldest is forgotten.
void ReceiveBuffer::remember_range(Seq left, Seq right) {
  std::array<wire::SackBlock, wire::kMaxSackBlocks> older{};
  std::uint8_t kept = 0;
  for (std::uint8_t i = 0; i < range_count_; ++i) {
    const wire::SackBlock& range = ranges_[i];
    if (Seq(range.left) <= right && left <= Seq(range.right)) {
      left = min(left, Seq(range.left));
      right = max(right, Seq(range.right));
    } else {
      older[kept++] = range;
    }
  }
  kept = std::min<std::uint8_t>(kept, wire::kMaxSackBlocks - 1);
  ranges_[0] = {left.value(), right.value()};
  std::copy_n(older.begin(), kept, ranges_.begin() + 1);
  range_count_ = static_cast<std::uint8_t>(kept + 1);
}

std::uint8_t ReceiveBuffer::sack_blocks(
    std::array<wire::SackBlock, wire::kMaxSackBlocks>& blocks) const {
  std::copy_n(ranges_.begin(), range_count_, blocks.begin());
  return range_count_;
}

void ReceiveBuffer::clear(const Resources& resources) {
  readable_queue_.clear(resources.nodes);
  readable_ = 0;
  forget_pieces(resources);
}

}  // namespace sluice::tcp
