// Waiting for connections.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "dataplane/stream.hpp"
#include "proto/wire/address.hpp"
#include "proto/wire/family.hpp"

namespace sluice {

// Called on the owning core when a handshake is done; returns who shall hear of the stream, or
// null to refuse it (RST).
using Acceptor = std::function<StreamEvents*(Stream&)>;

struct ListenOptions {
  std::optional<IpAddress> address = {};  // none: every address of ours
  std::uint16_t port = 0;                 // 1 to 65,535
  std::uint32_t backlog = 4096;  // half-open connections, a share for each worker; more are dropped
  Family family = Family::both;  // without an address
};

class Engine;

// Names a listener of an engine; copies name the same. It listens until close() or the engine goes,
// over stops and restarts.
class Listener {
 public:
  Listener(Engine& engine, const ListenOptions& options) : engine_(&engine), options_(options) {}
  const ListenOptions& options() const { return options_; }
  // No new connections; those that are established go on. From any thread.
  void close();

 private:
  Engine* engine_;
  ListenOptions options_;
};

struct ConnectOptions {
  IpAddress remote;
  std::uint16_t port = 0;
  std::optional<IpAddress> local = {};  // none: the first address of ours in that family
};

}  // namespace sluice
