// The UDP sockets of a shard.
#pragma once

#include <optional>

#include "dataplane/datagram.hpp"
#include "dataplane/shard/port_table.hpp"

namespace sluice {

class Shard;

struct DatagramEntry final : DatagramSocket {
  DatagramEntry(Shard& owner, const BindOptions& bound_to, DatagramEvents& told)
      : DatagramSocket(bound_to), shard(owner), events(told) {}

  // How well what comes along `flow` fits a socket that is bound to its port; 0: not at all.
  int fit(const FlowKey& flow) const {
    const bool is_for_us =
        options.address ? *options.address == flow.local : is_of(options.family, flow.local);
    const bool is_from_peer =
        !peer || (peer->remote == flow.remote && peer->remote_port == flow.remote_port &&
                  peer->local == flow.local);
    if (!is_for_us || !is_from_peer) return 0;
    return 1 + (options.address ? 1 : 0) + (peer ? 2 : 0);
  }

  Shard& shard;
  DatagramEvents& events;
  bool waits_for_room = false;  // send() took nothing: on_writable() is owed
  // What follows is for who owns the entry to set, at any time.
  std::optional<FlowKey> peer;  // it is connected to: nobody else is heard
  std::uint8_t hop_limit = 64;
  std::uint8_t traffic_class = 0;
  bool dont_fragment = true;  // IPv4, where a datagram fits the MTU
  bool refuses_fragments = false;
  std::uint32_t mtu = 0;  // of the path, when it is less than the shard's; 0: not known
};

using DatagramTable = PortTable<DatagramEntry>;

}  // namespace sluice
