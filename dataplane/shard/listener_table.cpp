#include "dataplane/shard/listener_table.hpp"

#include <algorithm>

namespace sluice {
namespace {

bool before(const ListenOptions& a, const ListenOptions& b) {
  if (a.port != b.port) return a.port < b.port;
  return a.address.has_value() && !b.address.has_value();
}

bool has_lower_port(const std::unique_ptr<ListenerEntry>& entry, std::uint16_t port) {
  return entry->options.port < port;
}

}  // namespace

void ListenerTable::add(ListenOptions options, Acceptor acceptor) {
  auto entry = std::make_unique<ListenerEntry>();
  entry->options = options;
  entry->acceptor = std::move(acceptor);
  const auto position = std::upper_bound(
      entries_.begin(), entries_.end(), options,
      [](const ListenOptions& value, const auto& other) { return before(value, other->options); });
  entries_.insert(position, std::move(entry));
}

void ListenerTable::remove(const ListenOptions& options) {
  std::erase_if(entries_, [&options](const auto& entry) {
    return entry->options.port == options.port && entry->options.address == options.address;
  });
}

ListenerEntry* ListenerTable::find(const IpAddress& address, std::uint16_t port) const {
  auto it = std::lower_bound(entries_.begin(), entries_.end(), port, has_lower_port);
  for (; it != entries_.end() && (*it)->options.port == port; ++it) {
    const auto& wanted = (*it)->options.address;
    if (!wanted.has_value() || *wanted == address) return it->get();
  }
  return nullptr;
}

bool ListenerTable::uses_port(std::uint16_t port) const {
  const auto it = std::lower_bound(entries_.begin(), entries_.end(), port, has_lower_port);
  return it != entries_.end() && (*it)->options.port == port;
}

}  // namespace sluice
