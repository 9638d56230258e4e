// Whole runs, each from one seed. SLUICE_SIM_SEED names the first, SLUICE_SIM_SEEDS how many;
// SLUICE_SIM_TRACE=1 writes every packet to stderr.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/sim/simulation.hpp"

namespace sluice::sim {
namespace {

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

TEST(Simulation, FlowsSurviveWhatSeedsBring) {
  const std::uint64_t first = from_environment("SLUICE_SIM_SEED", 1);
  const bool chosen = std::getenv("SLUICE_SIM_SEED") != nullptr;
  const std::uint64_t count = from_environment("SLUICE_SIM_SEEDS", chosen ? 1 : 120);
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    Simulation simulation(draw_scenario(seed));
    if (std::getenv("SLUICE_SIM_TRACE") != nullptr) simulation.trace_to(stderr);
    const Outcome outcome = simulation.run();
    EXPECT_EQ(outcome.failure, "") << draw_scenario(seed).describe();
  }
}

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
