#include "dataplane/io/tun.hpp"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "dataplane/io/netlink.hpp"
#include "proto/wire/virtio_net.hpp"

namespace sluice::io {
namespace {

constexpr std::uint32_t kMaxQueues = 256;  // MAX_TAP_QUEUES of the kernel
constexpr unsigned kFlags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR;
constexpr const char* kPermission =
    " (it needs root or CAP_NET_ADMIN, or a private network namespace: unshare -Urn)";

std::string reason(int error) {
  return ": " + std::generic_category().message(error);
}

bool is_permission(int error) {
  return error == EPERM || error == EACCES;
}

void check_name(const std::string& name) {
  // The kernel's dev_valid_name, and '%', which would make it number the device itself.
  constexpr const char* kForbidden = "/:% \t\n\v\f\r";
  const bool bad = name.empty() || name.size() > kMaxInterfaceName || name == "." || name == ".." ||
                   name.find_first_of(kForbidden) != std::string::npos ||
                   name.find('\0') != std::string::npos;
  if (bad) {
    throw TunError("'" + name + "' is no device name: give 1 to " +
                   std::to_string(kMaxInterfaceName) +
                   " characters without '/', ':', '%' or space");
  }
}

TunError taken(const std::string& name) {
  return TunError("device " + name + " is taken: choose another with --tun");
}

ifreq request_for(const std::string& name, unsigned flags) {
  ifreq request{};
  std::memcpy(request.ifr_name, name.data(), name.size());
  request.ifr_flags = static_cast<short>(flags);
  return request;
}

UniqueFd open_queue(const std::string& name, unsigned flags) {
  UniqueFd fd = open_tun_driver();
  ifreq request = request_for(name, flags);
  if (ioctl(fd.get(), TUNSETIFF, &request) != 0) {
    const int error = errno;
    if (error == EBUSY || error == EEXIST) throw taken(name);
    throw TunError("cannot make device " + name + reason(error) +
                   (is_permission(error) ? kPermission : ""));
  }
  int header = wire::kVirtioNetHeaderSize;
  if (ioctl(fd.get(), TUNSETVNETHDRSZ, &header) != 0) {
    throw TunError("cannot set the virtio_net header of device " + name + reason(errno));
  }
  return fd;
}

// The name of the device that `fd` is a queue of; throws when we could not use it.
std::string check_adopted(int fd) {
  const std::string who = "descriptor " + std::to_string(fd);
  ifreq request{};
  if (ioctl(fd, TUNGETIFF, &request) != 0) {
    throw TunError(who + " is no queue of a TUN device" + reason(errno));
  }
  const auto flags = static_cast<unsigned>(request.ifr_flags) & 0xffffU;
  if ((flags & TUN_TYPE_MASK) != IFF_TUN) throw TunError(who + " is a TAP queue: sluice needs TUN");
  if ((flags & kFlags) != kFlags || (flags & IFF_DETACH_QUEUE) != 0) {
    throw TunError(who + " must be an attached queue, opened with IFF_NO_PI and IFF_VNET_HDR");
  }
  int header = 0;
  if (ioctl(fd, TUNGETVNETHDRSZ, &header) != 0 || header != wire::kVirtioNetHeaderSize) {
    throw TunError(who + " has a virtio_net header of " + std::to_string(header) +
                   " bytes: set it to 10 (TUNSETVNETHDRSZ)");
  }
  return {request.ifr_name, strnlen(request.ifr_name, sizeof request.ifr_name)};
}

UniqueFd duplicate(int fd) {
  UniqueFd copy(fcntl(fd, F_DUPFD_CLOEXEC, 0));
  const int status = fcntl(fd, F_GETFL);
  if (!copy || status < 0 || fcntl(copy.get(), F_SETFL, status | O_NONBLOCK) < 0) {
    throw TunError("cannot take over descriptor " + std::to_string(fd) + reason(errno));
  }
  return copy;
}

unsigned bits_of(const Offloads& offloads) {
  return (offloads.checksum ? kOffloadChecksum : 0U) |
         (offloads.tso ? kOffloadTso4 | kOffloadTso6 : 0U) |
         (offloads.uso ? kOffloadUso4 | kOffloadUso6 : 0U);
}

// What of `wanted` to ask for, best first. The kernel refuses a whole set with EINVAL when it does
// not know one bit of it; super-segments without the checksum are refused, too.
std::array<Offloads, 5> offload_choices(const Offloads& wanted) {
  const bool checksum = wanted.checksum || wanted.tso || wanted.uso;
  return {{{.checksum = checksum, .tso = wanted.tso, .uso = wanted.uso},
           {.checksum = checksum, .tso = wanted.tso, .uso = false},
           {.checksum = checksum, .tso = false, .uso = wanted.uso},
           {.checksum = checksum, .tso = false, .uso = false},
           {.checksum = false, .tso = false, .uso = false}}};
}

// Runs a request of netlink and says in one line what went wrong with `what`. The kernel's reasons
// are few words: `advice` follows when it is not simply the permission that is missing.
template <typename Request>
auto ask_kernel(const std::string& what, const std::string& advice, Request request) {
  try {
    return request();
  } catch (const std::system_error& error) {
    const int code = error.code().value();
    throw TunError("cannot " + what + reason(code) +
                   (advice.empty() && is_permission(code) ? kPermission : advice));
  }
}

}  // namespace

UniqueFd& UniqueFd::operator=(UniqueFd&& other) noexcept {
  UniqueFd old(std::exchange(fd_, other.release()));
  return *this;
}

UniqueFd::~UniqueFd() {
  if (fd_ >= 0) close(fd_);
}

int UniqueFd::release() {
  return std::exchange(fd_, -1);
}

UniqueFd open_tun_driver() {
  UniqueFd fd(::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (fd) return fd;
  const int error = errno;
  std::string line = "cannot open /dev/net/tun" + reason(error);
  if (error == EACCES) {
    line += " (run as root; or root lets everybody in: chmod 0666 /dev/net/tun)";
  } else if (error == EPERM) {
    line += " (run as root; a container needs --device /dev/net/tun)";
  } else if (error == ENOENT || error == ENODEV || error == ENXIO) {
    line += " (load the driver with `modprobe tun`; a container needs --device /dev/net/tun)";
  }
  throw TunError(line);
}

Tun Tun::open(const std::string& name, std::uint32_t queues) {
  check_name(name);
  if (queues == 0 || queues > kMaxQueues) {
    throw TunError("cannot make device " + name + " with " + std::to_string(queues) +
                   " queues (a TUN device has 1 to " + std::to_string(kMaxQueues) + ")");
  }
  // IFF_TUN_EXCL refuses a TUN device of this name, but only after the kernel has looked at the
  // rest: ask first, so that a device of any kind gives the same answer.
  if (if_nametoindex(name.c_str()) != 0) throw taken(name);
  const unsigned flags = kFlags | (queues > 1 ? IFF_MULTI_QUEUE : 0U);
  Tun tun;
  tun.name_ = name;
  tun.descriptors_.push_back(open_queue(name, flags | IFF_TUN_EXCL));
  while (tun.queues() < queues) tun.descriptors_.push_back(open_queue(name, flags));
  return tun;
}

Tun Tun::adopt(const std::vector<int>& descriptors) {
  if (descriptors.empty()) throw TunError("no descriptor of a TUN queue was given");
  Tun tun;
  for (const int fd : descriptors) {
    const std::string name = check_adopted(fd);
    if (tun.name_.empty()) tun.name_ = name;
    if (name != tun.name_) {
      throw TunError("descriptor " + std::to_string(fd) + " is a queue of " + name + ", not of " +
                     tun.name_ + ": all must be of one device");
    }
    tun.descriptors_.push_back(duplicate(fd));
  }
  return tun;
}

Offloads Tun::set_offloads(const Offloads& wanted) {
  for (const Offloads& choice : offload_choices(wanted)) {
    const unsigned bits = bits_of(choice);
    if ((choice.tso && try_offload_bits(bits | kOffloadTsoEcn)) || try_offload_bits(bits)) {
      return choice;
    }
  }
  throw TunError("cannot set the offloads of " + name_ + reason(errno));
}

bool Tun::try_offload_bits(unsigned bits) {
  return ioctl(descriptor(0), TUNSETOFFLOAD, static_cast<unsigned long>(bits)) == 0;
}

void Tun::set_mtu(std::uint32_t mtu) {
  const bool in_range = mtu >= kMinMtu && mtu <= kMaxMtu;
  ask_kernel("set MTU " + std::to_string(mtu) + " on " + name_,
             in_range ? ""
                      : " (the device takes " + std::to_string(kMinMtu) + " to " +
                            std::to_string(kMaxMtu) + ")",
             [&] { netlink::set_mtu(name_, mtu); });
}

void Tun::set_queue_length(std::uint32_t packets) {
  const bool in_range = packets >= 1 && packets <= kMaxQueueLength;
  ask_kernel("set queue length " + std::to_string(packets) + " on " + name_,
             in_range ? "" : " (the device takes 1 to " + std::to_string(kMaxQueueLength) + ")",
             [&] {
               // The kernel would take zero, and from then on drop every packet to us.
               if (packets == 0) throw std::system_error(EINVAL, std::generic_category());
               netlink::set_queue_length(name_, packets);
             });
}

void Tun::add_address(const Cidr& address) {
  ask_kernel(
      "add address " + address.to_string() + " to " + name_,
      address.address.is_v4() ? "" : " (IPv6 needs an MTU of 1280, and must not be disabled)",
      [&] { netlink::add_address(name_, address); });
}

void Tun::set_up() {
  ask_kernel("bring up " + name_, "", [&] { netlink::set_up(name_); });
}

std::uint32_t Tun::mtu() const {
  return ask_kernel("read the MTU of " + name_, "", [&] { return netlink::read_link(name_).mtu; });
}

std::uint64_t Tun::tx_dropped() const {
  return ask_kernel("read the counters of " + name_, "",
                    [&] { return netlink::read_link(name_).tx_dropped; });
}

}  // namespace sluice::io
