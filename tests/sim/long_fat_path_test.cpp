// A path of 100 ms and 1 Gbit/s, with a queue of one bandwidth-delay product, between two hosts
// whose settings nobody has touched.
#include <gtest/gtest.h>

#include "dataplane/sim/simulation.hpp"

namespace sluice::sim {
namespace {

constexpr std::uint64_t kRate = 1'000'000'000;
constexpr std::uint64_t kDelayProduct = kRate / 8 / 10;

Scenario long_fat_path(tcp::Algorithm algorithm) {
  Scenario scenario = plain_scenario(1);
  for (HostPlan& host : scenario.hosts) {
    HostOptions& options = host.options;
    options.shard.tcp.congestion = algorithm;
    // What a worker has by default.
    options.frames = 512;
    options.frame_reserve = 192;
    options.blocks = 16'384;
    options.nodes = 65'536;
    options.sent_segments = 32'768;
    options.tx_slots = 256;
    options.queue_packets = 32'768;
    options.turns_per_check = 1000;
    host.up.options.delay = Duration::milliseconds(50);
    host.up.options.rate_bits = kRate;
    host.up.options.queue_bytes = kDelayProduct;
  }
  FlowPlan flow = bulk_flow(UINT64_MAX / 2);
  flow.opening.send_for = Duration::seconds(15);
  flow.opening.chunk = 262'144;
  flow.opening.by_reference = true;
  scenario.flows.push_back(flow);
  scenario.measured = {Instant() + Duration::seconds(5), Instant() + Duration::seconds(15)};
  return scenario;
}

double utilisation(const Outcome& outcome) {
  return static_cast<double>(outcome.hosts[0].measured_up_bytes) * 8 / 10 /
         static_cast<double>(kRate);
}

class LongFatPath : public ::testing::TestWithParam<tcp::Algorithm> {};

TEST_P(LongFatPath, IsFilledWithoutTuning) {
  const Outcome outcome = simulate(long_fat_path(GetParam()));
  EXPECT_EQ(outcome.failure, "");
  EXPECT_GE(utilisation(outcome), 0.9);
}

INSTANTIATE_TEST_SUITE_P(Algorithms, LongFatPath,
                         ::testing::Values(tcp::Algorithm::cubic, tcp::Algorithm::bbr));

// What the test above owes to it.
TEST(LongFatPathWithoutTuning, IsNotFilledThroughASmallWindow) {
  Scenario scenario = long_fat_path(tcp::Algorithm::cubic);
  tcp::Settings& receiver = scenario.hosts[1].options.shard.tcp;
  receiver.receive_buffer_bytes = receiver.initial_receive_buffer_bytes = 2 << 20;
  const Outcome outcome = simulate(scenario);
  EXPECT_EQ(outcome.failure, "");
  EXPECT_LT(utilisation(outcome), 0.2);
}

}  // namespace
}  // namespace sluice::sim
