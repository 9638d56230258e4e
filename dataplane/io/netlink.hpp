// The few requests of rtnetlink that the engine makes, each in the calling thread's network
// namespace. All throw std::system_error with the kernel's errno; ENODEV when there is no `device`.
// Source: rtnetlink(7); Linux net/core/rtnetlink.c, net/ipv4/devinet.c, net/ipv6/addrconf.c.
#pragma once

#include <cstdint>
#include <string>

#include "proto/wire/address.hpp"

namespace sluice::io::netlink {

void set_mtu(const std::string& device, std::uint32_t mtu);
void set_queue_length(const std::string& device, std::uint32_t packets);
void set_up(const std::string& device);
void add_address(const std::string& device, const Cidr& address);

struct Link {
  std::uint32_t mtu = 0;
  std::uint32_t queue_length = 0;
  bool up = false;
  std::uint64_t tx_dropped = 0;
};

Link read_link(const std::string& device);

}  // namespace sluice::io::netlink
