// The UDP sockets of a shard.
#pragma once

#include "dataplane/datagram.hpp"
#include "dataplane/shard/port_table.hpp"

namespace sluice {

class Shard;

struct DatagramEntry final : DatagramSocket {
  DatagramEntry(Shard& owner, const BindOptions& bound_to, DatagramEvents& told)
      : DatagramSocket(bound_to), shard(owner), events(told) {}

  Shard& shard;
  DatagramEvents& events;
  bool waits_for_room = false;  // send() took nothing: on_writable() is owed
};

using DatagramTable = PortTable<DatagramEntry>;

}  // namespace sluice
