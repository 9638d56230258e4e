// What other threads ask of a shard. Values: they cross cores by move.
#pragma once

#include <functional>
#include <variant>

#include "dataplane/datagram.hpp"
#include "dataplane/listener.hpp"

namespace sluice {

struct ListenCommand {
  ListenOptions options;
  Acceptor acceptor;
};

struct UnlistenCommand {
  ListenOptions options;
};

// To the listener that is there: its connections get `options.stream` from now on.
struct TuneCommand {
  ListenOptions options;
};

struct BindCommand {
  BindOptions options;
  DatagramEvents* events = nullptr;
};

struct UnbindCommand {
  BindOptions options;
};

struct ConnectCommand {
  ConnectOptions options;
  StreamEvents* events = nullptr;
};

// Runs on the shard's core.
struct PostCommand {
  std::function<void()> work;
};

// The phases of stopping (design: 11).
enum class StopPhase : std::uint8_t {
  drain,  // no new connections; FIN behind what every stream has sent
  abort,  // RST to what is left
};

struct StopCommand {
  StopPhase phase = StopPhase::drain;
};

using Command = std::variant<ListenCommand, UnlistenCommand, TuneCommand, BindCommand,
                             UnbindCommand, ConnectCommand, PostCommand, StopCommand>;

}  // namespace sluice
