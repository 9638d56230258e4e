// Waiting for connections.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "dataplane/stream.hpp"
#include "dataplane/stream_options.hpp"
#include "proto/wire/address.hpp"
#include "proto/wire/family.hpp"

namespace sluice {

// Called on the owning core when a handshake is done; returns who shall hear of the stream, or
// null to refuse it (RST).
using Acceptor = std::function<StreamEvents*(Stream&)>;

// Address, port and family say which listener it is.
struct ListenOptions {
  std::optional<IpAddress> address = {};  // none: every address of ours
  std::uint16_t port = 0;                 // 1 to 65,535
  std::uint32_t backlog = 4096;  // half-open connections, a share for each worker; more are dropped
  Family family = Family::both;  // without an address
  StreamOptions stream = {};     // of the connections, from the SYN-ACK on
};

class Engine;

// Names a listener of an engine; copies name the same. It listens until close() or the engine goes,
// over stops and restarts.
class Listener {
 public:
  Listener(Engine& engine, const ListenOptions& options) : engine_(&engine), options_(options) {}
  const ListenOptions& options() const { return options_; }
  // What new connections get from now on. All workers know when it returns (in a callback: see
  // Engine::when_told()); of calls at the same time each worker follows its last. From any thread.
  void set_options(const StreamOptions& options);
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
  // 0: one is chosen. With another one the flow's hash says which worker the connection belongs to.
  std::uint16_t local_port = 0;
  StreamOptions stream = {};  // from the SYN on
};

}  // namespace sluice
