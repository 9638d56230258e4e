// The control plane: which ports are taken, and the listeners that every shard has a replica of.
#pragma once

#include <string>
#include <vector>

#include "dataplane/shard/command.hpp"

namespace sluice {

// Guarded by its owner.
class PortRegistry {
 public:
  // Empty when taken in; otherwise why not: one decision for all shards.
  std::string add(const ListenOptions& options, const Acceptor& acceptor);
  // False when nobody listens there.
  bool remove(const ListenOptions& options);
  // A replica for a shard of `shares`, the backlog divided.
  std::vector<ListenCommand> replicas(std::uint32_t shares) const;

 private:
  std::vector<ListenCommand> listeners_;
};

}  // namespace sluice
