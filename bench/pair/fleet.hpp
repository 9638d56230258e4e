// Workers without a device: each has a client and a server shard on a thread of its own, and the
// engine's own inboxes join them.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "bench/pair/pair.hpp"
#include "dataplane/io/tun_queue.hpp"
#include "dataplane/worker/handoff.hpp"

namespace sluice::bench {

// What a worker without a device reads and writes: nothing. Nobody sleeps in it.
class NoQueue final : public io::TunQueue {
 public:
  std::size_t reap(std::span<io::RxPacket>) override { return 0; }
  void submit(TxBatch&, Instant) override {}
  void wake() override {}
  void quiesce(TxBatch&) override {}
  const io::IoCounters& counters() const override { return counters_; }

 private:
  io::IoCounters counters_;
};

// All clients, or all servers: one shard for each worker, and whose packet is whose.
struct Fleet {
  Fleet(std::uint32_t workers, std::uint32_t number);

  Cidr network;
  Ownership ownership;
  Crew crew;
};

// A shard of a fleet. Packets come in on its own worker and, if they are another's, are handed on.
class Berth {
 public:
  Berth(Fleet& fleet, std::uint32_t worker, Instant now);

  Shard& shard() { return *shard_; }
  // Takes in what others handed over, fires timers, and gives what it has to say to `peer`, the
  // other fleet's berth of the same worker.
  void turn(Berth& peer, Instant now);
  void leave();
  const HandoffCounters& handed() const { return handoff_.counters(); }

 private:
  void take(const TxPacket& packet, Instant now);

  std::uint32_t worker_;
  NoQueue queue_;
  FramePool frames_;
  FramePool blocks_;
  SliceNodePool nodes_;
  tcp::SentSegmentPool sent_;
  tcp::Resources resources_;
  TxBatch batch_;
  Handoff handoff_;
  std::unique_ptr<Shard> shard_;
};

// Workers that send in bulk from their client to the server berth of the same worker (steered) or
// of the next one (every packet is handed over).
class Workers {
 public:
  Workers(std::uint32_t workers, std::uint32_t connections_each, bool misrouted);
  ~Workers();  // stops them

  // Bytes that all servers have read, and packets that crossed, so far.
  std::uint64_t received() const;
  std::uint64_t handed() const;

 private:
  struct Worker;
  void run(Worker& worker);
  IpAddress client_address(std::uint32_t client_owner, std::uint32_t server_owner);

  Fleet clients_;
  Fleet servers_;
  std::atomic<bool> stops_{false};
  std::uint32_t next_host_ = 2;  // of the clients' network
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace sluice::bench
