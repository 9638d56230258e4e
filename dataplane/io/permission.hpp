// What the calling process is permitted to do with networks.
// Source: capabilities(7), user_namespaces(7), network_namespaces(7), ioctl_ns(2).
#pragma once

#include <cstdint>
#include <string>

namespace sluice::io {

// Why it may not make a network device where it is, and how it could, in one line; empty when it
// may. Makes none.
std::string why_no_device();

// Why an ordinary user may not make a user namespace with a network of its own; empty when one may.
// A child process tries it.
std::string why_no_user_namespace();

enum class PrivateNetwork : std::uint8_t {
  none,              // refused: nothing has changed
  network,           // a network namespace alone, with the permissions that it had
  user_and_network,  // in a user namespace of its own: an ordinary user's way
};

// Puts the calling process, which has one thread only, into a network that nobody else sees. There
// is no way back.
PrivateNetwork enter_private_network();

}  // namespace sluice::io
