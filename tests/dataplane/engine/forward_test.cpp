// Two engines on two devices of one namespace, and the kernel that forwards between them.
#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <ostream>

#include "dataplane/io/forwarding.hpp"
#include "tests/dataplane/engine/udp_events.hpp"

namespace sluice {
namespace {

// Of one engine.
enum class Offload : std::uint8_t { none, checksum, tso, all };

struct Route {
  Offload from;
  Offload to;
  std::uint32_t mtu;  // of the server's device; the client's has 1500
  bool v6;
};

constexpr std::array kOffloadNames = {"none", "checksum", "tso", "all"};

std::string name_of(const Route& route) {
  return std::string(kOffloadNames.at(static_cast<std::size_t>(route.from))) + "_" +
         kOffloadNames.at(static_cast<std::size_t>(route.to)) + "_" + std::to_string(route.mtu) +
         (route.v6 ? "_v6" : "_v4");
}

void PrintTo(const Route& route, std::ostream* out) {
  *out << name_of(route);
}

class ForwardTest : public EngineTest, public testing::WithParamInterface<Route> {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    if (!IsSkipped() && !io::try_forwarding()) GTEST_SKIP() << "forwarding is not permitted";
  }
  static Config with(Config config, Offload offload) {
    config.test_offloads = false;
    config.checksum = offload != Offload::none;
    config.tso = offload == Offload::tso || offload == Offload::all;
    config.uso = offload == Offload::all;
    config.tcp.initial_rto = config.tcp.min_rto = Duration::seconds(5);  // no stall is a loss
    return config;
  }
  static Config server_config() {
    Config config = with(small_config(), GetParam().to);
    config.mtu = GetParam().mtu;
    return config;
  }
  static Config client_config() {
    Config config = with(small_config(), GetParam().from);
    config.tun_name = "tun2";
    config.addresses = {*Cidr::parse("10.0.6.100/24"), *Cidr::parse("fd06::100/64")};
    return config;
  }
  static IpAddress server() { return *IpAddress::parse(GetParam().v6 ? "fd05::101" : kEngineSide); }
  static IpAddress client() {
    return *IpAddress::parse(GetParam().v6 ? "fd06::101" : "10.0.6.101");
  }
  // Nothing came that was damaged on its way.
  static void expect_clean(const EngineStats& stats) {
    for (auto i = static_cast<std::size_t>(DropReason::truncated);
         i <= static_cast<std::size_t>(DropReason::bad_port); ++i) {
      EXPECT_EQ(stats.shard.drops[i], 0u) << drop_reason_name(static_cast<DropReason>(i));
    }
  }
};

TEST_P(ForwardTest, TcpArrivesWholeBothWays) {
  constexpr std::size_t kBytes = 3'000'000;
  EchoEvents echo;
  TalkingEvents talk(pattern_bytes(kBytes));
  talk.closes_when_sent = true;
  Engine to(server_config());
  Engine from(client_config());
  serve(to, 7, echo);
  to.start();
  from.start();
  ASSERT_TRUE(from.connect({.remote = server(), .port = 7}, talk));
  EXPECT_TRUE(talk.received.wait() == pattern_bytes(kBytes));
  from.stop();
  to.stop();
  expect_clean(from.stats());
  expect_clean(to.stats());
  EXPECT_EQ(from.stats().shard.timeouts, 0u);
  EXPECT_EQ(to.stats().shard.timeouts, 0u);
}

TEST_P(ForwardTest, DatagramsArriveWholeBothWays) {
  constexpr std::size_t kRounds = 5;
  constexpr std::size_t kBytes = 60'000;
  constexpr std::uint16_t kPiece = 1300;
  EchoPieces echo;
  Postman postman;
  std::deque<OwnBytes> sent;
  Engine to(server_config());
  Engine from(client_config());
  to.bind({.port = 7}, echo);
  const std::uint16_t ours = from.bind({}, postman).port;
  to.start();
  from.start();
  DatagramSocket* const socket = postman.bound.wait();
  for (std::size_t round = 0; round < kRounds; ++round) {
    OwnBytes& bytes = sent.emplace_back(pattern_bytes(kBytes, round));
    const std::size_t before = postman.received.count();
    Told<bool> done;
    ASSERT_TRUE(from.post(0, [&] {
      done.tell(socket->send({client(), server(), ours, 7}, bytes.slice(), kPiece));
    }));
    ASSERT_TRUE(done.wait());
    ByteVector back;
    while (back.size() < kBytes && !HasFailure()) {
      const ByteVector one = postman.received.wait(before + 1 + back.size() / kPiece);
      ASSERT_FALSE(one.empty()) << "round " << round << ": " << back.size() << " bytes came back";
      back.insert(back.end(), one.begin(), one.end());
    }
    EXPECT_TRUE(back == pattern_bytes(kBytes, round));
  }
  from.stop();
  to.stop();
  expect_clean(from.stats());
  expect_clean(to.stats());
}

INSTANTIATE_TEST_SUITE_P(, ForwardTest,
                         testing::Values(Route{Offload::all, Offload::all, 1500, false},
                                         Route{Offload::all, Offload::all, 1500, true},
                                         Route{Offload::all, Offload::none, 1500, false},
                                         Route{Offload::all, Offload::none, 1500, true},
                                         Route{Offload::none, Offload::all, 1500, false},
                                         Route{Offload::none, Offload::all, 1500, true},
                                         Route{Offload::checksum, Offload::tso, 1500, false},
                                         Route{Offload::tso, Offload::checksum, 1500, true},
                                         Route{Offload::none, Offload::none, 1500, false},
                                         Route{Offload::all, Offload::all, 1400, false},
                                         Route{Offload::all, Offload::all, 1400, true},
                                         Route{Offload::all, Offload::none, 1400, false}),
                         [](const auto& layout) { return name_of(layout.param); });

}  // namespace
}  // namespace sluice
