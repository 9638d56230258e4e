// Which sockets of one protocol are bound to which port.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "proto/wire/family.hpp"

namespace sluice::sockets {

struct Binding {
  std::optional<IpAddress> address;  // none: each of ours
  Family family = Family::both;      // without an address
  std::uint16_t port = 0;            // 0: not bound
  bool shares = false;               // SO_REUSEADDR
  bool listens = false;              // then nobody may join it

  bool is_bound() const { return port != 0; }
  // Whether a packet could be for both, were the ports the same.
  bool overlaps(const Binding& other) const;
  // Whether it may have the same port as `other`, which has it already.
  bool may_join(const Binding& other) const;
};

class PortBindings {
 public:
  // A binding stays where it is, and its port what it is, until it is removed.
  void add(Binding& binding) { by_port_.emplace(binding.port, &binding); }
  void remove(Binding& binding);

  bool is_used(std::uint16_t port) const { return by_port_.contains(port); }
  // Whether one of the others (not `wanted` itself) is in its way.
  bool conflicts(const Binding& wanted) const;

 private:
  std::multimap<std::uint16_t, const Binding*> by_port_;
};

}  // namespace sluice::sockets
