#include "dataplane/io/permission.hpp"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "dataplane/io/tun.hpp"

namespace sluice::io {
namespace {

constexpr const char* kHow = ": run as root, or in a private network (unshare -Urn)";
constexpr unsigned kNobody = 65534;

bool has_net_admin() {
  __user_cap_header_struct header{};
  header.version = _LINUX_CAPABILITY_VERSION_3;
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};
  if (syscall(SYS_capget, &header, sets.data()) != 0) return false;
  return (sets[0].effective & (1U << CAP_NET_ADMIN)) != 0;
}

// Capabilities count only in networks that belong to our user namespace, or to one below it.
bool owns_network() {
  const UniqueFd network(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  if (!network) return true;  // without /proc there is no telling
  const UniqueFd owner(ioctl(network.get(), NS_GET_USERNS));
  return owner || errno != EPERM;
}

// In the child process, as somebody who is not root where that is possible; the exit status is the
// errno. Only system calls: other threads of the parent may have held any lock.
[[noreturn]] void try_user_namespace() {
  syscall(SYS_setgroups, 0, nullptr);
  syscall(SYS_setresgid, kNobody, kNobody, kNobody);
  syscall(SYS_setresuid, kNobody, kNobody, kNobody);
  const int result = unshare(CLONE_NEWUSER | CLONE_NEWNET);
  _exit(result == 0 ? 0 : errno);
}

std::string explain_user_namespace(int error) {
  std::string line = std::generic_category().message(error);
  if (error == EPERM) {
    return line +
           ": root can allow it (sysctl kernel.unprivileged_userns_clone=1, or "
           "kernel.apparmor_restrict_unprivileged_userns=0); in a container its seccomp profile";
  }
  if (error == ENOSPC) return line + ": root can allow it (sysctl user.max_user_namespaces=1000)";
  return line;
}

}  // namespace

std::string why_no_device() {
  if (!has_net_admin()) return std::string("CAP_NET_ADMIN is missing") + kHow;
  if (!owns_network()) return std::string("this network belongs to another user namespace") + kHow;
  return {};
}

std::string why_no_user_namespace() {
  const pid_t child = fork();
  if (child == 0) try_user_namespace();
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status)) {
    return "cannot start a process to try it";
  }
  return WEXITSTATUS(status) == 0 ? "" : explain_user_namespace(WEXITSTATUS(status));
}

PrivateNetwork enter_private_network() {
  if (unshare(CLONE_NEWNET) == 0) return PrivateNetwork::network;
  if (unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0) return PrivateNetwork::user_and_network;
  return PrivateNetwork::none;
}

}  // namespace sluice::io
