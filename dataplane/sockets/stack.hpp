// A TCP/IP stack without I/O: one Shard with its memory, driven by whoever owns it, and the sockets
// on top of it. Pure: packets and time come in by the door, and so does randomness.
//
//     packets --> input() ----+                         +---- output() --> packets
//                             v                         |
//        time --> advance() -> Shard <-> sockets   Shard::fill()
//                                           |
//                                    ready_events, once each call
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>

#include "dataplane/shard/shard_pools.hpp"
#include "dataplane/sockets/output_queue.hpp"
#include "dataplane/sockets/port_bindings.hpp"
#include "dataplane/sockets/ready_events.hpp"
#include "dataplane/sockets/socket_table.hpp"
#include "dataplane/sockets/stack_options.hpp"

namespace sluice::sockets {

class Stack {
 public:
  // `name` is what callbacks are given. Throws std::bad_alloc.
  Stack(const StackOptions& options, sluice_stack* name);
  ~Stack();
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;

  // --- packets and time: not from a callback (-EBUSY) ------------------------------------------
  int input(Bytes packet, const wire::VirtioNetHeader& offload, std::uint64_t now_ns);
  // The packet's length, 0 without one. With `offload` it is as a device with the configured
  // offloads takes it, and *offload says how.
  ssize_t output(MutableBytes buffer, wire::VirtioNetHeader* offload, std::uint64_t now_ns);
  int advance(std::uint64_t now_ns);
  std::uint64_t next_deadline() const;
  bool is_busy() const { return is_busy_; }

  // --- sockets ---------------------------------------------------------------------------------
  int open_socket(int domain, int type, int protocol);
  // The new handle.
  int accept(Socket& listener, SocketAddress& from);
  void close(Socket& socket);
  Socket* find(int handle) const { return sockets_.find(handle); }
  void fill_stats(sluice_stats& stats) const;

  // --- for the sockets -------------------------------------------------------------------------
  Shard& shard() { return *shard_; }
  const StackOptions& options() const { return options_; }
  Instant now() const { return now_; }
  ReadyEvents& events() { return events_; }
  PortBindings& tcp_ports() { return tcp_ports_; }
  PortBindings& udp_ports() { return udp_ports_; }
  Rng& rng() { return rng_; }
  // Takes the events of connections that nobody owns any more.
  StreamEvents& nobody() { return nobody_; }

 private:
  class Visit;
  class Nobody final : public StreamEvents {};

  bool hear(std::uint64_t now_ns);
  enum class Origin : std::uint8_t { peer, ourselves };
  void take(Slice ip, const wire::VirtioNetHeader& offload, Origin origin);
  bool is_for_us(const OutgoingPacket& packet) const;
  void loop_back(const OutgoingPacket& packet);
  void trim_in_time();

  const StackOptions options_;
  sluice_stack* const name_;
  Instant now_;
  bool is_busy_ = false;
  bool has_heard_ = false;  // the time, once at least
  Rng rng_;
  Nobody nobody_;
  ShardPools memory_;
  Instant next_trim_;
  bool had_connections_ = false;
  PortBindings tcp_ports_;
  PortBindings udp_ports_;
  ReadyEvents events_;
  SocketTable sockets_;
  std::unique_ptr<Shard> shard_;
  std::optional<OutputQueue> output_;
};

}  // namespace sluice::sockets
