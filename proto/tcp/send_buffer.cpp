#include "proto/tcp/send_buffer.hpp"

#include <algorithm>

namespace sluice::tcp {

std::uint32_t SendBuffer::append(Bytes bytes, const Resources& resources) {
  const std::uint32_t taken = append_copy(queue_, bytes, resources, Reserve::keep);
  size_ += taken;
  return taken;
}

std::uint32_t SendBuffer::append(Slice slice, const Resources& resources) {
  if (slice.empty()) return 0;
  const std::uint32_t length = slice.size();
  const bool copy =
      slice.pins_too_much() || (slice.frame()->pooled && slice.frame()->home->is_scarce());
  // Without memory for a copy an empty buffer takes a reference after all: so every connection
  // moves.
  const std::uint32_t copied = copy ? append(slice.bytes(), resources) : 0;
  if (copied == length || (copy && !queue_.empty())) return copied;
  slice.drop_front(copied);
  const Reserve reserve = queue_.empty() ? Reserve::use : Reserve::keep;
  if (!append_slice(queue_, std::move(slice), resources, reserve)) return copied;
  size_ += length - copied;
  return length;
}

void SendBuffer::acknowledge(std::uint32_t count, const Resources& resources) {
  SLUICE_ASSERT(count <= size_);
  size_ -= count;
  first_ += count;
  while (count > 0) {
    SliceNode& node = *queue_.front();
    const std::uint32_t part = std::min(count, node.slice.size());
    if (&node == cursor_) {
      if (part == node.slice.size()) {
        cursor_ = nullptr;
      } else {
        cursor_position_ += part;
      }
    }
    node.slice.drop_front(part);
    if (node.slice.empty()) queue_.pop(resources.nodes);
    count -= part;
  }
}

void SendBuffer::seek(std::uint64_t position) {
  if (cursor_ == nullptr || position < cursor_position_) {
    cursor_ = queue_.front();
    cursor_position_ = first_;
  }
  while (position >= cursor_position_ + cursor_->slice.size()) {
    cursor_position_ += cursor_->slice.size();
    cursor_ = cursor_->next;
  }
}

std::uint32_t SendBuffer::gather(std::uint32_t offset, std::uint32_t length, OutSegment& out) {
  SLUICE_ASSERT(offset <= size_ && length <= size_ - offset);
  std::uint32_t gathered = 0;
  while (gathered < length && out.pieces < out.payload.size()) {
    const std::uint64_t position = first_ + offset + gathered;
    seek(position);
    Slice piece = cursor_->slice;
    piece.drop_front(static_cast<std::uint32_t>(position - cursor_position_));
    piece.keep_front(std::min(piece.size(), length - gathered));
    gathered += piece.size();
    out.payload[out.pieces++] = std::move(piece);
  }
  out.payload_length += gathered;
  return gathered;
}

void SendBuffer::clear(const Resources& resources) {
  queue_.clear(resources.nodes);
  cursor_ = nullptr;
  size_ = 0;
}

}  // namespace sluice::tcp
