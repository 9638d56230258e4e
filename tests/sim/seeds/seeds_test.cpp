// Whole runs, each from one seed. `sluice sim --seed S` repeats one, and shows its packets.
#include <gtest/gtest.h>

#include "dataplane/sim/simulation.hpp"

namespace sluice::sim {
namespace {

// Ranges, so that ctest runs them side by side.
class Seeds : public ::testing::TestWithParam<int> {};

constexpr int kSeedsOfARange = 50;
constexpr int kRanges = 80;

TEST_P(Seeds, FlowsSurviveWhatTheyBring) {
  const auto first = static_cast<std::uint64_t>(GetParam() * kSeedsOfARange + 1);
  for (std::uint64_t seed = first; seed < first + kSeedsOfARange; ++seed) {
    const Outcome outcome = simulate(seed);
    ASSERT_EQ(outcome.failure, "") << draw_scenario(seed).describe();
  }
}

INSTANTIATE_TEST_SUITE_P(Simulation, Seeds, ::testing::Range(0, kRanges));

TEST(Simulation, OneSeedIsOneOutcome) {
  for (const std::uint64_t seed : {3ULL, 7ULL, 11ULL}) {
    const Outcome once = simulate(seed);
    const Outcome again = simulate(seed);
    EXPECT_EQ(once.digest, again.digest) << "seed " << seed;
    EXPECT_EQ(once.turns, again.turns);
    EXPECT_EQ(once.end, again.end);
    EXPECT_NE(once.digest, 0U);
  }
  EXPECT_NE(simulate(3).digest, simulate(4).digest);
}

}  // namespace
}  // namespace sluice::sim
