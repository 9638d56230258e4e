#include "dataplane/memory/frame_pool.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <vector>

namespace sluice {
namespace {

TEST(FramePool, LendsEachFrameOnce) {
  FramePool pool(8, 1000);
  EXPECT_EQ(pool.size(), 8U);
  std::set<Frame*> frames;
  while (Frame* const frame = pool.take()) {
    EXPECT_EQ(frame->capacity, 1000U);
    EXPECT_EQ(frame->home, &pool);
    EXPECT_EQ(&pool.frame(frame->id), frame);
    std::memset(frame->data, static_cast<int>(frame->id), frame->capacity);
    frames.insert(frame);
  }
  EXPECT_EQ(frames.size(), 8U);
  EXPECT_EQ(pool.free_count(), 0U);
  for (Frame* const frame : frames) {
    // Nobody wrote into another's bytes.
    EXPECT_EQ(frame->data[0], frame->id);
    EXPECT_EQ(frame->data[999], frame->id);
    pool.take_back(*frame);
  }
  EXPECT_EQ(pool.free_count(), 8U);
}

TEST(FramePool, TheLastHomeIsTheFirstOut) {
  FramePool pool(4, 64);
  Frame* const first = pool.take();
  Frame* const second = pool.take();
  pool.take_back(*second);
  pool.take_back(*first);
  EXPECT_EQ(pool.take(), first);
  EXPECT_EQ(pool.take(), second);
  pool.take_back(*first);
  pool.take_back(*second);
}

TEST(FramePool, TheLastSliceSendsTheFrameHome) {
  FramePool pool(2, 64);
  {
    Slice whole(*pool.take(), 0, 64);
    {
      const Slice part = whole.front(10);
      whole = Slice();
      EXPECT_EQ(pool.free_count(), 1U);
      EXPECT_EQ(part.size(), 10U);
    }
    EXPECT_EQ(pool.free_count(), 2U);
  }
}

TEST(FramePool, HeadersOfNeighboursDoNotShareACacheSet) {
  FramePool pool(4, 65536);
  for (std::uint32_t i = 1; i < pool.size(); ++i) {
    const auto distance = pool.frame(i).data - pool.frame(i - 1).data;
    EXPECT_GE(distance, 65536);
    EXPECT_NE(distance % 4096, 0);
    EXPECT_EQ(distance % 64, 0);
  }
}

TEST(FramePool, IsScarceBelowItsReserve) {
  FramePool pool(4, 64, 3);
  std::vector<Frame*> taken;
  EXPECT_FALSE(pool.is_scarce());
  taken.push_back(pool.take());
  EXPECT_FALSE(pool.is_scarce());
  taken.push_back(pool.take());
  EXPECT_TRUE(pool.is_scarce());
  for (Frame* const frame : taken) pool.take_back(*frame);
  EXPECT_FALSE(pool.is_scarce());
}

TEST(FramePoolDeathTest, AFrameThatIsOutAtTheEndIsAMistake) {
  EXPECT_DEATH(
      {
        FramePool pool(2, 64);
        pool.take();
      },
      "");
}

}  // namespace
}  // namespace sluice
