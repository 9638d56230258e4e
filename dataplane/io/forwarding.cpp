#include "dataplane/io/forwarding.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "dataplane/io/tun.hpp"

namespace sluice::io {
namespace {

constexpr const char* kV4 = "/proc/sys/net/ipv4/ip_forward";
constexpr const char* kV6 = "/proc/sys/net/ipv6/conf/all/forwarding";

bool switch_on(const char* path) {
  const UniqueFd file(::open(path, O_WRONLY | O_CLOEXEC));
  return file && ::write(file.get(), "1", 1) == 1;
}

}  // namespace

bool try_forwarding() {
  const bool has_v6 = access(kV6, F_OK) == 0;
  const bool v4 = switch_on(kV4);
  return (!has_v6 || switch_on(kV6)) && v4;
}

}  // namespace sluice::io
