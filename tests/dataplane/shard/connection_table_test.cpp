#include "dataplane/shard/connection_table.hpp"

#include <gtest/gtest.h>

#include <unordered_map>
#include <vector>

#include "proto/base/rng.hpp"

namespace sluice {
namespace {

FlowRef find(const ConnectionTable& table, std::uint64_t hash, FlowRef wanted) {
  return table.find(hash, [wanted](FlowRef ref) { return ref == wanted; });
}

TEST(FlowRef, TellsConnectionsFromTimeWaits) {
  const FlowRef connection = FlowRef::connection(5);
  const FlowRef time_wait = FlowRef::time_wait(5);
  EXPECT_FALSE(connection.is_time_wait());
  EXPECT_TRUE(time_wait.is_time_wait());
  EXPECT_EQ(connection.index(), 5U);
  EXPECT_EQ(time_wait.index(), 5U);
  EXPECT_FALSE(connection == time_wait);
  EXPECT_TRUE(FlowRef::none().is_none());
  EXPECT_FALSE(FlowRef::none().is_time_wait());
}

TEST(ConnectionTable, FindsOnlyWhatIsTheSameFlow) {
  ConnectionTable table(4);
  table.insert(77, FlowRef::connection(1));
  table.insert(77, FlowRef::connection(2));  // another flow with the same hash
  EXPECT_EQ(find(table, 77, FlowRef::connection(1)).index(), 1U);
  EXPECT_EQ(find(table, 77, FlowRef::connection(2)).index(), 2U);
  EXPECT_TRUE(find(table, 77, FlowRef::connection(3)).is_none());
  EXPECT_TRUE(find(table, 78, FlowRef::connection(1)).is_none());
}

TEST(ConnectionTable, HoldsAsManyAsWasSaid) {
  for (const std::uint32_t flows : {1U, 2U, 3U, 100U, 1000U}) {
    ConnectionTable table(flows);
    for (std::uint32_t i = 0; i < flows; ++i) table.insert(i * 12'345, FlowRef::connection(i));
    EXPECT_EQ(table.size(), flows);
    for (std::uint32_t i = 0; i < flows; ++i) {
      EXPECT_EQ(find(table, i * 12'345, FlowRef::connection(i)).index(), i);
    }
  }
}

// Erasing in the middle of a run that wraps round the end of the table leaves the rest reachable.
TEST(ConnectionTable, ClosesTheGapOfAnErasedEntry) {
  for (std::uint32_t erased = 0; erased < 8; ++erased) {
    ConnectionTable table(15);  // 32 places
    const auto hash_of = [](std::uint32_t i) { return std::uint64_t{28} + i / 2; };
    for (std::uint32_t i = 0; i < 8; ++i) table.insert(hash_of(i), FlowRef::connection(i));
    table.erase(hash_of(erased), FlowRef::connection(erased));
    for (std::uint32_t i = 0; i < 8; ++i) {
      const FlowRef found = find(table, hash_of(i), FlowRef::connection(i));
      EXPECT_EQ(found.is_none(), i == erased) << "erased " << erased << ", looked for " << i;
    }
  }
}

TEST(ConnectionTable, DoublesOnDemandUpToWhatWasSaid) {
  ConnectionTable table(1000, Growth::on_demand);
  std::uint32_t flows = 0;
  for (; table.try_make_room(); ++flows) table.insert(flows * 12'345, FlowRef::connection(flows));
  EXPECT_GE(flows, 1000U);
  EXPECT_LE(flows, 1024U);
  for (std::uint32_t i = 0; i < flows; ++i) {
    EXPECT_EQ(find(table, i * 12'345, FlowRef::connection(i)).index(), i);
  }
}

TEST(ConnectionTable, TrimmedItKeepsWhatIsLeft) {
  ConnectionTable table(1000, Growth::on_demand);
  for (std::uint32_t i = 0; i < 1000; ++i) {
    ASSERT_TRUE(table.try_make_room());
    table.insert(i * 12'345, FlowRef::connection(i));
  }
  for (std::uint32_t i = 0; i < 990; ++i) table.erase(i * 12'345, FlowRef::connection(i));
  table.trim();
  for (std::uint32_t i = 0; i < 1000; ++i) {
    EXPECT_EQ(find(table, i * 12'345, FlowRef::connection(i)).is_none(), i < 990) << i;
  }
  for (std::uint32_t i = 0; i < 990; ++i) {
    ASSERT_TRUE(table.try_make_room());
    table.insert(i * 12'345, FlowRef::connection(i));
  }
  EXPECT_EQ(table.size(), 1000U);
}

TEST(ConnectionTable, AgreesWithAMap) {
  constexpr std::uint32_t kFlows = 200;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Rng rng(seed);
    // Few hashes make long runs; all of them make none.
    const std::uint64_t spread = seed % 2 == 0 ? 64 : UINT64_MAX;
    ConnectionTable table(kFlows, seed % 3 == 0 ? Growth::at_start : Growth::on_demand);
    std::unordered_map<std::uint32_t, std::uint64_t> model;
    for (int step = 0; step < 20'000; ++step) {
      const auto id = static_cast<std::uint32_t>(rng.below(kFlows));
      const FlowRef ref = id % 3 == 0 ? FlowRef::time_wait(id) : FlowRef::connection(id);
      const auto known = model.find(id);
      if (known == model.end()) {
        const std::uint64_t hash = rng.below(spread) * (spread == 64 ? 1 : 3);
        ASSERT_TRUE(table.try_make_room());
        table.insert(hash, ref);
        model.emplace(id, hash);
      } else if (rng.chance(0.7)) {
        table.erase(known->second, ref);
        EXPECT_TRUE(find(table, known->second, ref).is_none());
        model.erase(known);
      }
      ASSERT_EQ(table.size(), model.size());
      if (step % 1000 == 0) table.trim();
      if (step % 500 != 0) continue;
      for (const auto& [key, hash] : model) {
        const FlowRef want = key % 3 == 0 ? FlowRef::time_wait(key) : FlowRef::connection(key);
        ASSERT_EQ(find(table, hash, want), want) << "seed " << seed;
      }
    }
  }
}

}  // namespace
}  // namespace sluice
