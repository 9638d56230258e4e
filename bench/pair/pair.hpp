// Two shards joined in memory, on one thread: the whole stack without the kernel's part.
#pragma once

#include <cstdint>
#include <memory>

#include "dataplane/memory/frame_pool.hpp"
#include "dataplane/memory/tx_batch.hpp"
#include "dataplane/shard/shard.hpp"

namespace sluice::bench {

struct PairOptions {
  std::uint32_t mtu = 1500;
  bool super_segments = true;  // false: each packet holds one MSS
  bool checksums = false;      // computed and verified, as without offloads
  std::uint32_t max_connections = 1024;
};

// The packet as a read from a TUN device would bring it: in one frame. Empty when none is left.
Slice copy_into(FramePool& frames, const TxPacket& packet);

// Sluice has one side of each network; what it sends arrives at the other in one copy, as a read
// from a TUN device would bring it.
class Side {
 public:
  Side(const PairOptions& options, std::uint32_t number, Instant now);
  ~Side();

  Shard& shard() { return *shard_; }
  const IpAddress& address() const { return address_; }
  // One turn without input, and then what it sent is given to `peer`. True when there was any.
  bool turn(Side& peer, Instant now);
  std::uint64_t packets() const { return packets_; }

 private:
  void take(const TxPacket& packet, Instant now);

  FramePool frames_;
  FramePool blocks_;
  SliceNodePool nodes_;
  tcp::SentSegmentPool sent_;
  tcp::Resources resources_;
  TxBatch batch_;
  IpAddress address_;
  bool trusts_sums_;
  std::unique_ptr<Shard> shard_;
  std::uint64_t packets_ = 0;
};

class Pair {
 public:
  explicit Pair(const PairOptions& options);

  // Both sides, once each; time goes on by the few microseconds that a turn takes.
  bool turn();
  void listen(std::uint16_t port, StreamEvents& events);
  void connect(std::uint16_t port, StreamEvents& events);
  Side& client() { return client_; }
  Side& server() { return server_; }
  Instant now() const { return now_; }

 private:
  Instant now_ = Instant() + Duration::seconds(1);
  Side client_;
  Side server_;
};

}  // namespace sluice::bench
