// One queue of a TUN device, as a worker sees it. Two back ends: io_uring and poll.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "dataplane/memory/frame_pool.hpp"
#include "dataplane/memory/tx_batch.hpp"
#include "proto/base/time.hpp"

namespace sluice::io {

// A frame that holds [virtio_net_hdr | IP packet] from its first byte. The receiver owns the frame
// and sends it home: by making (and dropping) a Slice of it, or frame->home->take_back().
struct RxPacket {
  Frame* frame = nullptr;
  std::uint32_t length = 0;  // bytes, virtio_net_hdr included
};

struct IoCounters {
  std::uint64_t rx_packets = 0;
  std::uint64_t rx_bytes = 0;  // without virtio_net_hdr
  std::uint64_t tx_packets = 0;
  std::uint64_t tx_bytes = 0;
  std::uint64_t tx_refused = 0;  // the kernel took a packet not, or not whole: it is lost
  std::uint64_t rx_errors = 0;   // a read failed for another reason than "nothing there"
  std::uint64_t rx_starved = 0;  // the pool had no frame for the next packet
  std::uint64_t turns = 0;       // calls of submit()
  std::uint64_t sleeps = 0;      // of them, those that waited
};

// All calls from one thread, the one that made it, but for wake().
class TunQueue {
 public:
  virtual ~TunQueue() = default;

  // Takes packets that have arrived, oldest first. Never blocks. Returns how many of `packets` it
  // has set.
  virtual std::size_t reap(std::span<RxPacket> packets) = 0;

  // Writes all that was pushed, in order, in one system call where the kernel can; completes each
  // slot when its bytes are no longer looked at (in this call or a later one). Then, unless a
  // packet is there already, waits for one, for wake(), or until `wait_until` (CLOCK_MONOTONIC;
  // an instant in the past: does not wait).
  virtual void submit(TxBatch& batch, Instant wait_until) = 0;

  // Ends the wait of the present or the next submit(). From any thread; never blocks.
  virtual void wake() = 0;
  // The same for the queue of another worker, from this queue's thread; takes effect at this
  // queue's next submit() at the latest. Both are in use.
  virtual void wake(TunQueue& sleeper) { sleeper.wake(); }

  // Cancels reads and waits for every completion, written slots and lent frames included.
  virtual void quiesce(TxBatch& batch) = 0;

  virtual const IoCounters& counters() const = 0;

  // Of its io_uring, which other rings can send to (IORING_OP_MSG_RING); -1 if it has none.
  virtual int ring_descriptor() const { return -1; }
};

enum class Backend : std::uint8_t { uring, poll };

struct TunQueueOptions {
  int fd = -1;                     // of the TUN queue, not owned, O_NONBLOCK
  std::uint32_t ring_frames = 64;  // frames lent to the kernel at a time; a power of two
  std::uint32_t tx_slots = 256;    // the batch's slots: the largest number of writes in flight
  bool multishot = true;           // false: the ordered fallback, even where READ_MULTISHOT exists
};

// Throws std::system_error when the kernel refuses. `pool` outlives the queue. A frame has room
// for a virtio_net_hdr and 65,535 bytes.
std::unique_ptr<TunQueue> make_uring_queue(const TunQueueOptions& options, FramePool& pool);
std::unique_ptr<TunQueue> make_poll_queue(const TunQueueOptions& options, FramePool& pool);

}  // namespace sluice::io
