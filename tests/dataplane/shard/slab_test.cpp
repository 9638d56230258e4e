#include "dataplane/shard/slab.hpp"

#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "dataplane/shard/out_queue.hpp"
#include "dataplane/shard/time_wait_table.hpp"
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
  EXPECT_EQ(slab.touched(), 3U);
  for (Counted* const object : {a, c, d}) slab.destroy(*object);
  EXPECT_EQ(alive, 0);
}

TEST(Slab, TouchesNoMoreThanIsUsed) {
  int alive = 0;
  Slab<Counted> slab(1'000'000);
  for (int i = 0; i < 1000; ++i) slab.destroy(*slab.make(alive, i));
  EXPECT_EQ(slab.touched(), 1U);
  EXPECT_EQ(slab.capacity(), 1'000'000U);
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
