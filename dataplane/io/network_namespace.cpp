#include "dataplane/io/network_namespace.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <system_error>

#include "dataplane/io/forwarding.hpp"
#include "dataplane/io/netlink.hpp"

namespace sluice::io {
namespace {

constexpr const char* kDirectory = "/run/netns";               // where `ip netns` looks
constexpr const char* kOfThread = "/proc/thread-self/ns/net";  // /proc/self would be main's
constexpr std::size_t kMaxName = 255;                          // of a file

[[noreturn]] void fail(const std::string& what, int error) {
  std::string line = "cannot " + what + ": " + std::generic_category().message(error);
  if (error == EPERM || error == EACCES) {
    line += " (it needs root, or a private namespace: unshare -Urnm)";
  }
  throw TunError(line);
}

void check_name(const std::string& name) {
  const bool bad = name.empty() || name.size() > kMaxName || name == "." || name == ".." ||
                   name.find('/') != std::string::npos || name.find('\0') != std::string::npos;
  if (bad) {
    throw TunError("'" + name + "' is no name for a network namespace: give 1 to " +
                   std::to_string(kMaxName) + " characters without '/'");
  }
}

// As iproute2 does: a shared mount, so that a namespace made here is seen, and its removal here is
// felt, in every mount namespace of the machine.
void prepare_directory() {
  if (mkdir(kDirectory, 0755) != 0 && errno != EEXIST) fail("make /run/netns", errno);
  if (mount("", kDirectory, "none", MS_SHARED | MS_REC, nullptr) == 0) return;
  if (errno != EINVAL) fail("share /run/netns", errno);
  // No mount point yet: make it one.
  if (mount(kDirectory, kDirectory, "none", MS_BIND | MS_REC, nullptr) != 0 ||
      mount("", kDirectory, "none", MS_SHARED | MS_REC, nullptr) != 0) {
    fail("share /run/netns", errno);
  }
}

}  // namespace

NetworkNamespace::NetworkNamespace(const std::string& name) {
  check_name(name);
  path_ = std::string(kDirectory) + "/" + name;
  former_ = UniqueFd(::open(kOfThread, O_RDONLY | O_CLOEXEC));
  if (!former_) fail("open " + std::string(kOfThread), errno);
  struct stat status {};
  if (stat(path_.c_str(), &status) == 0) {
    enter(name);
  } else {
    make(name);
  }
}

NetworkNamespace::~NetworkNamespace() {
  leave();
}

void NetworkNamespace::enter(const std::string& name) {
  const UniqueFd target(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  if (!target) fail("open network namespace " + name, errno);
  if (setns(target.get(), CLONE_NEWNET) == 0) return;
  if (errno == EINVAL) {
    throw TunError(path_ + " is no network namespace: remove it with `ip netns delete " + name +
                   "`, or choose another name");
  }
  fail("enter network namespace " + name, errno);
}

void NetworkNamespace::make(const std::string& name) {
  prepare_directory();
  {
    const UniqueFd place(::open(path_.c_str(), O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0));
    if (!place) fail("make " + path_, errno);
  }
  made_ = true;
  try {
    if (unshare(CLONE_NEWNET) != 0) fail("make network namespace " + name, errno);
    if (mount(kOfThread, path_.c_str(), "none", MS_BIND, nullptr) != 0) {
      fail("name network namespace " + name, errno);
    }
    netlink::set_up("lo");
    try_forwarding();
  } catch (const std::system_error& error) {
    leave();
    fail("bring up loopback in network namespace " + name, error.code().value());
  } catch (...) {
    leave();
    throw;
  }
}

// A failure is not reported: there is nobody left to act on it.
void NetworkNamespace::leave() {
  setns(former_.get(), CLONE_NEWNET);
  if (!made_) return;
  umount2(path_.c_str(), MNT_DETACH);
  unlink(path_.c_str());
}

}  // namespace sluice::io
