// Which addresses are ours: all of the kernel's networks but the kernel's own, and those that are
// named; or each that a packet is sent to.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "proto/wire/address.hpp"

namespace sluice {

class LocalAddresses {
 public:
  // `kernel_side`: the addresses of the kernel's end of the device, with their networks. `own`:
  // single ones. With `any` each unicast address is ours, and may be a peer's, too.
  explicit LocalAddresses(const std::vector<Cidr>& kernel_side,
                          const std::vector<IpAddress>& own = {}, bool any = false);

  // False for the kernel's own, a network's first (RFC 4291 2.6.1: the routers' anycast) and, for
  // IPv4, its last (broadcast).
  bool contains(const IpAddress& address) const;

  // Whether it is one of the single ones.
  bool is_own(const IpAddress& address) const { return is_own(number_of(address)); }

  // Whether a packet to us may come from there: not from an address of our networks, be it ours or
  // that of no single host (RFC 9293 MUST-63), but for the kernel's own.
  bool may_be_peer(const IpAddress& address) const;

  // What we call ourselves when the application does not say: the first of those named, else the
  // address after the kernel's, or the first free one of its network. None without one of that
  // family.
  const std::optional<IpAddress>& preferred(bool v4) const {
    return v4 ? preferred_v4_ : preferred_v6_;
  }

 private:
  // An address as a number: asked of every packet, twice.
  using Number = std::pair<std::uint64_t, std::uint64_t>;
  static Number number_of(const IpAddress& address);

  struct Network {
    Cidr kernel_side;
    Number kernel;
    Number begin;  // all of the network
    Number end;
    Number first;  // that a host may have
    Number last;
    bool is_v4;
  };

  bool is_own(Number number) const;
  std::optional<IpAddress> first_free(bool v4) const;

  std::vector<Network> networks_;
  std::vector<Number> own_;  // those that are named, sorted
  std::optional<IpAddress> preferred_v4_;
  std::optional<IpAddress> preferred_v6_;
  bool any_;
};

// Whether a packet may go from one to the other's host under this address: no multicast, broadcast,
// unspecified or loopback address (RFC 1122 3.2.1.3).
bool is_one_hosts(const IpAddress& address);

// False when a host may not have this address in this network: its first or broadcast address.
bool is_host_address(const Cidr& network, const IpAddress& address);

}  // namespace sluice
