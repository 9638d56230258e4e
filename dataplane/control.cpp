#include "dataplane/control.hpp"

#include <algorithm>

namespace sluice {
namespace {

constexpr std::uint16_t kFirstChosenPort = 49'152;  // RFC 6335 6: dynamic ports

auto is_at(const auto& options) {
  return [&options](const auto& other) {
    return other.options.port == options.port && other.options.address == options.address &&
           other.options.family == options.family;
  };
}

bool is_taken(const auto& list, const auto& options) {
  return std::any_of(list.begin(), list.end(), [&options](const auto& other) {
    return other.options.port == options.port && other.options.address == options.address &&
           overlap(other.options.family, options.family);
  });
}

}  // namespace

ListenCommand replica_of(const ListenCommand& listener, std::uint32_t shares) {
  ListenCommand copy = listener;
  copy.options.backlog = std::max(1u, copy.options.backlog / shares);
  return copy;
}

std::string PortRegistry::add(const ListenCommand& listener) {
  const ListenOptions& options = listener.options;
  if (options.port == 0) return "cannot listen on port 0: choose 1 to 65535";
  if (is_taken(listeners_, options)) {
    return "port " + std::to_string(options.port) + " is taken by another listener";
  }
  listeners_.push_back(listener);
  return {};
}

std::string PortRegistry::add(BindCommand& socket) {
  BindOptions& options = socket.options;
  if (options.port == 0) options.port = free_port();
  if (options.port == 0) return "no UDP port is free";
  if (is_taken(sockets_, options)) {
    return "UDP port " + std::to_string(options.port) + " is taken by another socket";
  }
  sockets_.push_back(socket);
  return {};
}

// One after the other, so that a port is not used again soon. 0 when none is free.
std::uint16_t PortRegistry::free_port() {
  for (std::uint32_t i = kFirstChosenPort; i <= UINT16_MAX; ++i) {
    last_chosen_ =
        std::max<std::uint16_t>(kFirstChosenPort, static_cast<std::uint16_t>(last_chosen_ + 1));
    const bool used = std::any_of(sockets_.begin(), sockets_.end(), [this](const auto& socket) {
      return socket.options.port == last_chosen_;
    });
    if (!used) return last_chosen_;
  }
  return 0;
}

bool PortRegistry::tune(const ListenOptions& options) {
  const auto found = std::find_if(listeners_.begin(), listeners_.end(), is_at(options));
  if (found == listeners_.end()) return false;
  found->options.stream = options.stream;
  return true;
}

bool PortRegistry::remove(const ListenOptions& options) {
  return std::erase_if(listeners_, is_at(options)) > 0;
}

bool PortRegistry::remove(const BindOptions& options) {
  return std::erase_if(sockets_, is_at(options)) > 0;
}

std::vector<Command> PortRegistry::replicas(std::uint32_t shares) const {
  std::vector<Command> all(sockets_.begin(), sockets_.end());
  for (const ListenCommand& listener : listeners_) all.emplace_back(replica_of(listener, shares));
  return all;
}

}  // namespace sluice
