#include "dataplane/shard/slab.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <vector>

#include "dataplane/shard/out_queue.hpp"
#include "dataplane/shard/time_wait_table.hpp"
#include "proto/base/rng.hpp"
#include "tests/support/test_frames.hpp"

namespace sluice {
namespace {

struct Counted {
  explicit Counted(int& counter, int number) : alive(counter), value(number) { ++alive; }
  ~Counted() { --alive; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  int& alive;
  alignas(64) int value;
};

TEST(Slab, MakesAndDestroysObjects) {
  int alive = 0;
  Slab<Counted> slab(3);
  Counted* const a = slab.make(alive, 1);
  Counted* const b = slab.make(alive, 2);
  Counted* const c = slab.make(alive, 3);
  EXPECT_EQ(slab.make(alive, 4), nullptr);
  EXPECT_EQ(alive, 3);
  EXPECT_EQ(slab.live(), 3U);
  EXPECT_EQ(slab.index_of(*b), 1U);
  EXPECT_EQ(slab.at(1).value, 2);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(b) % 64, 0U);
  slab.destroy(*b);
  EXPECT_EQ(alive, 2);
  Counted* const d = slab.make(alive, 5);
  EXPECT_EQ(slab.index_of(*d), 1U) << "the place just left is taken again";
  for (Counted* const object : {a, c, d}) slab.destroy(*object);
  EXPECT_EQ(alive, 0);
}

TEST(Slab, TouchesNoMoreThanIsUsed) {
  int alive = 0;
  Slab<Counted> slab(1'000'000);
  for (int i = 0; i < 1000; ++i) {
    Counted* const object = slab.make(alive, i);
    EXPECT_EQ(slab.index_of(*object), 0U);
    slab.destroy(*object);
  }
  EXPECT_EQ(slab.capacity(), 1'000'000U);
}

TEST(Slab, FindsAnObjectAsLongAsItLives) {
  for (const Growth growth : {Growth::at_start, Growth::on_demand}) {
    int alive = 0;
    Slab<Counted> slab(3, growth);
    EXPECT_EQ(slab.find(0, 1), nullptr);
    Counted* const a = slab.make(alive, 1);
    const std::uint32_t generation = slab.generation_of(*a);
    EXPECT_EQ(slab.find(0, generation), a);
    EXPECT_EQ(slab.find(0, generation + 1), nullptr);
    EXPECT_EQ(slab.find(0, 0), nullptr);
    for (const std::uint32_t index : {1U, 2U, 3U, 1000U, UINT32_MAX}) {
      EXPECT_EQ(slab.find(index, 0), nullptr) << index;
      EXPECT_EQ(slab.find(index, generation), nullptr) << index;
    }
    slab.destroy(*a);
    EXPECT_EQ(slab.find(0, generation), nullptr);
    Counted* const b = slab.make(alive, 2);
    EXPECT_EQ(slab.index_of(*b), 0U);
    EXPECT_EQ(slab.find(0, generation), nullptr) << "another one lives there";
    slab.destroy(*b);
    slab.trim();
    EXPECT_EQ(slab.find(0, generation), nullptr);
  }
}

TEST(Slab, GrowsUpToItsCapacityAndGivesBackWhatNobodyLivesIn) {
  constexpr std::uint32_t kCapacity = 1001;
  int alive = 0;
  Slab<Counted> slab(kCapacity, Growth::on_demand);
  EXPECT_EQ(slab.grown(), 0U);
  std::vector<Counted*> objects;
  while (Counted* const object = slab.make(alive, static_cast<int>(objects.size()))) {
    EXPECT_EQ(slab.index_of(*object), objects.size());
    objects.push_back(object);
  }
  EXPECT_EQ(objects.size(), kCapacity);
  EXPECT_EQ(slab.grown(), kCapacity);
  for (std::uint32_t i = 0; i < kCapacity; ++i) {
    EXPECT_EQ(&slab.at(i), objects[i]) << "none has moved";
    EXPECT_EQ(slab.at(i).value, static_cast<int>(i));
  }
  Counted* const kept = objects[500];
  for (Counted* const object : objects) {
    if (object != kept) slab.destroy(*object);
  }
  slab.trim();
  EXPECT_LT(slab.grown(), kCapacity / 2);
  EXPECT_EQ(&slab.at(500), kept);
  EXPECT_EQ(slab.index_of(*kept), 500U);
  std::set<std::uint32_t> indices{500};
  std::vector<Counted*> again;
  while (Counted* const object = slab.make(alive, 0)) {
    indices.insert(slab.index_of(*object));
    again.push_back(object);
  }
  EXPECT_EQ(indices.size(), kCapacity) << "holes are filled";
  EXPECT_EQ(*indices.rbegin(), kCapacity - 1);
  for (Counted* const object : again) slab.destroy(*object);
  slab.destroy(*kept);
  slab.trim();
  EXPECT_EQ(slab.grown(), 0U);
}

// Whatever is made, destroyed and trimmed: each object stays, and is found by its name alone.
TEST(Slab, AgreesWithAMap) {
  constexpr std::uint32_t kCapacity = 300;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Rng rng(seed);
    int alive = 0;
    Slab<Counted> slab(kCapacity, seed % 4 == 0 ? Growth::at_start : Growth::on_demand);
    std::map<std::uint32_t, Counted*> by_generation;
    double wish = 0.5;
    for (int step = 0; step < 5000; ++step) {
      if (rng.chance(0.01)) wish = rng.chance(0.5) ? 0.9 : 0.1;
      if (rng.chance(0.01)) slab.trim();
      if (rng.chance(wish)) {
        Counted* const made = slab.make(alive, step);
        ASSERT_EQ(made == nullptr, by_generation.size() == kCapacity);
        if (made != nullptr) by_generation.emplace(slab.generation_of(*made), made);
      } else if (!by_generation.empty()) {
        const auto chosen = by_generation.begin();
        const std::uint32_t index = slab.index_of(*chosen->second);
        slab.destroy(*chosen->second);
        ASSERT_EQ(slab.find(index, chosen->first), nullptr);
        by_generation.erase(chosen);
      }
      ASSERT_EQ(slab.live(), by_generation.size());
      ASSERT_EQ(alive, static_cast<int>(by_generation.size()));
    }
    for (const auto& [generation, object] : by_generation) {
      ASSERT_EQ(slab.find(slab.index_of(*object), generation), object) << "seed " << seed;
      slab.destroy(*object);
    }
    slab.trim();
    ASSERT_EQ(slab.grown(), 0U) << "seed " << seed;
  }
}

// --- TIME-WAIT --------------------------------------------------------------------------------

Instant at_ms(std::int64_t ms) {
  return Instant() + Duration::milliseconds(ms);
}

TEST(TimeWaitTable, KeepsTheOldestFirst) {
  TimeWaitTable table(3);
  EXPECT_TRUE(table.empty());
  TimeWaitEntry* const a = table.add(at_ms(1));
  TimeWaitEntry* const b = table.add(at_ms(2));
  TimeWaitEntry* const c = table.add(at_ms(3));
  EXPECT_EQ(table.add(at_ms(4)), nullptr);
  EXPECT_EQ(&table.oldest(), a);
  table.restart(*a, at_ms(5));
  EXPECT_EQ(&table.oldest(), b);
  EXPECT_EQ(a->expiry, at_ms(5));
  table.remove(*b);
  EXPECT_EQ(&table.oldest(), c);
  EXPECT_EQ(table.size(), 2U);
  EXPECT_EQ(&table.at(table.index_of(*c)), c);
  TimeWaitEntry* const d = table.add(at_ms(6));
  ASSERT_NE(d, nullptr);
  table.remove(*c);
  EXPECT_EQ(&table.oldest(), a);
}

// --- packets of no connection ------------------------------------------------------------------

TEST(OutQueue, IsBoundedAndInOrder) {
  OutQueue queue(3);
  for (std::uint16_t round = 0; round < 10; ++round) {
    for (std::uint16_t i = 0; i < 3; ++i) queue.push()->tcp.source_port = i;
    EXPECT_EQ(queue.push(), nullptr);
    for (std::uint16_t i = 0; i < 2; ++i) {
      EXPECT_EQ(queue.front().tcp.source_port, i);
      queue.pop();
    }
    queue.pop();
    EXPECT_TRUE(queue.empty());
    queue.push();
    queue.pop();  // starts the next round elsewhere
  }
}

TEST(OutQueue, GrowsOnDemandAndKeepsTheOrder) {
  OutQueue queue(100, Growth::on_demand);
  std::uint16_t next_in = 0;
  std::uint16_t next_out = 0;
  const auto take = [&] {
    ASSERT_EQ(queue.front().tcp.source_port, next_out++);
    queue.pop();
  };
  for (std::uint32_t wanted = 1; wanted <= 100; ++wanted) {
    while (queue.room() > 100 - wanted) queue.push()->tcp.source_port = next_in++;
    take();  // so that the ring's begin wanders
  }
  while (queue.room() > 0) queue.push()->tcp.source_port = next_in++;
  EXPECT_EQ(queue.push(), nullptr);
  queue.trim();
  while (!queue.empty()) take();
  EXPECT_EQ(next_out, next_in);
  queue.trim();
  EXPECT_EQ(queue.room(), 100U);
  ASSERT_NE(queue.push(), nullptr);
  queue.pop();
}

TEST(OutQueue, OfNoPacketsRefusesAll) {
  OutQueue none(0, Growth::on_demand);
  EXPECT_EQ(none.push(), nullptr);
  OutQueue at_start(0);
  EXPECT_EQ(at_start.push(), nullptr);
}

TEST(OutQueue, LetsGoOfWhatItHeld) {
  test::TestFrames frames(100);
  OutQueue queue(2);
  const std::array<std::uint8_t, 3> bytes{1, 2, 3};
  queue.push()->payload = frames.slice_of(bytes);
  EXPECT_EQ(frames.out(), 1U);
  queue.pop();
  EXPECT_EQ(frames.out(), 0U);
  OutPacket* const reply = queue.push();
  EXPECT_TRUE(reply->payload.empty());
  EXPECT_EQ(reply->ip.protocol, 0);
  queue.pop();
}

}  // namespace
}  // namespace sluice
