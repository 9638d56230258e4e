// Which addresses and ports are ours: LocalAddresses, ListenerTable, pick_port.
#include <gtest/gtest.h>

#include <set>

#include "dataplane/shard/listener_table.hpp"
#include "dataplane/shard/local_addresses.hpp"
#include "dataplane/shard/port_picker.hpp"

namespace sluice {
namespace {

IpAddress ip(std::string_view text) {
  return *IpAddress::parse(text);
}

LocalAddresses local(std::initializer_list<std::string_view> kernel_side) {
  std::vector<Cidr> sides;
  for (const std::string_view text : kernel_side) sides.push_back(*Cidr::parse(text));
  return LocalAddresses(std::move(sides));
}

TEST(LocalAddresses, AreTheNetworkWithoutTheKernelsOwn) {
  const LocalAddresses ours = local({"10.0.5.100/24", "fd05::100/64"});
  for (const char* yes : {"10.0.5.1", "10.0.5.101", "10.0.5.254", "fd05::1", "fd05::101",
                          "fd05::ffff:ffff:ffff:ffff"}) {
    EXPECT_TRUE(ours.contains(ip(yes))) << yes;
  }
  for (const char* no : {"10.0.5.100", "10.0.5.0", "10.0.5.255", "10.0.4.1", "10.0.6.1", "0.0.0.0",
                         "255.255.255.255", "fd05::100", "fd05::", "fd05:0:0:1::1", "::"}) {
    EXPECT_FALSE(ours.contains(ip(no))) << no;
  }
}

TEST(LocalAddresses, NobodyElseSpeaksFromTheNetworkButTheKernel) {  // RFC 9293 MUST-63
  const LocalAddresses ours = local({"10.0.5.100/24", "fd05::100/64", "10.0.5.77/32"});
  for (const char* yes : {"10.0.5.100", "fd05::100", "10.0.5.77", "10.0.4.255", "10.0.6.0",
                          "fd05:0:0:1::", "192.0.2.1"}) {
    EXPECT_TRUE(ours.may_be_peer(ip(yes))) << yes;
  }
  for (const char* no : {"10.0.5.0", "10.0.5.255", "10.0.5.1", "10.0.5.254", "fd05::", "fd05::1"}) {
    EXPECT_FALSE(ours.may_be_peer(ip(no))) << no;
  }
}

// RFC 1122 3.2.1.3 (g): those of the loopback stay inside of a host.
TEST(LocalAddresses, AnyIsEachThatNamesOneHost) {
  const LocalAddresses ours({}, {}, true);
  for (const char* yes : {"192.0.2.1", "10.0.5.255", "2001:db8::1", "fe80::1"}) {
    EXPECT_TRUE(ours.contains(ip(yes))) << yes;
  }
  for (const char* no : {"0.0.0.0", "255.255.255.255", "224.0.0.1", "127.0.0.1", "127.9.9.9",
                         "::", "::1", "ff02::1"}) {
    EXPECT_FALSE(ours.contains(ip(no))) << no;
  }
}

TEST(LocalAddresses, AnotherKernelAddressInTheSameNetworkIsNotOurs) {
  const LocalAddresses ours = local({"10.0.5.100/24", "10.0.5.101/24"});
  EXPECT_FALSE(ours.contains(ip("10.0.5.101")));
  EXPECT_EQ(ours.preferred(true), ip("10.0.5.102"));
}

TEST(LocalAddresses, PointToPointNetworksUseAllOfTheirs) {
  EXPECT_TRUE(local({"10.0.5.0/31"}).contains(ip("10.0.5.1")));
  EXPECT_TRUE(local({"10.0.5.1/31"}).contains(ip("10.0.5.0")));
  EXPECT_TRUE(local({"fd05::1/127"}).contains(ip("fd05::")));
  EXPECT_FALSE(local({"10.0.5.1/32"}).contains(ip("10.0.5.1")));
}

TEST(LocalAddresses, PreferTheOneAfterTheKernels) {
  EXPECT_EQ(local({"10.0.5.100/24"}).preferred(true), ip("10.0.5.101"));
  EXPECT_EQ(local({"10.0.5.254/24"}).preferred(true), ip("10.0.5.1")) << "wraps round";
  EXPECT_EQ(local({"10.0.5.1/31"}).preferred(true), ip("10.0.5.0"));
  EXPECT_EQ(local({"fd05::100/64"}).preferred(false), ip("fd05::101"));
  EXPECT_EQ(local({"fd05::ffff/64"}).preferred(false), ip("fd05::1:0"));
  EXPECT_EQ(local({"10.0.5.100/24"}).preferred(false), std::nullopt);
  EXPECT_EQ(local({"10.0.5.1/32"}).preferred(true), std::nullopt);
}

// --- listeners --------------------------------------------------------------------------------

ListenOptions options(std::uint16_t port, std::optional<IpAddress> address = {}) {
  ListenOptions made;
  made.port = port;
  made.address = address;
  return made;
}

std::unique_ptr<ListenerEntry> listener(const ListenOptions& wanted) {
  auto entry = std::make_unique<ListenerEntry>();
  entry->options = wanted;
  return entry;
}

TEST(ListenerTable, FindsTheExactAddressFirst) {
  ListenerTable table;
  table.add(listener(options(80)));
  table.add(listener(options(80, ip("10.0.5.7"))));
  table.add(listener(options(80, ip("fd05::7"))));
  table.add(listener(options(22, ip("10.0.5.7"))));
  EXPECT_EQ(table.find(ip("10.0.5.7"), 80)->options.address, ip("10.0.5.7"));
  EXPECT_EQ(table.find(ip("fd05::7"), 80)->options.address, ip("fd05::7"));
  EXPECT_EQ(table.find(ip("10.0.5.8"), 80)->options.address, std::nullopt);
  EXPECT_EQ(table.find(ip("10.0.5.8"), 22), nullptr);
  EXPECT_EQ(table.find(ip("10.0.5.7"), 81), nullptr);
  EXPECT_TRUE(table.uses_port(22));
  EXPECT_FALSE(table.uses_port(23));
}

TEST(ListenerTable, RemovesOnlyTheOneThatIsNamed) {
  ListenerTable table;
  table.add(listener(options(80)));
  table.add(listener(options(80, ip("10.0.5.7"))));
  table.remove(options(80));
  EXPECT_EQ(table.find(ip("10.0.5.8"), 80), nullptr);
  EXPECT_NE(table.find(ip("10.0.5.7"), 80), nullptr);
  table.remove(options(80, ip("10.0.5.9")));  // no such
  EXPECT_TRUE(table.uses_port(80));
  table.clear();
  EXPECT_FALSE(table.uses_port(80));
}

TEST(ListenerTable, StaysPutWhileOthersComeAndGo) {
  ListenerTable table;
  table.add(listener(options(500)));
  ListenerEntry* const entry = table.find(ip("10.0.5.7"), 500);
  for (std::uint16_t port = 1; port < 1000; ++port) {
    if (port != 500) table.add(listener(options(port)));
  }
  EXPECT_EQ(table.find(ip("10.0.5.7"), 500), entry);
}

// --- ports ------------------------------------------------------------------------------------

TEST(PickPort, FindsTheLastFreePort) {  // RFC 6056 R6056-1
  for (const std::uint16_t only :
       {std::uint16_t{1024}, std::uint16_t{40'000}, std::uint16_t{65'535}}) {
    Rng rng(only);
    EXPECT_EQ(pick_port(rng, PortRange(), [only](std::uint16_t port) { return port == only; }),
              only);
  }
  Rng rng(1);
  EXPECT_EQ(pick_port(rng, PortRange(), [](std::uint16_t) { return false; }), 0);
}

TEST(PickPort, SpreadsOverTheWholeRange) {  // RFC 6056 R6056-2
  Rng rng(3);
  std::set<std::uint16_t> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::uint16_t port = pick_port(rng, PortRange(), [](std::uint16_t) { return true; });
    EXPECT_GE(port, kFirstEphemeralPort);
    seen.insert(port);
  }
  EXPECT_GT(seen.size(), 980U);
  EXPECT_LT(*seen.begin(), 2000);
  EXPECT_GT(*seen.rbegin(), 64'000);
}

}  // namespace
}  // namespace sluice
