// The machine of one core: connections, listeners, timers, and what they have to say.
//
// It makes no system call, asks no clock and starts no thread; memory is taken in the constructor,
// or on demand (ShardOptions::growth). Its verbs are its whole surface: packets, commands and time
// go in, fill() takes packets out. One thread drives it.
//
//   shard.cpp            commands, time, opening and closing
//   shard_input.cpp      a packet's way in
//   shard_output.cpp     a packet's way out
//   shard_datagrams.cpp  fragments and UDP
//   shard_answers.cpp    packets of no connection, on their way out
//   shard_memory.cpp     what is done when memory runs short
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "dataplane/memory/tx_batch.hpp"
#include "dataplane/shard/command.hpp"
#include "dataplane/shard/connection_slot.hpp"
#include "dataplane/shard/connection_table.hpp"
#include "dataplane/shard/datagram_table.hpp"
#include "dataplane/shard/local_addresses.hpp"
#include "dataplane/shard/out_queue.hpp"
#include "dataplane/shard/ownership.hpp"
#include "dataplane/shard/rate_limit.hpp"
#include "dataplane/shard/reassembly.hpp"
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
  std::uint32_t worker = 0;  // its number among the engine's workers
  Ownership ownership;       // the same for all of them
  // See LocalAddresses.
  std::vector<Cidr> kernel_side;
  std::vector<IpAddress> addresses;
  bool any_address = false;
  std::uint32_t mtu = 1500;       // bytes of an IP packet
  bool checksum_offload = true;   // false: every sum is computed here
  bool datagram_offload = false;  // the device cuts large datagrams (USO)
  std::uint8_t hop_limit = 64;    // of packets, where nobody chose another
  std::uint32_t max_connections = 16'384;
  std::uint32_t max_time_waits = 32'768;
  std::uint32_t max_replies = 1'024;
  std::uint32_t max_datagrams = 1'024;  // that wait to be sent
  // Of all these. Where memory is not to be had on demand, it is as if the limit were reached.
  Growth growth = Growth::at_start;
  // Of 64 KiB, in which fragments are joined; not owned, outlives the shard. None: fragments are
  // dropped.
  FrameSource* frames = nullptr;
  tcp::Settings tcp;  // max_payload_bytes 0 without segmentation offload
  ShardSecrets secrets;
};

// Why a connection cannot even begin.
enum class ConnectProblem : std::uint8_t {
  none,
  stopping,
  no_local_address,
  bad_remote_address,
  no_local_port,
  local_port_in_use,
  flow_exists,
  memory_short,
  connection_limit,
};
std::string_view connect_problem_name(ConnectProblem problem);

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
  // The same for what we have sent to an address of our own.
  void on_own_packet(const Slice& ip, const wire::Packet& packet, Instant now);
  // Takes a fragment, as parse_packet called it. Returns the whole packet, from its IP header on,
  // once the last piece is there: to be parsed again. Empty until then.
  Slice join(const Slice& fragment, Instant now);
  void on_command(Command command, Instant now);
  // Fires timers that are due, at most a few hundred; next_deadline() tells when more are.
  void on_time(Instant now);
  // Puts packets into `batch` until nothing is left to say, its slots are used up, or this turn's
  // share is: then has_output() stays true.
  void fill(TxBatch& batch, Instant now);
  bool has_output() const { return !ready_.empty() || !replies_.empty() || !datagrams_.empty(); }
  // When to call on_time() next if nothing arrives.
  Instant next_deadline() const;
  // Gives idle memory back to the system, to be taken again on demand. It looks at all that is
  // free: for quiet moments, once in a while; not out of callbacks.
  void trim();
  // What it has taken from the system, itself included, listeners and sockets not.
  std::uint64_t held_bytes() const;
  // Aborts when the shard contradicts itself. Slow: for the simulator, fuzzers and tests.
  void check_invariants() const;

  // --- calls on the shard's own core: what commands are made of -------------------------------
  // Takes `flow` for a connection that open() will begin, at once: what applies to it alone is set
  // up in between. Null when it cannot be.
  ConnectionSlot* claim(const FlowKey& flow, StreamEvents& events, ConnectProblem& problem);
  void open(ConnectionSlot& slot);
  // A connection whose slot is_kept is no longer needed. It goes now, or once it has ended.
  void let_go(ConnectionSlot& slot);
  // A connection was called: it may have something to say.
  void mark_ready(ConnectionSlot& slot);
  ListenerEntry& listen(const ListenOptions& options, Acceptor acceptor);
  // What becomes of connections whose handshake is not done.
  enum class HalfOpen : std::uint8_t { reset, forget };
  void unlisten(const ListenOptions& options, HalfOpen half_open = HalfOpen::reset);
  DatagramEntry& bind(const BindOptions& options, DatagramEvents& events);
  void unbind(const DatagramEntry& socket) { sockets_.remove(socket); }
  std::uint32_t datagram_room() const { return datagrams_.room(); }
  // Memory for `size` bytes; empty when there is none.
  Slice room_for(std::uint32_t size);
  // Each local address and port of a connection or of one in TIME-WAIT, and whether it shares the
  // port.
  template <class Visit>
  void for_each_local(Visit visit) const {
    all_.for_each([&visit](const ConnectionSlot& slot) {
      if (slot.in_table) visit(slot.flow_key, slot.shares_port);
    });
    time_waits_.for_each(
        [&visit](const TimeWaitEntry& entry) { visit(entry.flow, entry.shares_port); });
  }
  bool is_known(const FlowKey& flow) const { return is_known(flow, hash_of(flow)); }
  const LocalAddresses& local() const { return local_; }
  Instant now() const { return now_; }

  // --- observation ----------------------------------------------------------------------------
  // A packet was refused before it came here.
  void count_drop(DropReason reason) { ++stats_.drops[static_cast<std::size_t>(reason)]; }
  // Which of the engine's shards the packet belongs to.
  std::uint32_t owner_of(Bytes ip, const wire::Packet& packet) const {
    return options_.ownership.of(ip, packet);
  }
  // Sums over all connections: not for every turn.
  ShardStats stats() const;
  std::uint32_t connections() const { return slots_.live(); }
  // The stream, if it still lives.
  Stream* find(const StreamId& id);
  StreamId id_of(const ConnectionSlot& slot) const {
    return {options_.worker, slots_.index_of(slot), slots_.generation_of(slot)};
  }

 private:
  friend class Stream;
  friend class DatagramSocket;

  // shard.cpp
  void run(ListenCommand& command);
  void run(UnlistenCommand& command);
  void run(TuneCommand& command);
  void run(BindCommand& command);
  void run(UnbindCommand& command);
  void run(ConnectCommand& command);
  void run(PostCommand& command);
  void run(StopCommand& command);
  ConnectProblem connect(ConnectCommand& command);
  ConnectProblem choose_port(FlowKey& flow, std::uint16_t wanted);
  ConnectProblem check(const FlowKey& flow, std::uint64_t hash);
  ConnectionSlot* make_slot(const FlowKey& flow, std::uint64_t hash);
  static void prepare(ConnectionSlot& slot, const StreamOptions& options);
  void leave_lists(ConnectionSlot& slot);
  void release(ConnectionSlot& slot);
  void leave_listener(ConnectionSlot& slot);
  void count_end(const ConnectionSlot& slot);
  void become_time_wait(ConnectionSlot& slot);
  TimeWaitEntry* add_time_wait(Instant expiry);
  void forget_time_wait(TimeWaitEntry& entry);
  tcp::Identity identity_of(const FlowKey& flow) const;
  FlowRef find_flow(const FlowKey& flow, std::uint64_t hash) const;
  bool is_known(const FlowKey& flow, std::uint64_t hash) const {
    return !find_flow(flow, hash).is_none();
  }
  std::uint64_t hash_of(const FlowKey& flow) const { return siphash(options_.secrets.table, flow); }
  void after_event(ConnectionSlot& slot);
  void dispatch(ConnectionSlot& slot);
  bool accept(ConnectionSlot& slot);
  void rearm(ConnectionSlot& slot);

  // shard_input.cpp
  DropReason admit(const Slice& ip, const wire::Packet& packet);
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

  // shard_datagrams.cpp
  DropReason on_udp(const Slice& ip, const wire::Packet& packet);
  DropReason on_udp_error(const FlowKey& flow, tcp::PathError error, std::uint32_t mtu);
  DatagramEntry* find_socket(const FlowKey& flow) const;
  bool send_datagram(DatagramEntry& socket, const FlowKey& flow, Slice payload,
                     std::uint16_t segment_bytes);
  Slice copy_of(Bytes bytes);
  void tell_writable();
  void expire_fragments();

  // shard_answers.cpp
  OutPacket* new_reply(const IpAddress& from, const IpAddress& to, std::uint8_t protocol);
  void reply_with_reset(const FlowKey& flow, const wire::TcpHeader& reset);
  void reply_with_ack(const FlowKey& flow, const tcp::TimeWait& rest, IpMarks marks);
  void reply_with_error(const Slice& ip, const IpAddress& from, const IpAddress& to,
                        const wire::IcmpHeader& error);
  void fill_from(OutQueue& queue, TxBatch& batch, std::uint32_t& budget);
  bool build_next(TxPacket& packet, OutPacket& out);
  void build_fragment(TxPacket& packet, OutPacket& out, std::uint32_t room);
  std::uint32_t build_whole(MutableBytes headers, const OutPacket& out, const Slice& payload,
                            std::uint16_t segment_bytes, bool complete_sums) const;
  std::uint32_t next_identification(bool v4);

  // shard_memory.cpp
  bool has_memory();
  void watch_memory();
  void note_gap(ConnectionSlot& slot);

  // shard_output.cpp
  void retire(ConnectionSlot& slot);
  bool close_if_finished(ConnectionSlot& slot);
  bool fill_connection(ConnectionSlot& slot, TxBatch& batch, std::uint32_t& budget);
  void build(TxPacket& packet, ConnectionSlot& slot);

  ShardOptions options_;
  tcp::Settings settings_;
  tcp::Resources resources_;
  LocalAddresses local_;
  Instant now_;
  Rng rng_;
  bool stopping_ = false;

  Slab<ConnectionSlot> slots_;
  TimeWaitTable time_waits_;
  ConnectionTable table_;
  ListenerTable listeners_;
  DatagramTable sockets_;
  std::optional<Reassembly> reassembly_;
  TimerWheel wheel_;
  OutQueue replies_;
  OutQueue datagrams_;
  RateLimit errors_;  // that we send (ICMP)
  std::uint32_t identification_;
  bool sockets_wait_ = false;  // some socket's on_writable() is owed
  IntrusiveList<ConnectionSlot, ReadyTag> ready_;
  IntrusiveList<ConnectionSlot, AllTag> all_;
  IntrusiveList<ConnectionSlot, GapTag> gapped_;  // those that have been so for longest first
  bool memory_was_short_ = false;
  tcp::OutSegment out_;
  ShardStats stats_;
};

}  // namespace sluice
