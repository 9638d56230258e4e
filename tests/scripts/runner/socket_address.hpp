// Socket addresses: as a script writes them, and as the C interface takes them.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <optional>
#include <string>

#include "proto/wire/address.hpp"
#include "tests/scripts/runner/value.hpp"

namespace sluice::script {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }

  int family() const { return storage.ss_family; }
  std::uint16_t port() const;
  IpAddress address() const;
};

// `family`: of the socket; an IPv4 address for an AF_INET6 one is mapped.
SocketAddress make_socket_address(int family, const IpAddress& address, std::uint16_t port);

// {sa_family=AF_INET, sin_port=htons(8080), sin_addr=inet_addr("192.0.2.1")}. Throws SyntaxError.
SocketAddress parse_socket_address(const Value& value);

// What is wrong with `came`, of whose fields `expected` names some; empty when nothing is.
std::string compare_socket_address(const Value& expected, const SocketAddress& came);

}  // namespace sluice::script
