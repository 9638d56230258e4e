#include "dataplane/io/tun.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "dataplane/io/netlink.hpp"
#include "tests/dataplane/io/private_network.hpp"

namespace sluice::io {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class TunTest : public PrivateNetwork {};

// A queue as somebody else may open it.
UniqueFd foreign_queue(const char* name, int flags, int header_bytes = 10) {
  UniqueFd fd(::open("/dev/net/tun", O_RDWR | O_CLOEXEC));
  ifreq request{};
  std::strncpy(request.ifr_name, name, sizeof request.ifr_name - 1);
  request.ifr_flags = static_cast<short>(flags);
  EXPECT_EQ(ioctl(fd.get(), TUNSETIFF, &request), 0);
  if ((flags & IFF_VNET_HDR) != 0) ioctl(fd.get(), TUNSETVNETHDRSZ, &header_bytes);
  return fd;
}

TEST_F(TunTest, OpensTheDeviceAndItGoesWithTheLastQueue) {
  {
    const Tun tun = Tun::open("tun1", 1);
    EXPECT_EQ(tun.name(), "tun1");
    EXPECT_EQ(tun.queues(), 1U);
    EXPECT_NE(if_nametoindex("tun1"), 0U);
    EXPECT_NE(fcntl(tun.descriptor(0), F_GETFL) & O_NONBLOCK, 0);
    EXPECT_NE(fcntl(tun.descriptor(0), F_GETFD) & FD_CLOEXEC, 0);
  }
  EXPECT_EQ(if_nametoindex("tun1"), 0U);
}

TEST_F(TunTest, OpensManyQueues) {
  const Tun tun = Tun::open("tun1", 4);
  EXPECT_EQ(tun.queues(), 4U);
  for (std::uint32_t i = 0; i < 4; ++i) EXPECT_GE(tun.descriptor(i), 0);
}

TEST_F(TunTest, SaysHowManyQueuesThereMayBe) {
  EXPECT_THAT(error_of([] { Tun::open("tun1", 0); }), HasSubstr("1 to 256"));
  EXPECT_THAT(error_of([] { Tun::open("tun1", 257); }), HasSubstr("257 queues"));
}

TEST_F(TunTest, SaysThatANameIsTaken) {
  const Tun first = Tun::open("tun1", 1);
  EXPECT_EQ(error_of([] { Tun::open("tun1", 1); }),
            "device tun1 is taken: choose another with --tun");
  EXPECT_EQ(error_of([] { Tun::open("lo", 1); }), "device lo is taken: choose another with --tun");
}

TEST_F(TunTest, DoesNotAttachToADeviceThatPersists) {
  UniqueFd owner = foreign_queue("tun1", IFF_TUN | IFF_NO_PI | IFF_VNET_HDR);
  ASSERT_EQ(ioctl(owner.get(), TUNSETPERSIST, 1), 0);
  owner = UniqueFd();
  EXPECT_THAT(error_of([] { Tun::open("tun1", 1); }), HasSubstr("is taken"));
}

TEST_F(TunTest, NamesTheBadName) {
  for (const std::string name : {"", "a/b", "a b", "tun%d", "a:b", ".", "..", "sixteen_letters_"}) {
    EXPECT_THAT(error_of([&] { Tun::open(name, 1); }), StartsWith("'" + name + "' is no device"));
  }
}

TEST_F(TunTest, TakesANameOfFifteenLetters) {
  const Tun tun = Tun::open("fifteen_letters", 2);
  EXPECT_NE(if_nametoindex("fifteen_letters"), 0U);
}

TEST_F(TunTest, AdoptsQueuesAndKeepsThem) {
  constexpr int kFlags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE;
  UniqueFd first = foreign_queue("tun7", kFlags);
  UniqueFd second = foreign_queue("tun7", kFlags);
  const Tun tun = Tun::adopt({first.get(), second.get()});
  EXPECT_EQ(tun.name(), "tun7");
  EXPECT_EQ(tun.queues(), 2U);
  EXPECT_NE(fcntl(tun.descriptor(1), F_GETFL) & O_NONBLOCK, 0);
  first = UniqueFd();
  second = UniqueFd();
  EXPECT_EQ(tun.mtu(), 1500U);
}

TEST_F(TunTest, RefusesToAdoptWhatItCannotUse) {
  const UniqueFd no_tun(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const UniqueFd tap = foreign_queue("tap1", IFF_TAP | IFF_NO_PI | IFF_VNET_HDR);
  const UniqueFd bare = foreign_queue("tun2", IFF_TUN | IFF_NO_PI);
  const UniqueFd long_header = foreign_queue("tun3", IFF_TUN | IFF_NO_PI | IFF_VNET_HDR, 12);
  const UniqueFd good = foreign_queue("tun4", IFF_TUN | IFF_NO_PI | IFF_VNET_HDR);
  const UniqueFd other = foreign_queue("tun5", IFF_TUN | IFF_NO_PI | IFF_VNET_HDR);
  EXPECT_THAT(error_of([&] { Tun::adopt({}); }), HasSubstr("no descriptor"));
  EXPECT_THAT(error_of([&] { Tun::adopt({-1}); }), HasSubstr("no queue of a TUN device"));
  EXPECT_THAT(error_of([&] { Tun::adopt({no_tun.get()}); }), HasSubstr("no queue of a TUN device"));
  EXPECT_THAT(error_of([&] { Tun::adopt({tap.get()}); }), HasSubstr("TAP"));
  EXPECT_THAT(error_of([&] { Tun::adopt({bare.get()}); }), HasSubstr("IFF_VNET_HDR"));
  EXPECT_THAT(error_of([&] { Tun::adopt({long_header.get()}); }), HasSubstr("12 bytes"));
  EXPECT_THAT(error_of([&] { Tun::adopt({good.get(), other.get()}); }), HasSubstr("one device"));
}

TEST_F(TunTest, SetsWhatCanBeReadBack) {
  Tun tun = Tun::open("tun1", 2);
  tun.set_mtu(9000);
  tun.set_queue_length(20000);
  EXPECT_FALSE(netlink::read_link("tun1").up);
  tun.set_up();
  const netlink::Link link = netlink::read_link("tun1");
  EXPECT_EQ(link.mtu, 9000U);
  EXPECT_EQ(link.queue_length, 20000U);
  EXPECT_TRUE(link.up);
  EXPECT_EQ(tun.mtu(), 9000U);
  EXPECT_EQ(tun.tx_dropped(), 0U);
}

TEST_F(TunTest, TakesTheLargestSettings) {
  Tun tun = Tun::open("tun1", 2);
  tun.set_mtu(kMaxMtu);
  tun.set_queue_length(kMaxQueueLength);
  EXPECT_EQ(tun.mtu(), kMaxMtu);
  EXPECT_EQ(netlink::read_link("tun1").queue_length, kMaxQueueLength);
}

TEST_F(TunTest, SaysWhyASettingIsRefused) {
  Tun tun = Tun::open("tun1", 1);
  EXPECT_EQ(error_of([&] { tun.set_mtu(70000); }),
            "cannot set MTU 70000 on tun1: Invalid argument (the device takes 68 to 65535)");
  EXPECT_THAT(error_of([&] { tun.set_mtu(67); }), HasSubstr("68 to 65535"));
  EXPECT_THAT(error_of([&] { tun.set_queue_length(0); }), HasSubstr("1 to 524288"));
  EXPECT_THAT(error_of([&] { tun.set_queue_length(kMaxQueueLength + 1); }),
              HasSubstr("1 to 524288"));
  tun.add_address(*Cidr::parse("10.77.0.1/24"));
  EXPECT_EQ(error_of([&] { tun.add_address(*Cidr::parse("10.77.0.1/24")); }),
            "cannot add address 10.77.0.1/24 to tun1: File exists");
}

TEST_F(TunTest, AddressesTakeEffectAtOnce) {
  Tun tun = Tun::open("tun1", 1);
  tun.add_address(*Cidr::parse("10.77.0.1/24"));
  tun.add_address(*Cidr::parse("10.78.0.1/31"));
  tun.set_up();
  const UniqueFd v4(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(0x0a4d0001);
  EXPECT_EQ(bind(v4.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);

  const std::string error = error_of([&] { tun.add_address(*Cidr::parse("fd00:77::1/64")); });
  if (error != "(no error)") GTEST_SKIP() << error;
  const UniqueFd v6(socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in6 address6{};
  address6.sin6_family = AF_INET6;
  const IpAddress ours = *IpAddress::parse("fd00:77::1");
  std::memcpy(&address6.sin6_addr, ours.bytes().data(), 16);
  // A tentative address cannot be bound.
  EXPECT_EQ(bind(v6.get(), reinterpret_cast<sockaddr*>(&address6), sizeof address6), 0);
}

TEST_F(TunTest, TakesTheOffloadsItIsAskedFor) {
  Tun tun = Tun::open("tun1", 2);
  constexpr Offloads kSegments{.checksum = true, .tso = true, .uso = false};
  constexpr Offloads kSums{.checksum = true, .tso = false, .uso = false};
  constexpr Offloads kNone{.checksum = false, .tso = false, .uso = false};
  EXPECT_EQ(tun.set_offloads(kSegments), kSegments);
  EXPECT_EQ(tun.set_offloads(kSums), kSums);
  EXPECT_EQ(tun.set_offloads(kNone), kNone);
  EXPECT_EQ(tun.set_offloads({.checksum = false, .tso = true, .uso = false}),
            kSegments);  // TSO is not to be had alone
}

TEST_F(TunTest, TakesUsoWhereTheKernelHasIt) {
  Tun tun = Tun::open("tun1", 1);
  const bool known = tun.try_offload_bits(kOffloadChecksum | kOffloadUso4 | kOffloadUso6);
  const Offloads all{.checksum = true, .tso = true, .uso = known};
  EXPECT_EQ(tun.set_offloads({.checksum = true, .tso = true, .uso = true}), all);
  const Offloads datagrams{.checksum = true, .tso = false, .uso = known};
  EXPECT_EQ(tun.set_offloads({.checksum = false, .tso = false, .uso = true}), datagrams);
  EXPECT_FALSE(tun.try_offload_bits(kOffloadChecksum | kOffloadUso4));  // one of the two
  EXPECT_FALSE(tun.try_offload_bits(kOffloadUso4 | kOffloadUso6));      // without the checksum
  EXPECT_FALSE(tun.try_offload_bits(kOffloadTso4));
}

TEST_F(TunTest, CountsWhatTheKernelDropped) {
  Tun tun = Tun::open("tun1", 1);
  tun.add_address(*Cidr::parse("10.77.0.1/24"));
  tun.set_queue_length(10);
  tun.set_up();
  const UniqueFd sender(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in peer{};
  peer.sin_family = AF_INET;
  peer.sin_port = htons(9000);
  peer.sin_addr.s_addr = htonl(0x0a4d0002);
  for (int i = 0; i < 50; ++i) {
    sendto(sender.get(), "x", 1, 0, reinterpret_cast<sockaddr*>(&peer), sizeof peer);
  }
  EXPECT_GE(tun.tx_dropped(), 40U);
}

}  // namespace
}  // namespace sluice::io
