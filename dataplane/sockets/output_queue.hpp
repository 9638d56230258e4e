// Packets on their way out, one at a time: pulled from the shard, and cut where the caller's device
// would not.
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "dataplane/memory/tx_batch.hpp"
#include "dataplane/shard/shard.hpp"

namespace sluice::sockets {

// [virtio_net_hdr | IP packet] in pieces.
struct OutgoingPacket {
  std::span<const iovec> pieces;
  std::uint32_t length = 0;  // of all, 0: there is no packet

  bool empty() const { return length == 0; }
  // The first bytes: all headers lie in the first piece.
  Bytes front() const {
    return {static_cast<const std::uint8_t*>(pieces[0].iov_base), pieces[0].iov_len};
  }
  // Leaves out the first `skip` bytes, which lie in the first piece; `out` has room for the rest.
  void copy(std::uint32_t skip, std::uint8_t* out) const;
};

class OutputQueue {
 public:
  // `frames` are of 64 KiB. Both outlive the queue.
  OutputQueue(Shard& shard, FrameSource& frames) : shard_(shard), frames_(frames) {}
  ~OutputQueue();
  OutputQueue(const OutputQueue&) = delete;
  OutputQueue& operator=(const OutputQueue&) = delete;

  // The next packet; none when nothing is to be sent. It stays that until pop(). Without `as_is`
  // it is one that any device takes: no larger than the MTU, its sums complete.
  OutgoingPacket next(Instant now, bool as_is);
  void pop();
  bool is_empty() const { return waiting_ == nullptr && next_piece_ == cut_.size(); }

 private:
  void pull(Instant now);
  void cut();
  OutgoingPacket cut_piece();

  Shard& shard_;
  FrameSource& frames_;
  TxBatch batch_{1};  // so that each packet is of the moment in which it leaves
  TxPacket* waiting_ = nullptr;
  std::vector<Slice> cut_;
  std::size_t next_piece_ = 0;
  iovec piece_{};
  std::vector<std::uint8_t> scratch_;
};

}  // namespace sluice::sockets
