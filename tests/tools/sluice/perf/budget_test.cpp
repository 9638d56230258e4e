#include "tools/sluice/perf/budget.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace sluice::perf {
namespace {

Parameters bytes(std::uint64_t count) {
  Parameters parameters;
  parameters.bytes = count;
  return parameters;
}

Parameters blocks(std::uint64_t count, std::uint32_t block_bytes) {
  Parameters parameters;
  parameters.blocks = count;
  parameters.block_bytes = block_bytes;
  return parameters;
}

TEST(Budget, WithoutAnEndGrantsEverything) {
  Budget budget;
  EXPECT_EQ(budget.claim(UINT32_MAX, UINT32_MAX), UINT32_MAX);
  budget.moved(UINT64_MAX);
  EXPECT_EQ(budget.claim(1, 7), 7U);
}

TEST(Budget, RoundsBytesUpToWholeBlocks) {
  int reached = 0;
  Budget budget(bytes(200), [&] { ++reached; });
  EXPECT_EQ(budget.claim(128, 1), 1U);
  EXPECT_EQ(budget.claim(128, 10), 1U);
  EXPECT_EQ(budget.claim(128, 1), 0U);
  budget.moved(199);
  EXPECT_EQ(reached, 0);
  budget.moved(1);
  EXPECT_EQ(reached, 1);
  budget.moved(56);
  EXPECT_EQ(reached, 1);
}

TEST(Budget, CountsBlocksByTheirBytes) {
  int reached = 0;
  Budget budget(blocks(5, 1000), [&] { ++reached; });
  EXPECT_EQ(budget.claim(1000, 3), 3U);
  EXPECT_EQ(budget.claim(1000, 3), 2U);
  EXPECT_EQ(budget.claim(1000, 3), 0U);
  budget.moved(4999);
  EXPECT_EQ(reached, 0);
  budget.moved(1);
  EXPECT_EQ(reached, 1);
}

TEST(Budget, NoneHasNoEnd) {
  EXPECT_EQ(Budget::none().claim(UINT32_MAX, 9), 9U);
  Budget::none().moved(UINT64_MAX);
  EXPECT_FALSE(Budget::none().is_reached());
}

TEST(Budget, IsNotReachedByMoreBlocksThanCanBeCounted) {
  int reached = 0;
  Budget budget(blocks(UINT64_MAX, 1 << 20), [&] { ++reached; });
  EXPECT_EQ(budget.claim(1 << 20, 4), 4U);
  budget.moved(1ULL << 40);
  EXPECT_EQ(reached, 0);
}

TEST(Budget, IsSpentOnceByManyCores) {
  constexpr std::uint32_t kBlock = 100;
  constexpr std::uint64_t kBlocks = 50'000;
  std::atomic<int> reached = 0;
  std::atomic<std::uint64_t> sent = 0;
  Budget budget(bytes(kBlocks * kBlock - 1), [&] { ++reached; });
  std::vector<std::thread> cores;
  for (std::uint32_t core = 1; core <= 4; ++core) {
    cores.emplace_back([&, core] {
      for (std::uint32_t count = 1; count > 0; sent += count) {
        count = budget.claim(kBlock, core);
        budget.moved(std::uint64_t{count} * kBlock);
      }
    });
  }
  for (std::thread& core : cores) core.join();
  EXPECT_GE(sent, kBlocks);
  EXPECT_EQ(reached, 1);
}

}  // namespace
}  // namespace sluice::perf
