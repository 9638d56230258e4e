#include "dataplane/config.hpp"

#include <gmock/gmock.h>

#include <functional>

#include "dataplane/engine.hpp"

namespace sluice {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

struct Mistake {
  const char* name;
  std::function<void(Config&)> make;
  const char* value;   // that the line names
  const char* remedy;  // what would be right
};

class ConfigMistake : public testing::TestWithParam<Mistake> {};

TEST_P(ConfigMistake, IsNamedInOneLine) {
  Config config;
  GetParam().make(config);
  const std::vector<std::string> problems = config.validate();
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_THAT(problems[0], AllOf(HasSubstr(GetParam().value), HasSubstr(GetParam().remedy)));
  EXPECT_EQ(problems[0].find('\n'), std::string::npos);
  EXPECT_THROW(Engine{config}, EngineError);
}

std::function<void(Config&)> with_address(const char* text) {
  return [text](Config& c) { c.addresses = {*Cidr::parse(text)}; };
}

const Mistake kMistakes[] = {
    {"NoName", [](Config& c) { c.tun_name = ""; }, "''", "1 to 15"},
    {"LongName", [](Config& c) { c.tun_name = "sixteenletters16"; }, "sixteenletters16", "15"},
    {"NameWithSlash", [](Config& c) { c.tun_name = "a/b"; }, "a/b", "'/'"},
    {"NameWithPercent", [](Config& c) { c.tun_name = "tun%d"; }, "tun%d", "'%'"},
    {"NoAddress", [](Config& c) { c.addresses.clear(); }, "empty", "at least one"},
    {"NetworkAddress", with_address("10.0.5.0/24"), "10.0.5.0/24", "network's own"},
    {"BroadcastAddress", with_address("10.0.5.255/24"), "10.0.5.255/24", "broadcast"},
    {"NetworkAddressOfV6", with_address("fd05::/64"), "fd05::/64", "network's own"},
    {"Multicast", with_address("224.0.0.1/4"), "224.0.0.1", "no address of a host"},
    {"Loopback", with_address("127.0.0.1/8"), "127.0.0.1", "no address of a host"},
    {"Unspecified", with_address("0.0.0.0/0"), "0.0.0.0", "no address of a host"},
    {"NoRoomForUs", with_address("10.0.5.1/32"), "10.0.5.1/32", "shorter"},
    {"NoRoomForUsV6", with_address("fd05::1/128"), "fd05::1/128", "shorter"},
    {"MtuTooSmall",
     [](Config& c) {
       c.addresses = {*Cidr::parse("10.0.5.100/24")};
       c.mtu = 67;
     },
     "67", "68"},
    {"MtuTooSmallForV6", [](Config& c) { c.mtu = 1279; }, "1279", "1280"},
    {"MtuTooLarge", [](Config& c) { c.mtu = 70'000; }, "70000", "65535"},
    {"NoQueue", [](Config& c) { c.queue_length = 0; }, "queue_length is 0", "1 to 524288"},
    {"LongQueue", [](Config& c) { c.queue_length = 524'289; }, "524289", "524288"},
    {"NoWorker", [](Config& c) { c.workers = 0; }, "workers is 0", "1 to"},
    {"ManyWorkers", [](Config& c) { c.workers = kMaxWorkers + 1; }, "workers is", "1 to"},
    {"PinsForOthers",
     [](Config& c) {
       c.pin = {0, 1, 2};
     },
     "3 CPUs", "one for each"},
    {"QueuesForOthers",
     [](Config& c) {
       c.tun_descriptors = {3, 4, 5};
     },
     "3 queues", "one for"},
    {"NoConnections", [](Config& c) { c.max_connections = 0; }, "max_connections is 0", "1 to"},
    {"NoTimeWaits", [](Config& c) { c.max_time_waits = 0; }, "max_time_waits is 0", "1 to"},
    {"FewFrames", [](Config& c) { c.frames = 127, c.frames_in_ring = 32; }, "frames is 127", "128"},
    {"ManyFrames", [](Config& c) { c.frames = 65'537; }, "frames is 65537", "65536"},
    {"AllFramesInRing", [](Config& c) { c.frames_in_ring = 512; }, "frames_in_ring is 512", "256"},
    {"OddRing", [](Config& c) { c.frames_in_ring = 48; }, "frames_in_ring is 48", "power of two"},
    {"FewBlocks", [](Config& c) { c.blocks = 1; }, "blocks is 1", "64"},
    {"FewNodes", [](Config& c) { c.slice_nodes = 1; }, "slice_nodes is 1", "64"},
    {"FewSlots", [](Config& c) { c.tx_slots = 1; }, "tx_slots is 1", "16"},
    {"ReceiveBuffer", [](Config& c) { c.tcp.receive_buffer_bytes = 1; }, "is 1:", "4096"},
    {"SendBuffer", [](Config& c) { c.tcp.send_buffer_bytes = 1; }, "is 1:", "4096"},
    {"FirstReceiveBuffer", [](Config& c) { c.tcp.initial_receive_buffer_bytes = 4095; },
     "initial_receive_buffer_bytes is 4095", "4096"},
    {"FirstSendBuffer", [](Config& c) { c.tcp.initial_send_buffer_bytes = 0; },
     "initial_send_buffer_bytes is 0", "4096"},
    {"InitialWindow", [](Config& c) { c.tcp.initial_window_segments = 0; }, "is 0", "1 to 64"},
    {"DelayedAck", [](Config& c) { c.tcp.delayed_ack = Duration::milliseconds(500); }, "500 ms",
     "499"},
    {"MinRto", [](Config& c) { c.tcp.min_rto = Duration(); }, "min_rto is 0", "1 to"},
    {"MaxRto",
     [](Config& c) {
       c.tcp.initial_rto = Duration::milliseconds(500);
       c.tcp.max_rto = Duration::milliseconds(999);
     },
     "max_rto is 999", "1000"},
    {"TimeWait", [](Config& c) { c.tcp.time_wait = Duration(); }, "time_wait is 0", "1 to"},
    {"TsoWithoutSums", [](Config& c) { c.checksum = c.uso = false; }, "tso", "all off"},
    {"UsoWithoutSums", [](Config& c) { c.checksum = c.tso = false; }, "uso", "all off"},
    {"MisrouteAlone", [](Config& c) { c.steering = SteeringMode::misroute; }, "misroute",
     "at least 2"},
};

INSTANTIATE_TEST_SUITE_P(Config, ConfigMistake, testing::ValuesIn(kMistakes),
                         [](const testing::TestParamInfo<Mistake>& mistake) {
                           return std::string(mistake.param.name);
                         });

TEST(Config, DefaultsAreValid) {
  EXPECT_THAT(Config().validate(), IsEmpty());
}

TEST(Config, TheLimitsThemselvesAreValid) {
  Config config;
  config.tun_name = "fifteenletters1";
  config.addresses = {*Cidr::parse("10.0.5.1/31")};  // RFC 3021
  config.mtu = 68;
  config.queue_length = 524'288;
  config.frames = 128;
  config.frames_in_ring = 64;
  EXPECT_THAT(config.validate(), IsEmpty());
  config.mtu = 65'535;
  config.frames_in_ring = 1;
  EXPECT_THAT(config.validate(), IsEmpty());
}

TEST(Config, NamesEveryProblemALineEach) {
  Config config;
  config.tun_name = "";
  config.mtu = 70'000;
  config.workers = 0;
  config.addresses = {*Cidr::parse("10.0.5.1/24"), *Cidr::parse("10.0.5.1/16")};
  EXPECT_EQ(config.validate().size(), 4u);
  try {
    Engine engine(config);
    FAIL() << "no error";
  } catch (const EngineError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("''"), HasSubstr("70000"), HasSubstr("workers is 0"),
                                    HasSubstr("given twice")));
  }
}

}  // namespace
}  // namespace sluice
