// Sockets come, are named, connected and closed.
#include <algorithm>

#include "tests/scripts/runner/calls.hpp"
#include "tests/scripts/runner/socket_address.hpp"

namespace sluice::script {
namespace {

int default_family(const World& world) {
  return world.settings.ip_version == IpVersion::v4 ? AF_INET : AF_INET6;
}

int family_of(World& world, int handle) {
  int family = default_family(world);
  socklen_t length = sizeof family;
  sluice_getsockopt(world.stack.get(), handle, SOL_SOCKET, SO_DOMAIN, &family, &length);
  return family;
}

using NameCall = int (*)(sluice_stack*, int, sockaddr*, socklen_t*);

std::optional<SocketAddress> name_of(World& world, int handle, NameCall call) {
  SocketAddress address;
  address.length = sizeof address.storage;
  if (call(world.stack.get(), handle, address.get(), &address.length) != 0) return std::nullopt;
  return address;
}

// The address and its length that a call is given, the stack's own idea of `...` being `otherwise`.
SocketAddress address_argument(const Arguments& arguments, const SocketAddress& otherwise) {
  const Value& value = arguments.at(1);
  SocketAddress address = value.is_any() ? otherwise : parse_socket_address(value);
  if (!arguments.at(2).is_any()) address.length = static_cast<socklen_t>(arguments.number(2));
  return address;
}

// The socket gets the number that the script expects.
Outcome adopt(World& world, const Arguments& arguments, int handle, bool is_stream) {
  if (handle < 0) return {handle, handle == -EAGAIN, {}};
  const Value& wanted = arguments.result();
  const bool fits = wanted.kind == Value::Kind::number && wanted.number >= 0;
  const auto number = fits ? static_cast<int>(wanted.number) : -1;
  if (!fits || world.descriptors.contains(number)) {
    sluice_close(world.stack.get(), handle);
    return {handle, false, fits ? "the script has a socket of that number" : ""};
  }
  world.descriptors[number] = Descriptor{handle, is_stream, false, {}, 0};
  return {wanted.number, false, {}};
}

Outcome call_name(World& world, const Arguments& arguments, NameCall call) {
  SocketAddress address;
  address.length = sizeof address.storage;
  const int result = call(world.stack.get(), arguments.handle(0), address.get(), &address.length);
  if (result != 0) return {result, false, {}};
  return {0, false, compare_socket_address(arguments.at(1), address)};
}

}  // namespace

const Endpoints* ends_of(World& world, Descriptor& descriptor) {
  if (descriptor.ends) return &*descriptor.ends;
  const auto local = name_of(world, descriptor.handle, sluice_getsockname);
  const auto remote = name_of(world, descriptor.handle, sluice_getpeername);
  if (!local || !remote) return nullptr;
  descriptor.ends = Endpoints{local->address(), remote->address(), local->port(), remote->port()};
  return &*descriptor.ends;
}

Outcome call_socket(World& world, const Arguments& arguments) {
  const int family = arguments.at(0).is_any() ? default_family(world) : arguments.small(0);
  const int type = arguments.small(1);
  const int handle = sluice_socket(world.stack.get(), family, type, arguments.small(2));
  const Outcome outcome =
      adopt(world, arguments, handle, (type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) == SOCK_STREAM);
  if ((type & SOCK_NONBLOCK) != 0 && outcome.result >= 0 && handle >= 0) {
    world.descriptors[static_cast<int>(outcome.result)].nonblocking = true;
  }
  return outcome;
}

Outcome call_bind(World& world, const Arguments& arguments) {
  const int handle = arguments.handle(0);
  const int family = family_of(world, handle);
  // Any address: for an AF_INET6 socket that is ::, of which the mapped 0.0.0.0 is none.
  const IpAddress any = family == AF_INET ? IpAddress::v4(0) : IpAddress();
  const SocketAddress address =
      address_argument(arguments, make_socket_address(family, any, world.settings.bind_port));
  const int result = sluice_bind(world.stack.get(), handle, address.get(), address.length);
  if (result == 0) {
    Endpoints ends = world.flows.current();
    if (const auto bound = name_of(world, handle, sluice_getsockname)) {
      ends.local_port = bound->port();
    }
    world.flows.set_current(ends);
  }
  return {result, false, {}};
}

Outcome call_listen(World& world, const Arguments& arguments) {
  return {sluice_listen(world.stack.get(), arguments.handle(0), arguments.small(1)), false, {}};
}

Outcome call_accept(World& world, const Arguments& arguments) {
  SocketAddress address;
  address.length = sizeof address.storage;
  const int handle =
      sluice_accept(world.stack.get(), arguments.handle(0), address.get(), &address.length);
  Outcome outcome = adopt(world, arguments, handle, true);
  if (handle < 0 || !outcome.wrong.empty()) return outcome;
  world.connections.push_front(static_cast<int>(outcome.result));
  outcome.wrong = compare_socket_address(arguments.at(1), address);
  return outcome;
}

Outcome call_connect(World& world, const Arguments& arguments) {
  const int handle = arguments.handle(0);
  const SocketAddress address = address_argument(
      arguments, make_socket_address(family_of(world, handle), world.settings.remote,
                                     world.settings.connect_port));
  const int result = sluice_connect(world.stack.get(), handle, address.get(), address.length);
  const bool again = result == -EINPROGRESS || result == -EALREADY;
  const auto local = name_of(world, handle, sluice_getsockname);
  if ((result == 0 || result == -EINPROGRESS) && local) {
    const Endpoints ends{world.settings.local, address.address(), local->port(), address.port()};
    world.flows.set_current(ends);
    if (result != 0) world.flows.of(ends).may_begin_anew();
    auto& connections = world.connections;
    const int number = arguments.descriptor_number(0);
    connections.erase(std::remove(connections.begin(), connections.end(), number),
                      connections.end());
    connections.push_front(number);
  }
  return {result, again, {}};
}

Outcome call_shutdown(World& world, const Arguments& arguments) {
  return {sluice_shutdown(world.stack.get(), arguments.handle(0), arguments.small(1)), false, {}};
}

Outcome call_close(World& world, const Arguments& arguments) {
  const int number = arguments.descriptor_number(0);
  const int result = sluice_close(world.stack.get(), arguments.handle(0));
  world.descriptors.erase(number);
  auto& connections = world.connections;
  connections.erase(std::remove(connections.begin(), connections.end(), number), connections.end());
  return {result, false, {}};
}

Outcome call_getsockname(World& world, const Arguments& arguments) {
  return call_name(world, arguments, sluice_getsockname);
}

Outcome call_getpeername(World& world, const Arguments& arguments) {
  return call_name(world, arguments, sluice_getpeername);
}

}  // namespace sluice::script
