// A connection's place in its shard: the TCP machine, and every list that it can be in.
#pragma once

#include <cstdint>

#include "dataplane/shard/listener_table.hpp"
#include "dataplane/shard/timer_wheel.hpp"
#include "dataplane/stream.hpp"
#include "proto/base/intrusive_list.hpp"
#include "proto/tcp/connection.hpp"

namespace sluice {

class Shard;

struct ReadyTag {};
struct AllTag {};
struct GapTag {};  // those that hold something beyond a gap

struct ConnectionSlot final : Stream,
                              WheelNode,
                              ListNode<ReadyTag>,
                              ListNode<AllTag>,
                              ListNode<GapTag> {
  ConnectionSlot(Shard& owner, const FlowKey& key, std::uint64_t hash,
                 const tcp::Settings& settings, const tcp::Resources& resources, Instant now)
      : shard(owner), flow_key(key), flow_hash(hash), began(now), tcp(settings, resources) {}

  Shard& shard;
  FlowKey flow_key;
  std::uint64_t flow_hash;
  Instant began;
  bool in_table = true;           // false once TIME-WAIT has taken its place there
  bool told_end = false;          // on_peer_closed() has been called
  bool application_gone = false;  // close() or abort() was called: only on_closed() is left
  bool told_closed = false;       // on_closed() has been called
  bool is_kept = false;           // once it has ended, until Shard::let_go()
  std::uint8_t hop_limit = 64;
  std::uint8_t traffic_class = 0;  // without the bits of ECN
  bool dont_fragment = true;       // IPv4
  bool discovers_mtu = true;       // by "packet too big"
  bool shares_port = false;        // another socket may be bound to its local port (SO_REUSEADDR)
  std::uint16_t ip_identification = 0;
  ListenerEntry* listener = nullptr;  // while half-open; null when opened by us, or established
  StreamEvents* events = nullptr;     // null until accepted
  tcp::Connection tcp;
};

}  // namespace sluice
