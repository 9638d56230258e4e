#include "dataplane/sockets/output_queue.hpp"

#include <cstring>

#include "dataplane/link/segmenter.hpp"
#include "proto/wire/virtio_net.hpp"

namespace sluice::sockets {
namespace {

bool needs_device(const OutgoingPacket& packet) {
  const wire::VirtioNetHeader offload = wire::parse_virtio_net(packet.front());
  return (offload.flags & wire::VirtioNetHeader::kNeedsChecksum) != 0;
}

}  // namespace

void OutgoingPacket::copy(std::uint32_t skip, std::uint8_t* out) const {
  for (const iovec& piece : pieces) {
    const auto* const from = static_cast<const std::uint8_t*>(piece.iov_base);
    std::memcpy(out, from + skip, piece.iov_len - skip);
    out += piece.iov_len - skip;
    skip = 0;
  }
}

OutputQueue::~OutputQueue() {
  if (waiting_ != nullptr) batch_.complete(*waiting_);
}

OutgoingPacket OutputQueue::next(Instant now, bool as_is) {
  if (next_piece_ < cut_.size()) return cut_piece();
  if (waiting_ == nullptr) pull(now);
  if (waiting_ == nullptr) return {};
  const OutgoingPacket whole{waiting_->iovecs(), waiting_->length};
  if (as_is || !needs_device(whole)) return whole;
  cut();
  return cut_.empty() ? next(now, as_is) : cut_piece();
}

void OutputQueue::pull(Instant now) {
  shard_.fill(batch_, now);
  if (batch_.empty()) return;
  waiting_ = batch_.pushed().front();
  batch_.forget_pushed();
}

// What finds no frame is lost, as in a device.
void OutputQueue::cut() {
  scratch_.resize(waiting_->length);
  OutgoingPacket{waiting_->iovecs(), waiting_->length}.copy(0, scratch_.data());
  batch_.complete(*std::exchange(waiting_, nullptr));
  cut_packet(scratch_, frames_, cut_);
}

OutgoingPacket OutputQueue::cut_piece() {
  const Slice& slice = cut_[next_piece_];
  piece_ = {const_cast<std::uint8_t*>(slice.data()), slice.size()};
  return {{&piece_, 1}, slice.size()};
}

void OutputQueue::pop() {
  if (waiting_ != nullptr) {
    batch_.complete(*std::exchange(waiting_, nullptr));
    return;
  }
  cut_[next_piece_++] = Slice();
  if (next_piece_ < cut_.size()) return;
  cut_.clear();
  next_piece_ = 0;
}

}  // namespace sluice::sockets
