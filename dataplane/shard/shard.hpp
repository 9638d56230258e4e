// The machine of one core: connections, listeners, timers, and what they have to say.
//
// It makes no system call, asks no clock and starts no thread; all memory is taken in the
// constructor. Its verbs are its whole surface: packets, commands and time go in, fill() takes
// packets out. One thread drives it.
//
//   shard.cpp         commands, time, opening and closing
//   shard_input.cpp   a packet's way in
//   shard_output.cpp  a packet's way out
#pragma once

#include <cstdint>
#include <vector>

#include "dataplane/memory/tx_batch.hpp"
#include "dataplane/shard/command.hpp"
#include "dataplane/shard/connection_slot.hpp"
#include "dataplane/shard/connection_table.hpp"
#include "dataplane/shard/local_addresses.hpp"
#include "dataplane/shard/replies.hpp"
#include "dataplane/shard/shard_stats.hpp"
#include "dataplane/shard/slab.hpp"
#include "dataplane/shard/time_wait_table.hpp"
#include "dataplane/shard/timer_wheel.hpp"
#include "proto/base/rng.hpp"
#include "proto/base/siphash.hpp"
#include "proto/wire/packet.hpp"

namespace sluice {

// Secrets and the seed come from outside: from the kernel's entropy, or from a simulator.
struct ShardSecrets {
  SipKey table;
  SipKey sequence;   // RFC 6528
  SipKey timestamp;  // RFC 7323 R7323-21
  std::uint64_t seed = 0;
};

struct ShardOptions {
  std::uint32_t worker = 0;       // its number among the engine's workers
  std::vector<Cidr> kernel_side;  // see LocalAddresses
  std::uint32_t mtu = 1500;       // bytes of an IP packet
  bool checksum_offload = true;   // false: every sum is computed here
  std::uint32_t max_connections = 16'384;
  std::uint32_t max_time_waits = 32'768;
  std::uint32_t max_replies = 1'024;
  tcp::Settings tcp;  // max_payload_bytes 0 without segmentation offload
  ShardSecrets secrets;
};

class Shard {
 public:
  // `resources` outlives the shard. `now` is the first instant that it will hear of.
  Shard(const ShardOptions& options, const tcp::Resources& resources, Instant now);
  ~Shard();
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  // --- verbs ----------------------------------------------------------------------------------
  // `ip` holds the packet from its IP header on; `packet` is what parse_packet made of it.
  void on_packet(const Slice& ip, const wire::Packet& packet, Instant now);
  void on_command(Command command, Instant now);
  // Fires timers that are due, at most a few hundred; next_deadline() tells when more are.
  void on_time(Instant now);
  // Puts packets into `batch` until nothing is left to say, its slots are used up, or this turn's
  // share is: then has_output() stays true.
  void fill(TxBatch& batch, Instant now);
  bool has_output() const { return !ready_.empty() || !replies_.empty(); }
  // When to call on_time() next if nothing arrives.
  Instant next_deadline() const;
  // Aborts when the shard contradicts itself. Slow: for the simulator, fuzzers and tests.
  void check_invariants() const;

  // --- observation ----------------------------------------------------------------------------
  // A packet was refused before it came here.
  void count_drop(DropReason reason) { ++stats_.drops[static_cast<std::size_t>(reason)]; }
  // Sums over all connections: not for every turn.
  ShardStats stats() const;
  std::uint32_t connections() const { return slots_.live(); }
  // The stream, if it still lives.
  Stream* find(const StreamId& id);
  StreamId id_of(const ConnectionSlot& slot) const {
    return {options_.worker, slots_.index_of(slot), slot.generation};
  }

 private:
  friend class Stream;

  // shard.cpp
  void run(ListenCommand& command);
  void run(UnlistenCommand& command);
  void run(ConnectCommand& command);
  void run(PostCommand& command);
  void run(StopCommand& command);
  ConnectionSlot* make_slot(const FlowKey& flow);
  void release(ConnectionSlot& slot);
  void leave_listener(ConnectionSlot& slot);
  void count_end(const ConnectionSlot& slot);
  void become_time_wait(ConnectionSlot& slot);
  void forget_time_wait(TimeWaitEntry& entry);
  tcp::Identity identity_of(const FlowKey& flow) const;
  FlowRef find_flow(const FlowKey& flow, std::uint64_t hash) const;
  std::uint64_t hash_of(const FlowKey& flow) const { return siphash(options_.secrets.table, flow); }
  void after_event(ConnectionSlot& slot);
  void dispatch(ConnectionSlot& slot);
  bool accept(ConnectionSlot& slot);
  void mark_ready(ConnectionSlot& slot);
  void rearm(ConnectionSlot& slot);

  // shard_input.cpp
  DropReason route(const Slice& ip, const wire::Packet& packet);
  DropReason on_tcp(const Slice& ip, const wire::Packet& packet);
  DropReason on_connection(ConnectionSlot& slot, tcp::Segment segment);
  DropReason on_time_wait(TimeWaitEntry& entry, const FlowKey& flow, const wire::Packet& packet,
                          const tcp::Segment& segment);
  DropReason on_unknown_flow(const FlowKey& flow, const wire::Packet& packet,
                             const tcp::Segment& segment, const tcp::TimeWait* previous);
  DropReason on_syn(ListenerEntry& listener, const FlowKey& flow, const tcp::Segment& syn,
                    const tcp::TimeWait* previous);
  DropReason on_icmp(const Slice& ip, const wire::Packet& packet);
  DropReason on_icmp_error(const Slice& ip, const wire::Packet& packet, tcp::PathError error,
                           std::uint32_t mtu);
  void reply_with_reset(const FlowKey& flow, const wire::TcpHeader& reset);
  void reply_with_ack(const TimeWaitEntry& entry);
  Reply* new_reply(const IpAddress& from, const IpAddress& to, std::uint8_t protocol);

  // shard_output.cpp
  void fill_replies(TxBatch& batch, std::uint32_t& budget);
  bool close_if_finished(ConnectionSlot& slot);
  bool fill_connection(ConnectionSlot& slot, TxBatch& batch, std::uint32_t& budget);
  void build(TxPacket& packet, ConnectionSlot& slot);
  void build(TxPacket& packet, Reply& reply);

  ShardOptions options_;
  tcp::Settings settings_;
  tcp::Resources resources_;
  LocalAddresses local_;
  Instant now_;
  Rng rng_;
  std::uint32_t next_generation_ = 1;
  bool stopping_ = false;

  Slab<ConnectionSlot> slots_;
  TimeWaitTable time_waits_;
  ConnectionTable table_;
  ListenerTable listeners_;
  TimerWheel wheel_;
  ReplyQueue replies_;
  IntrusiveList<ConnectionSlot, ReadyTag> ready_;
  IntrusiveList<ConnectionSlot, AllTag> all_;
  tcp::OutSegment out_;
  ShardStats stats_;
  std::vector<std::uint32_t> generations_;  // of the slot's present stream; 0: none
};

}  // namespace sluice
