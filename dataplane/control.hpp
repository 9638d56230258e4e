// The control plane: which ports are taken, and by what every shard has a replica of.
#pragma once

#include <string>
#include <vector>

#include "dataplane/shard/command.hpp"

namespace sluice {

// Guarded by its owner.
class PortRegistry {
 public:
  // Empty when taken in; otherwise why not: one decision for all shards.
  std::string add(const ListenCommand& listener);
  // A port of 0 becomes a free one.
  std::string add(BindCommand& socket);
  // False when nobody listens there.
  bool tune(const ListenOptions& options);
  // False when nobody is there.
  bool remove(const ListenOptions& options);
  bool remove(const BindOptions& options);
  // All that a shard of `shares` begins with.
  std::vector<Command> replicas(std::uint32_t shares) const;

 private:
  std::uint16_t free_port();

  std::vector<ListenCommand> listeners_;
  std::vector<BindCommand> sockets_;
  std::uint16_t last_chosen_ = 0;
};

// A shard's own, among `shares`: the backlog is divided.
ListenCommand replica_of(const ListenCommand& listener, std::uint32_t shares);

}  // namespace sluice
