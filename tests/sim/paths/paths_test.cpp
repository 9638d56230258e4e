// Congestion control on paths of known size: full use, what theory expects of losses, fairness.
#include <gtest/gtest.h>

#include "tests/sim/path.hpp"
#include "tests/sim/theory.hpp"

namespace sluice::sim {
namespace {

using tcp::Algorithm;

constexpr Algorithm kAll[] = {Algorithm::cubic, Algorithm::newreno, Algorithm::bbr};

Carried run_well(const Path& path) {
  Carried carried = run(path);
  EXPECT_EQ(carried.outcome.failure, "");
  return carried;
}

TEST(Paths, EachAlgorithmAloneFillsTheRate) {
  for (const Algorithm algorithm : kAll) {
    EXPECT_GT(run_well({.algorithm = algorithm}).share, 0.95);
  }
}

TEST(Paths, CubicAndBbrFillALongFatOne) {
  for (const Algorithm algorithm : {Algorithm::cubic, Algorithm::bbr}) {
    const Path path{.algorithm = algorithm,
                    .rate_bits = 1'000'000'000,
                    .round_trip = Duration::milliseconds(100),
                    .to = Duration::seconds(15)};
    EXPECT_GT(run_well(path).share, 0.95);
  }
}

// RFC 9438 5.1; where Reno would be faster, CUBIC is as fast.
TEST(Paths, CubicMeetsItsResponseFunction) {
  for (const std::uint32_t every : {1000U, 300U, 100U}) {
    const Path path{.faults = {.loss_every = every}};
    const double wanted = cubic_window(1.0 / every, 0.02);
    EXPECT_NEAR(run_well(path).segments / wanted, 1, 0.2) << "one in " << every;
  }
}

// Where the cubic term rules. A window of a whole path takes its time to come down to what such
// losses allow.
TEST(Paths, CubicMeetsItsResponseFunctionOnALongFatOne) {
  const Path path{.rate_bits = 1'000'000'000,
                  .round_trip = Duration::milliseconds(100),
                  .faults = {.loss_every = 100'000},
                  .from = Duration::seconds(30),
                  .to = Duration::seconds(90)};
  EXPECT_NEAR(run_well(path).segments / cubic_window(1e-5, 0.1), 1, 0.2);
}

TEST(Paths, BbrBearsRandomLoss) {
  for (const std::uint64_t seed : {1U, 2U}) {
    const Path path{.algorithm = Algorithm::bbr, .faults = {.loss = 0.01}, .seed = seed};
    EXPECT_GT(run_well(path).share, 0.8) << "seed " << seed;
  }
}

TEST(Paths, EightFlowsOfOneAlgorithmAreFairToEachOther) {
  for (const Algorithm algorithm : kAll) {
    for (const Duration apart : {Duration(), Duration::milliseconds(100)}) {
      const Path path{.algorithm = algorithm,
                      .flows = 8,
                      .apart = apart,
                      .from = Duration::seconds(10),
                      .to = Duration::seconds(60)};
      EXPECT_GT(run_well(path).fairness, 0.95) << static_cast<int>(algorithm) << ", " << apart.ms();
    }
  }
}

TEST(Paths, ReorderingCostsLittle) {
  for (const Algorithm algorithm : kAll) {
    Path path{.algorithm = algorithm};
    const double in_order = run_well(path).share;
    path.faults.reorder = 0.1;  // by up to 5 ms
    EXPECT_GT(run_well(path).share, 0.9 * in_order) << static_cast<int>(algorithm);
  }
}

// --- outage -----------------------------------------------------------------------------------

// When text first crosses the link once it is back.
class Return final : public Observer {
 public:
  explicit Return(Instant back) : back_(back) {}
  void on_sent(std::uint32_t, Bytes, Instant) override {}
  void on_crossed(std::uint32_t host, Direction, Bytes whole, Instant now) override {
    const bool is_first = host == 0 && whole.size() > 100 && now > back_ && at_.is_never();
    if (is_first) at_ = now;
  }
  Duration after() const { return at_ - back_; }

 private:
  Instant back_;
  Instant at_ = Instant::never();
};

// The timer had fired last between 15 s and 30 s into the outage, and waits as long again.
TEST(Paths, AfterAnOutageItRunsAgainWithinOneBackOffStep) {
  for (const Algorithm algorithm : kAll) {
    const Instant gone = Instant() + Duration::seconds(10);
    const Instant back = gone + Duration::seconds(30);
    const Path path{.algorithm = algorithm,
                    .changes = {{gone, {.is_up = false}}, {back, {}}},
                    .from = Duration::seconds(75),
                    .to = Duration::seconds(90)};
    Simulation simulation(scenario_of(path));
    Return seen(back);
    simulation.set_observer(&seen);
    const Outcome outcome = simulation.run();
    EXPECT_EQ(outcome.failure, "");
    EXPECT_LT(seen.after(), Duration::seconds(30)) << static_cast<int>(algorithm);
    const double rate = static_cast<double>(outcome.hosts[0].measured_up_bytes) * 8 / 15;
    EXPECT_GT(rate, 95e6) << static_cast<int>(algorithm);
  }
}

}  // namespace
}  // namespace sluice::sim
