#include "dataplane/io/network_namespace.hpp"

#include <gmock/gmock.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <thread>

#include "dataplane/io/netlink.hpp"
#include "tests/dataplane/io/private_network.hpp"

namespace sluice::io {
namespace {

using testing::AnyOf;
using testing::HasSubstr;

// Which network namespace the calling thread is in.
ino_t here() {
  struct stat status {};
  EXPECT_EQ(stat("/proc/thread-self/ns/net", &status), 0);
  return status.st_ino;
}

bool exists(const char* path) {
  return access(path, F_OK) == 0;
}

// Of the calling thread's namespace; '?' where it cannot be read.
char setting(const char* path) {
  const UniqueFd file(open(path, O_RDONLY | O_CLOEXEC));
  char value = '?';
  if (file && read(file.get(), &value, 1) != 1) value = '?';
  return value;
}

char forwards_v4() {
  return setting("/proc/sys/net/ipv4/ip_forward");
}

char forwards_v6() {
  return setting("/proc/sys/net/ipv6/conf/all/forwarding");
}

// With a /run of the test's own, which nobody else sees.
class NetworkNamespaceTest : public PrivateNetwork {
 protected:
  void SetUp() override {
    PrivateNetwork::SetUp();
    if (IsSkipped()) return;
    if (unshare(CLONE_NEWNS) != 0 || mount("", "/", "none", MS_PRIVATE | MS_REC, nullptr) != 0 ||
        mount("none", "/run", "tmpfs", 0, nullptr) != 0) {
      GTEST_SKIP() << "no /run of our own: " << std::strerror(errno);
    }
  }
};

TEST_F(NetworkNamespaceTest, MakesOneAndRemovesIt) {
  const ino_t before = here();
  {
    const NetworkNamespace made("sluice-test");
    EXPECT_TRUE(made.made());
    EXPECT_NE(here(), before);
    EXPECT_TRUE(netlink::read_link("lo").up);
    struct stat status {};
    ASSERT_EQ(stat("/run/netns/sluice-test", &status), 0);
    EXPECT_EQ(status.st_ino, here());
  }
  EXPECT_EQ(here(), before);
  EXPECT_FALSE(exists("/run/netns/sluice-test"));
}

TEST_F(NetworkNamespaceTest, OnlyOneThatItMadeForwards) {
  ASSERT_EQ(forwards_v4(), '0');
  if (access("/proc/sys/net/ipv4/ip_forward", W_OK) != 0) GTEST_SKIP() << "it is read-only";
  {
    const NetworkNamespace made("sluice-test");
    EXPECT_EQ(forwards_v4(), '1');
    EXPECT_THAT(forwards_v6(), AnyOf('1', '?'));
  }
  EXPECT_EQ(forwards_v4(), '0') << "not where we came from";
}

TEST_F(NetworkNamespaceTest, OneThatExistsIsLeftAsItIs) {
  const NetworkNamespace made("sluice-test");
  const UniqueFd file(open("/proc/sys/net/ipv4/ip_forward", O_WRONLY | O_CLOEXEC));
  if (!file || write(file.get(), "0", 1) != 1) GTEST_SKIP() << "it is read-only";
  std::thread([] {
    const NetworkNamespace entered("sluice-test");
    EXPECT_EQ(forwards_v4(), '0');
  }).join();
}

TEST_F(NetworkNamespaceTest, EntersOneThatExistsAndLeavesItThere) {
  const NetworkNamespace made("sluice-test");
  const ino_t inside = here();
  std::thread([&] {
    ASSERT_EQ(unshare(CLONE_NEWNET), 0);
    const ino_t outside = here();
    {
      const NetworkNamespace entered("sluice-test");
      EXPECT_FALSE(entered.made());
      EXPECT_EQ(here(), inside);
    }
    EXPECT_EQ(here(), outside);
  }).join();
  EXPECT_TRUE(exists("/run/netns/sluice-test"));
}

TEST_F(NetworkNamespaceTest, ThreadsStartedInsideAreInside) {
  const NetworkNamespace made("sluice-test");
  const ino_t inside = here();
  std::thread([&] { EXPECT_EQ(here(), inside); }).join();
}

TEST_F(NetworkNamespaceTest, MakesSeveralAndAgain) {
  for (int i = 0; i < 3; ++i) {
    const NetworkNamespace first("sluice-a");
    const NetworkNamespace second("sluice-b");
    EXPECT_TRUE(first.made() && second.made());
  }
}

TEST_F(NetworkNamespaceTest, NamesTheBadName) {
  for (const std::string& name : {std::string(), std::string("."), std::string(".."),
                                  std::string("a/b"), std::string(256, 'x')}) {
    EXPECT_THAT(error_of([&] { NetworkNamespace bad(name); }),
                HasSubstr("'" + name + "' is no name for a network namespace"));
  }
}

TEST_F(NetworkNamespaceTest, SaysThatAFileIsNoNamespace) {
  const ino_t before = here();
  ASSERT_EQ(mkdir("/run/netns", 0755), 0);
  const UniqueFd file(open("/run/netns/stale", O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  EXPECT_THAT(error_of([] { NetworkNamespace stale("stale"); }),
              HasSubstr("/run/netns/stale is no network namespace"));
  EXPECT_EQ(here(), before);
  EXPECT_TRUE(exists("/run/netns/stale"));
}

}  // namespace
}  // namespace sluice::io
