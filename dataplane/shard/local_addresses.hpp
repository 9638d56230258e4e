// Which addresses are ours: all of the kernel's networks but the kernel's own.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "proto/wire/address.hpp"

namespace sluice {

class LocalAddresses {
 public:
  // `kernel_side`: the addresses of the kernel's end of the device, with their networks.
  explicit LocalAddresses(const std::vector<Cidr>& kernel_side);

  // False for the kernel's own, a network's first (RFC 4291 2.6.1: the routers' anycast) and, for
  // IPv4, its last (broadcast).
  bool contains(const IpAddress& address) const;

  // Whether a packet to us may come from there: not from an address of our networks, be it ours or
  // that of no single host (RFC 9293 MUST-63), but for the kernel's own.
  bool may_be_peer(const IpAddress& address) const;

  // What we call ourselves when the application does not say: the address after the kernel's, or
  // the first free one of its network. None when there is no network of that family.
  std::optional<IpAddress> preferred(bool v4) const;

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

  std::vector<Network> networks_;
};

// False when a host may not have this address in this network: its first or broadcast address.
bool is_host_address(const Cidr& network, const IpAddress& address);

}  // namespace sluice
