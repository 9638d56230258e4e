#include "tests/scripts/runner/socket_address.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <cstring>

namespace sluice::script {
namespace {

sockaddr_in& as_v4(SocketAddress& address) {
  return reinterpret_cast<sockaddr_in&>(address.storage);
}
sockaddr_in6& as_v6(SocketAddress& address) {
  return reinterpret_cast<sockaddr_in6&>(address.storage);
}
const sockaddr_in& as_v4(const SocketAddress& address) {
  return reinterpret_cast<const sockaddr_in&>(address.storage);
}
const sockaddr_in6& as_v6(const SocketAddress& address) {
  return reinterpret_cast<const sockaddr_in6&>(address.storage);
}

IpAddress parse_address(const Value& value) {
  if (value.kind == Value::Kind::number) {
    return IpAddress::v4(static_cast<std::uint32_t>(value.number));  // INADDR_ANY
  }
  const auto parsed = IpAddress::parse(value.text);
  if (!parsed) throw SyntaxError(value.place, fmt::format("'{}' is no address", value.text));
  return *parsed;
}

const Value& field(const Value& value, const std::string& name) {
  const Value* found = value.field(name);
  if (found == nullptr) {
    throw SyntaxError(value.place, fmt::format("the address lacks its {}", name));
  }
  return *found;
}

std::string told(int family, std::uint16_t port, const IpAddress& address) {
  return fmt::format("family {}, port {}, address {}", family, port, address.to_string());
}

}  // namespace

std::uint16_t SocketAddress::port() const {
  return ntohs(family() == AF_INET ? as_v4(*this).sin_port : as_v6(*this).sin6_port);
}

IpAddress SocketAddress::address() const {
  if (family() == AF_INET) return IpAddress::v4(ntohl(as_v4(*this).sin_addr.s_addr));
  return IpAddress::v6(as_v6(*this).sin6_addr.s6_addr);
}

SocketAddress make_socket_address(int family, const IpAddress& address, std::uint16_t port) {
  SocketAddress made;
  made.storage.ss_family = static_cast<sa_family_t>(family);
  if (family == AF_INET) {
    as_v4(made).sin_port = htons(port);
    as_v4(made).sin_addr.s_addr = htonl(address.is_v4() ? address.v4_bits() : 0);
    made.length = sizeof(sockaddr_in);
  } else {
    as_v6(made).sin6_port = htons(port);
    std::memcpy(as_v6(made).sin6_addr.s6_addr, address.bytes().data(), address.bytes().size());
    made.length = sizeof(sockaddr_in6);
  }
  return made;
}

SocketAddress parse_socket_address(const Value& value) {
  if (value.kind != Value::Kind::fields) {
    throw SyntaxError(value.place,
                      "expected an address: {sa_family=AF_INET, sin_port=htons(1), "
                      "sin_addr=inet_addr(\"192.0.2.1\")}");
  }
  const auto family = static_cast<int>(field(value, "sa_family").number);
  if (family != AF_INET && family != AF_INET6) {  // AF_UNSPEC: only the family counts
    SocketAddress made;
    made.storage.ss_family = static_cast<sa_family_t>(family);
    made.length = sizeof(sockaddr_in);
    return made;
  }
  const auto port = static_cast<std::uint16_t>(field(value, "sin_port").number);
  return make_socket_address(family, parse_address(field(value, "sin_addr")), port);
}

std::string compare_socket_address(const Value& expected, const SocketAddress& came) {
  if (expected.kind != Value::Kind::fields) return {};
  const SocketAddress wanted = parse_socket_address(expected);
  const bool same = wanted.family() == came.family() && wanted.port() == came.port() &&
                    wanted.address() == came.address();
  if (same) return {};
  return fmt::format("the address is {}, expected {}",
                     told(came.family(), came.port(), came.address()),
                     told(wanted.family(), wanted.port(), wanted.address()));
}

}  // namespace sluice::script
