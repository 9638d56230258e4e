// Packets on their way out: headers in a slot of ours, payload by reference.
//
// A slot is claimed, filled and pushed by the shard, written by a TUN queue, and completed by it
// once the kernel no longer looks at the bytes. Until then the slot pins the payload's frames.
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "proto/base/frame.hpp"

namespace sluice {

inline constexpr std::uint32_t kHeaderRoom = 112;  // virtio, IPv6 and the longest TCP header
inline constexpr std::uint32_t kMaxPieces = 18;    // 64 KiB in blocks of 4 KiB, unaligned

struct TxPacket {
  std::array<std::uint8_t, kHeaderRoom> header;
  std::uint32_t pieces = 0;
  std::uint32_t length = 0;               // bytes in all, virtio_net_hdr included
  std::array<iovec, kMaxPieces + 1> iov;  // header first: what writev takes
  std::array<Slice, kMaxPieces> pins;
  TxPacket* next_free = nullptr;
  // Length of the header; call once the pieces are known or before, in any order.
  void set_header(std::uint32_t bytes) {
    length += bytes;
    iov[0] = {header.data(), bytes};
  }
  // False when no room is left for another piece.
  bool add_piece(Slice slice) {
    if (pieces == kMaxPieces) return false;
    length += slice.size();
    iov[1 + pieces] = {const_cast<std::uint8_t*>(slice.data()), slice.size()};
    pins[pieces++] = std::move(slice);
    return true;
  }
  std::span<const iovec> iovecs() const { return {iov.data(), 1 + pieces}; }
};

// Used by one thread.
class TxBatch {
 public:
  explicit TxBatch(std::uint32_t slots);
  ~TxBatch();  // all slots must be home

  // An empty slot, or null when all are out: what did not fit stays ready for the next turn.
  TxPacket* claim();
  // Returns a slot that was claimed and not used after all, or whose write is complete.
  void complete(TxPacket& packet);
  // Appends a filled slot to what goes out next.
  void push(TxPacket& packet) { pushed_.push_back(&packet); }

  std::span<TxPacket* const> pushed() const { return pushed_; }
  // The pushed slots now belong to whoever writes them, who completes each.
  void forget_pushed() { pushed_.clear(); }
  bool empty() const { return pushed_.empty(); }
  std::uint32_t free_count() const { return free_count_; }
  std::uint32_t slots() const { return slots_; }

 private:
  std::unique_ptr<TxPacket[]> packets_;
  TxPacket* free_ = nullptr;
  std::uint32_t slots_;
  std::uint32_t free_count_ = 0;
  std::vector<TxPacket*> pushed_;  // capacity reserved at start
};

}  // namespace sluice
