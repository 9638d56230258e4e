#include "dataplane/sockets/port_bindings.hpp"

#include <algorithm>

namespace sluice::sockets {

bool Binding::overlaps(const Binding& other) const {
  if (address && other.address) return *address == *other.address;
  if (address) return is_of(other.family, *address);
  if (other.address) return is_of(family, *other.address);
  return overlap(family, other.family);
}

bool Binding::may_join(const Binding& other) const {
  return !overlaps(other) || (shares && other.shares && !other.listens);
}

void PortBindings::remove(Binding& binding) {
  const auto [first, last] = by_port_.equal_range(binding.port);
  const auto found =
      std::find_if(first, last, [&binding](const auto& entry) { return entry.second == &binding; });
  if (found != last) by_port_.erase(found);
}

bool PortBindings::conflicts(const Binding& wanted) const {
  const auto [first, last] = by_port_.equal_range(wanted.port);
  return std::any_of(first, last, [&wanted](const auto& entry) {
    return entry.second != &wanted && !wanted.may_join(*entry.second);
  });
}

}  // namespace sluice::sockets
