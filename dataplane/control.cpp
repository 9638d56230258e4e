#include "dataplane/control.hpp"

#include <algorithm>

namespace sluice {
namespace {

bool same_place(const ListenOptions& a, const ListenOptions& b) {
  return a.port == b.port && a.address == b.address;
}

}  // namespace

std::string PortRegistry::add(const ListenOptions& options, const Acceptor& acceptor) {
  if (options.port == 0) return "cannot listen on port 0: choose 1 to 65535";
  for (const ListenCommand& other : listeners_) {
    if (!same_place(options, other.options)) continue;
    return "port " + std::to_string(options.port) + " is taken by another listener";
  }
  listeners_.push_back({options, acceptor});
  return {};
}

bool PortRegistry::remove(const ListenOptions& options) {
  return std::erase_if(listeners_, [&options](const ListenCommand& listener) {
           return same_place(options, listener.options);
         }) > 0;
}

std::vector<ListenCommand> PortRegistry::replicas(std::uint32_t shares) const {
  std::vector<ListenCommand> copies = listeners_;
  for (ListenCommand& copy : copies) {
    copy.options.backlog = std::max(1u, copy.options.backlog / shares);
  }
  return copies;
}

}  // namespace sluice
