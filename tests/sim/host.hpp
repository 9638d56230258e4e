// One machine: a Shard with its memory, driven turn by turn as a worker drives it.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "dataplane/memory/frame_pool.hpp"
#include "dataplane/memory/tx_batch.hpp"
#include "dataplane/shard/shard.hpp"
#include "tests/sim/link.hpp"
#include "tests/sim/verdict.hpp"

namespace sluice::sim {

struct HostOptions {
  ShardOptions shard;
  std::uint32_t frames = 64;
  std::uint32_t frame_reserve = 16;
  std::uint32_t blocks = 1024;
  std::uint32_t block_bytes = 4096;
  std::uint32_t nodes = 4096;
  std::uint32_t tx_slots = 64;
  std::uint32_t completion_turns = 0;  // so many turns the kernel keeps a slot
  std::uint32_t packets_per_turn = 32;
  std::uint32_t queue_packets = 500;               // of the device; more are dropped
  Duration turn_time = Duration::microseconds(5);  // one turn takes at least so long
  bool cut = true;          // super-segments are cut on the way; false: they arrive whole
  bool leak_frame = false;  // plants a fault: a frame is never given back
};

class Host {
 public:
  Host(const HostOptions& options, PacketTaker& taker, Verdict& verdict, Instant now);
  ~Host();

  // From the link into the device's queue.
  void receive(Delivery delivery);
  // Never earlier than the last turn.
  Instant next_turn() const;
  // One turn of a worker; what it sends is appended to `out`. True when a packet moved.
  bool turn(Instant now, std::vector<PacketBytes>& out);
  // Work of the application at a later time, on the shard's core.
  void schedule(Instant at, std::function<void()> work);

  Shard& shard() { return shard_; }
  const Shard& shard() const { return shard_; }
  Instant now() const { return now_; }
  const HostOptions& options() const { return options_; }
  const FramePool& frames() const { return frames_; }
  const FramePool& blocks() const { return blocks_; }
  const SliceNodePool& nodes() const { return nodes_; }
  const TxBatch& batch() const { return batch_; }
  std::uint64_t queue_drops() const { return queue_drops_; }
  std::string describe_memory() const;
  // Nothing under way inside, and no connection in any state.
  bool is_quiet() const;

 private:
  bool take_packet(const Delivery& delivery);
  void complete_slots(bool all);
  void send_pushed(std::vector<PacketBytes>& out);
  void check_invariants();

  struct Held {
    std::uint64_t turn;
    TxPacket* packet;
  };

  HostOptions options_;
  PacketTaker& taker_;
  Verdict& verdict_;
  FramePool frames_;
  FramePool blocks_;
  SliceNodePool nodes_;
  tcp::SentSegmentPool sent_;
  tcp::Resources resources_;
  TxBatch batch_;
  Slice leaked_;
  Shard shard_;
  Instant now_;
  std::uint64_t turns_ = 0;
  std::uint64_t queue_drops_ = 0;
  std::deque<Delivery> queue_;
  std::deque<Held> in_kernel_;
  std::multimap<Instant, std::function<void()>> work_;
};

}  // namespace sluice::sim
