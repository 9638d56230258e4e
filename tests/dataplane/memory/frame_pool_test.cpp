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
    std::memset(frame->data, static_cast<int>(frames.size()), frame->capacity);
    frames.insert(frame);
  }
  EXPECT_EQ(frames.size(), 8U);
  EXPECT_EQ(pool.free_count(), 0U);
  std::set<int> written;
  for (Frame* const frame : frames) {
    // Nobody wrote into another's bytes.
    EXPECT_EQ(frame->data[0], frame->data[999]);
    written.insert(frame->data[0]);
    pool.take_back(*frame);
  }
  EXPECT_EQ(written.size(), 8U);
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
  std::vector<Frame*> frames;
  while (Frame* const frame = pool.take()) frames.push_back(frame);
  for (std::size_t i = 1; i < frames.size(); ++i) {
    const auto distance = frames[i]->data - frames[i - 1]->data;
    EXPECT_GE(distance, 65536);
    EXPECT_NE(distance % 4096, 0);
    EXPECT_EQ(distance % 64, 0);
  }
  for (Frame* const frame : frames) pool.take_back(*frame);
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

TEST(FramePool, GrowsOnDemandAndGivesBackWhatIsIdle) {
  FramePool pool(100, 2000, 25, Growth::on_demand);
  EXPECT_EQ(pool.pieces().grown(), 0U);
  EXPECT_EQ(pool.spare_bytes(), 75U * 2000);
  EXPECT_EQ(pool.level(), MemoryLevel::plenty);
  std::vector<Slice> slices;
  while (Frame* const frame = pool.take()) {
    EXPECT_EQ(frame->home, &pool);
    EXPECT_EQ(frame->capacity, 2000U);
    std::memset(frame->data, static_cast<int>(slices.size()), frame->capacity);
    slices.emplace_back(*frame, 0, 2000);
  }
  ASSERT_EQ(slices.size(), 100U);
  EXPECT_EQ(pool.level(), MemoryLevel::critical);
  for (std::size_t i = 0; i < slices.size(); ++i) {
    EXPECT_EQ(slices[i].data()[0], i);
    EXPECT_EQ(slices[i].data()[1999], i);
  }
  slices.erase(slices.begin() + 1, slices.end());
  pool.trim();
  EXPECT_LT(pool.pieces().grown(), 10U);
  EXPECT_EQ(slices[0].data()[1999], 0);
  EXPECT_EQ(pool.free_count(), 99U);
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
