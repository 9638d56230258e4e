// The listeners of a shard.
#pragma once

#include <cstdint>

#include "dataplane/listener.hpp"
#include "dataplane/shard/port_table.hpp"

namespace sluice {

struct ConnectionSlot;

// Who decides about a listener's connections before they are established. Must not call the shard.
class ListenerPolicy {
 public:
  // Before the SYN is answered: what applies to this connection alone is set up.
  virtual void prepare(ConnectionSlot&) = 0;
  // Whether one more would be taken. Otherwise SYNs, and ACKs that would establish, are dropped.
  virtual bool has_room() const = 0;

 protected:
  ~ListenerPolicy() = default;
};

struct ListenerEntry {
  ListenOptions options;
  Acceptor acceptor;
  ListenerPolicy* policy = nullptr;  // not owned; null: each is taken
  std::uint32_t half_open = 0;       // connections in SYN-RECEIVED

  bool has_room() const { return policy == nullptr || policy->has_room(); }
};

using ListenerTable = PortTable<ListenerEntry>;

}  // namespace sluice
