#include <fcntl.h>
#include <gmock/gmock.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>

#include "dataplane/io/netlink.hpp"
#include "tests/dataplane/engine/engine_fixture.hpp"

namespace sluice {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class EngineLifecycle : public EngineTest {
 protected:
  EchoEvents echo_;
};

TEST_F(EngineLifecycle, StartsServesAndStops) {
  Engine engine(small_config());
  serve(engine, 7, echo_);
  EXPECT_FALSE(engine.is_running());
  engine.start();
  EXPECT_TRUE(engine.is_running());
  EXPECT_TRUE(echoes(kEngineSide, 7));
  engine.stop();
  EXPECT_FALSE(engine.is_running());
  EXPECT_EQ(if_nametoindex("tun1"), 0u);
  const EngineStats stats = engine.stats();
  EXPECT_EQ(stats.shard.accepted, 1u);
  EXPECT_EQ(stats.shard.closed, 1u);
  EXPECT_EQ(stats.shard.connections, 0u);
  EXPECT_EQ(stats.shard.bytes_in, 100'000u);
  EXPECT_EQ(stats.shard.bytes_out, 100'000u);
}

TEST_F(EngineLifecycle, RestartsTwentyTimesAndListenersComeBack) {
  Engine engine(small_config());
  serve(engine, 7, echo_);
  std::size_t descriptors = 0;
  for (int round = 1; round <= 20; ++round) {
    engine.start();
    ASSERT_TRUE(echoes(kEngineSide, 7, 10'000)) << round;
    engine.stop();
    if (round == 1) descriptors = open_descriptors();
  }
  EXPECT_EQ(open_descriptors(), descriptors);
  EXPECT_EQ(engine.stats().shard.accepted, 20u);  // counted since the engine was made
}

TEST_F(EngineLifecycle, EnginesThatComeAndGoLeaveNoDescriptor) {
  const auto live_once = [this] {
    Engine engine(small_config());
    serve(engine, 7, echo_);
    engine.start();
  };
  live_once();
  const std::size_t descriptors = open_descriptors();
  for (int round = 0; round < 5; ++round) live_once();
  EXPECT_EQ(open_descriptors(), descriptors);
}

TEST_F(EngineLifecycle, StoppingTwiceAndWithoutStartIsNothing) {
  Engine engine(small_config());
  engine.stop();
  engine.start();
  engine.stop();
  engine.stop();
  EXPECT_FALSE(engine.is_running());
}

TEST_F(EngineLifecycle, ASecondStartIsRefusedAndTheFirstGoesOn) {
  Engine engine(small_config());
  serve(engine, 7, echo_);
  engine.start();
  EXPECT_THAT(error_of([&] { engine.start(); }), HasSubstr("running already"));
  EXPECT_TRUE(echoes(kEngineSide, 7));
}

TEST_F(EngineLifecycle, FactsSayWhatStartFound) {
  Engine engine(small_config());
  engine.start();
  const Engine::Facts facts = engine.facts();
  EXPECT_EQ(facts.device, "tun1");
  EXPECT_EQ(facts.mtu, 1500u);
  EXPECT_TRUE(facts.tso);
  EXPECT_TRUE(facts.checksum);
  if (facts.backend == "io_uring") {
    EXPECT_THAT(facts.notes, IsEmpty());
  }
}

TEST_F(EngineLifecycle, ADeviceNameThatIsTakenIsNamedAndNothingStays) {
  Engine first(small_config());
  first.start();
  Engine second(small_config());
  const std::size_t descriptors = open_descriptors();
  EXPECT_THAT(error_of([&] { second.start(); }), HasSubstr("tun1 is taken"));
  EXPECT_FALSE(second.is_running());
  EXPECT_EQ(open_descriptors(), descriptors);
  first.stop();
  second.start();  // now it is free
  EXPECT_TRUE(second.is_running());
}

TEST_F(EngineLifecycle, ACpuThatIsNotThereFailsTheStartAndLeavesNoDevice) {
  Config config = small_config();
  config.pin = {1023};
  Engine engine(config);
  EXPECT_THAT(error_of([&] { engine.start(); }), HasSubstr("1023"));
  EXPECT_EQ(if_nametoindex("tun1"), 0u);
}

TEST_F(EngineLifecycle, TwoEnginesLiveInOneProcess) {
  Engine first(small_config());
  Config config = small_config();
  config.tun_name = "tun2";
  config.addresses = {*Cidr::parse("10.0.6.100/24")};
  Engine second(config);
  serve(first, 7, echo_);
  serve(second, 7, echo_);
  first.start();
  second.start();
  EXPECT_TRUE(echoes("10.0.5.101", 7));
  EXPECT_TRUE(echoes("10.0.6.101", 7));
  first.stop();
  EXPECT_TRUE(echoes("10.0.6.101", 7));
  EXPECT_EQ(first.stats().shard.accepted, 1u);
  EXPECT_EQ(second.stats().shard.accepted, 2u);
}

TEST_F(EngineLifecycle, EnginesTalkToEachOtherThroughTheKernel) {
  Engine server(small_config());
  Config config = small_config();
  config.tun_name = "tun2";
  config.addresses = {*Cidr::parse("10.0.6.100/24")};
  TalkingEvents talk(pattern_bytes(200'000));
  Engine client(config);
  const io::UniqueFd forward(open("/proc/sys/net/ipv4/ip_forward", O_WRONLY | O_CLOEXEC));
  if (!forward || write(forward.get(), "1", 1) != 1) GTEST_SKIP() << "no forwarding here";
  serve(server, 7, echo_);
  server.start();
  client.start();
  talk.closes_when_sent = true;
  ASSERT_TRUE(client.connect({*IpAddress::parse(kEngineSide), 7, {}}, talk));
  EXPECT_TRUE(talk.received.wait() == pattern_bytes(200'000));
  EXPECT_EQ(talk.closed.wait(), CloseReason::normal);
}

// The caller's own queue, as a service that hands descriptors to unprivileged programs has one.
io::UniqueFd open_foreign_tun(const char* name, int extra_flags = 0) {
  io::UniqueFd fd(open("/dev/net/tun", O_RDWR | O_CLOEXEC));
  ifreq request{};
  std::strcpy(request.ifr_name, name);
  request.ifr_flags = static_cast<short>(IFF_TUN | IFF_NO_PI | IFF_VNET_HDR | extra_flags);
  EXPECT_EQ(ioctl(fd.get(), TUNSETIFF, &request), 0);
  io::netlink::set_mtu(name, 1400);
  io::netlink::add_address(name, *Cidr::parse("10.0.5.100/24"));
  io::netlink::set_up(name);
  return fd;
}

TEST_F(EngineLifecycle, TakesADescriptorThatIsHandedIn) {
  const io::UniqueFd queue = open_foreign_tun("given0");
  Config config = small_config();
  config.tun_descriptors = {queue.get()};
  config.addresses = {*Cidr::parse("10.0.5.100/24")};
  Engine engine(config);
  serve(engine, 7, echo_);
  engine.start();
  EXPECT_EQ(engine.facts().device, "given0");
  EXPECT_EQ(engine.facts().mtu, 1400u);
  EXPECT_TRUE(echoes(kEngineSide, 7));
  engine.stop();
  EXPECT_NE(if_nametoindex("given0"), 0u) << "the device is the caller's";
  engine.start();
  EXPECT_TRUE(echoes(kEngineSide, 7));
}

TEST_F(EngineLifecycle, RefusesADescriptorThatIsNoQueue) {
  const io::UniqueFd file(open("/dev/null", O_RDWR | O_CLOEXEC));
  Config config = small_config();
  config.tun_descriptors = {file.get()};
  Engine engine(config);
  EXPECT_THAT(error_of([&] { engine.start(); }),
              HasSubstr("descriptor " + std::to_string(file.get())));
}

TEST_F(EngineLifecycle, BothBackEndsAndAllOffloadsServe) {
  for (const IoBackend backend : {IoBackend::uring, IoBackend::poll}) {
    for (const int offloads : {0, 1, 2}) {
      Config config = small_config();
      config.io = backend;
      config.checksum = offloads >= 1;
      config.uso = config.checksum;
      config.tso = offloads >= 2;
      Engine engine(config);
      serve(engine, 7, echo_);
      engine.start();
      EXPECT_TRUE(echoes(kEngineSide, 7, 1'000'000)) << offloads;
    }
  }
}

}  // namespace
}  // namespace sluice
