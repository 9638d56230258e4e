// struct sockaddr to addresses and ports, and back.
//
// A socket of AF_INET6 speaks of IPv4 addresses as ::ffff:192.0.2.1 (RFC 4291 2.5.5.2), which is
// just how an IpAddress holds them.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>

#include "proto/wire/address.hpp"
#include "proto/wire/family.hpp"

namespace sluice::sockets {

struct SocketAddress {
  IpAddress address;
  std::uint16_t port = 0;

  bool operator==(const SocketAddress&) const = default;
};

// What a socket's addresses look like.
struct AddressForm {
  bool is_v6 = false;
  bool v6_only = false;  // IPV6_V6ONLY

  // Whose packets it can take.
  Family family() const {
    if (!is_v6) return Family::v4;
    return v6_only ? Family::v6 : Family::both;
  }
  // The address that stands for all of them.
  IpAddress any() const { return is_v6 ? IpAddress() : IpAddress::v4(0); }
};

// Reads what a caller gave; nothing of it is trusted but that `length` bytes are there. 0, -EINVAL
// (null, or too short) or -EAFNOSUPPORT.
int read_address(const sockaddr* given, socklen_t length, const AddressForm& form,
                 SocketAddress& read);
// Whether it is AF_UNSPEC, and long enough to say so.
bool is_unspecified_family(const sockaddr* given, socklen_t length);

// Fills in as much as fits *length, which then says how long it is. 0, or -EINVAL for a null
// pointer or a negative length.
int write_address(const SocketAddress& address, const AddressForm& form, sockaddr* to,
                  socklen_t* length);

}  // namespace sluice::sockets
