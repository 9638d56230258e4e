#include "dataplane/sockets/socket_address.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstring>

#include "proto/base/bytes.hpp"

namespace sluice::sockets {
namespace {

// RFC 2133's struct ended before sin6_scope_id; Linux takes it to this day.
constexpr socklen_t kShortestV6 = offsetof(sockaddr_in6, sin6_scope_id);

std::uint16_t swapped(std::uint16_t value) {
  return __builtin_bswap16(value);
}

sa_family_t family_of(const sockaddr* given) {
  sa_family_t family;
  std::memcpy(&family, &given->sa_family, sizeof family);
  return family;
}

int read_v4(const sockaddr* given, socklen_t length, SocketAddress& read) {
  sockaddr_in in;
  if (length < sizeof in) return -EINVAL;
  if (family_of(given) != AF_INET) return -EAFNOSUPPORT;
  std::memcpy(&in, given, sizeof in);
  read.address = IpAddress::v4(__builtin_bswap32(in.sin_addr.s_addr));
  read.port = swapped(in.sin_port);
  return 0;
}

int read_v6(const sockaddr* given, socklen_t length, SocketAddress& read) {
  sockaddr_in6 in{};
  if (length < kShortestV6) return -EINVAL;
  if (family_of(given) != AF_INET6) return -EAFNOSUPPORT;
  std::memcpy(&in, given, std::min<std::size_t>(length, sizeof in));
  read.address = IpAddress::v6(std::span<const std::uint8_t, 16>(in.sin6_addr.s6_addr, 16));
  read.port = swapped(in.sin6_port);
  return 0;
}

int write_bytes(const void* from, std::size_t size, sockaddr* to, socklen_t* length) {
  std::memcpy(to, from, std::min<std::size_t>(size, *length));
  *length = static_cast<socklen_t>(size);
  return 0;
}

}  // namespace

int read_address(const sockaddr* given, socklen_t length, const AddressForm& form,
                 SocketAddress& read) {
  if (given == nullptr || length < sizeof(sa_family_t)) return -EINVAL;
  return form.is_v6 ? read_v6(given, length, read) : read_v4(given, length, read);
}

bool is_unspecified_family(const sockaddr* given, socklen_t length) {
  return given != nullptr && length >= sizeof(sa_family_t) && family_of(given) == AF_UNSPEC;
}

int write_address(const SocketAddress& address, const AddressForm& form, sockaddr* to,
                  socklen_t* length) {
  if (to == nullptr || length == nullptr || *length > INT_MAX) return -EINVAL;
  if (!form.is_v6) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = swapped(address.port);
    in.sin_addr.s_addr = __builtin_bswap32(address.address.v4_bits());
    return write_bytes(&in, sizeof in, to, length);
  }
  sockaddr_in6 in{};
  in.sin6_family = AF_INET6;
  in.sin6_port = swapped(address.port);
  std::memcpy(in.sin6_addr.s6_addr, address.address.bytes().data(), 16);
  return write_bytes(&in, sizeof in, to, length);
}

}  // namespace sluice::sockets
