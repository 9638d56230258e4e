// One core of a simulated machine: a Shard with its memory, driven turn by turn as a worker drives
// it.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "dataplane/link/link.hpp"
#include "dataplane/memory/frame_pool.hpp"
#include "dataplane/memory/tx_batch.hpp"
#include "dataplane/shard/shard.hpp"
#include "dataplane/sim/fault.hpp"
#include "dataplane/sim/verdict.hpp"

namespace sluice::sim {

struct HostOptions {
  ShardOptions shard;  // of its first core; `worker` and `ownership` are set for each
  std::uint32_t cores = 1;
  double misroute = 0;  // so often a packet comes to the queue of any core
  // Of each core:
  std::uint32_t frames = 64;
  std::uint32_t frame_reserve = 16;
  std::uint32_t blocks = 1024;
  std::uint32_t block_reserve = 128;  // of them, for what closes gaps
  std::uint32_t block_bytes = 4096;
  std::uint32_t nodes = 4096;
  std::uint32_t sent_segments = 4096;
  std::uint32_t tx_slots = 64;
  std::uint32_t completion_turns = 0;  // so many turns the kernel keeps a slot
  std::uint32_t packets_per_turn = 32;
  std::uint32_t queue_packets = 500;               // of the device; more are dropped
  Duration turn_time = Duration::microseconds(5);  // one turn takes at least so long
  Duration coalesce;  // so long after a turn the device keeps what comes for the next one
  std::uint32_t turns_per_check = 1;  // of the shard's invariants
  bool cut = true;                    // super-segments are cut on the way; false: they arrive whole
};

// Hears of what passes between a host's stack and its device.
class HostEvents {
 public:
  // [virtio_net_hdr | IP packet], a super-segment in one piece; valid during the call.
  virtual void on_sent(std::uint32_t host, MutableBytes whole, Instant now) = 0;
  // A packet that was parsed and found good.
  virtual void on_taken(std::uint32_t host, const wire::Packet& packet) = 0;

 protected:
  ~HostEvents() = default;
};

class Host;

class Core {
 public:
  Core(const HostOptions& options, std::uint32_t number, Host& host, Instant now);
  ~Core();
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  // From the wire into the device's queue.
  void receive(LinkPacket packet);
  // From another core, who has parsed it: this one owns the flow.
  void hand_over(Slice ip, const wire::Packet& packet) {
    inbox_.push_back({std::move(ip), packet});
    is_stale_ = true;
  }
  // Never earlier than the last turn.
  Instant next_turn() const {
    if (is_stale_) find_next_turn();
    return next_turn_;
  }
  // One turn of a worker. True when a packet moved.
  bool turn(Instant now);
  // Work of the application at a later time, on this core.
  void schedule(Instant at, std::function<void()> work);
  // Ends the shard; all slices into any core's frames are let go.
  void close();

  // For whoever changes it between turns.
  Shard& shard() {
    is_stale_ = true;
    return *shard_;
  }
  const Shard& shard() const { return *shard_; }
  Instant now() const { return now_; }
  const FramePool& frames() const { return frames_; }
  const FramePool& blocks() const { return blocks_; }
  const SliceNodePool& nodes() const { return nodes_; }
  const tcp::SentSegmentPool& sent() const { return sent_; }
  const TxBatch& batch() const { return batch_; }
  std::string describe_memory() const;
  // Nothing under way inside, and no connection in any state.
  bool is_quiet() const;

 private:
  struct Handed {
    Slice ip;
    wire::Packet packet;
  };
  struct Held {
    std::uint64_t turn;
    TxPacket* packet;
  };

  void find_next_turn() const;
  bool take_packet(const LinkPacket& arrived);
  std::uint32_t take_packets();
  void do_work(Instant now);
  void complete_slots(bool all);
  bool send_pushed();
  void check_invariants();

  const HostOptions& options_;
  Host& host_;
  FramePool frames_;
  FramePool blocks_;
  SliceNodePool nodes_;
  tcp::SentSegmentPool sent_;
  tcp::Resources resources_;
  TxBatch batch_;
  Slice leaked_;  // by a planted fault
  std::unique_ptr<Shard> shard_;
  Instant now_;
  mutable Instant next_turn_;
  mutable bool is_stale_ = true;  // next_turn_ must be found anew
  std::uint64_t turns_ = 0;
  std::deque<LinkPacket> queue_;
  bool has_left_packets_ = false;  // in the queue, in its last turn
  std::deque<Handed> inbox_;
  std::deque<Held> in_kernel_;
  std::vector<std::uint8_t> scratch_;
  std::multimap<Instant, std::function<void()>> work_;
};

}  // namespace sluice::sim
