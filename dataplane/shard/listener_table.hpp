// The listeners of a shard, by port: an exact address first, then any.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "dataplane/listener.hpp"

namespace sluice {

struct ListenerEntry {
  ListenOptions options;
  Acceptor acceptor;
  std::uint32_t half_open = 0;  // connections in SYN-RECEIVED
};

class ListenerTable {
 public:
  // The caller (the control plane) has made sure that address and port are free.
  void add(ListenOptions options, Acceptor acceptor);
  // Half-open connections of it die with their next segment or timer.
  void remove(const ListenOptions& options);
  void clear() { entries_.clear(); }

  // Who listens for this address and port; null when nobody does. Good until the next remove.
  ListenerEntry* find(const IpAddress& address, std::uint16_t port) const;
  bool uses_port(std::uint16_t port) const;

 private:
  std::vector<std::unique_ptr<ListenerEntry>> entries_;  // sorted by port, exact addresses first
};

}  // namespace sluice
