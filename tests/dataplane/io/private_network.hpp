// Each test in a network namespace of its own: nothing here touches the machine's network.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "dataplane/io/tun.hpp"

namespace sluice::io {

// The test's thread, and the threads that it starts, leave for a new namespace; nobody returns.
class PrivateNetwork : public testing::Test {
 protected:
  void SetUp() override {
    if (unshare(CLONE_NEWNET) != 0) {
      GTEST_SKIP() << "no network namespace of our own: " << std::strerror(errno);
    }
    const UniqueFd device(open("/dev/net/tun", O_RDWR | O_CLOEXEC));
    if (!device) GTEST_SKIP() << "no /dev/net/tun: " << std::strerror(errno);
  }
};

// What `action` has to say to a person.
template <typename Action>
std::string error_of(Action action) {
  try {
    action();
  } catch (const TunError& error) {
    return error.what();
  }
  return "(no error)";
}

}  // namespace sluice::io
