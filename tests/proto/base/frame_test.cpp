#include "proto/base/frame.hpp"

#include <gtest/gtest.h>

#include <array>
#include <utility>

namespace sluice {
namespace {

class CountingHome : public FrameHome {
 public:
  void take_back(Frame& frame) override { ++(&frame == expected ? returned : strangers); }

  Frame* expected = nullptr;
  int returned = 0;
  int strangers = 0;
};

class SliceTest : public testing::Test {
 protected:
  SliceTest() {
    for (std::size_t i = 0; i < memory_.size(); ++i) memory_[i] = static_cast<std::uint8_t>(i);
    frame_.home = &home_;
    frame_.data = memory_.data();
    frame_.capacity = static_cast<std::uint32_t>(memory_.size());
    home_.expected = &frame_;
  }
  ~SliceTest() override {
    EXPECT_EQ(frame_.slices, 0U);
    EXPECT_EQ(home_.strangers, 0);
  }

  std::array<std::uint8_t, 64> memory_;
  CountingHome home_;
  Frame frame_;
};

TEST_F(SliceTest, the_last_slice_sends_the_frame_home_once) {
  {
    Slice first(frame_, 0, 10);
    {
      const Slice second(frame_, 10, 10);
      EXPECT_EQ(frame_.slices, 2U);
    }
    EXPECT_EQ(home_.returned, 0);
  }
  EXPECT_EQ(home_.returned, 1);
}

TEST_F(SliceTest, a_copy_shares_and_a_move_does_not) {
  Slice original(frame_, 4, 8);
  const Slice copy = original;
  EXPECT_EQ(frame_.slices, 2U);
  const Slice moved = std::move(original);
  EXPECT_EQ(frame_.slices, 2U);
  EXPECT_EQ(moved.data(), memory_.data() + 4);
  EXPECT_EQ(moved.size(), 8U);
}

TEST_F(SliceTest, assignment_gives_up_the_old_share) {
  Slice slice(frame_, 0, 1);
  Slice other(frame_, 1, 2);
  slice = other;
  EXPECT_EQ(frame_.slices, 2U);
  EXPECT_EQ(slice.offset(), 1U);
  const Slice& same = slice;
  slice = same;
  EXPECT_EQ(frame_.slices, 2U);
  slice = Slice();
  other = Slice();
  EXPECT_EQ(home_.returned, 1);
}

TEST_F(SliceTest, an_empty_slice_has_no_frame) {
  const Slice slice;
  EXPECT_TRUE(slice.empty());
  EXPECT_EQ(slice.data(), nullptr);
  EXPECT_EQ(slice.bytes().size(), 0U);
  EXPECT_FALSE(slice.pins_too_much());
}

TEST_F(SliceTest, cuts_at_both_ends) {
  Slice slice(frame_, 10, 20);
  slice.drop_front(5);
  EXPECT_EQ(slice.data(), memory_.data() + 15);
  EXPECT_EQ(slice.size(), 15U);
  slice.keep_front(4);
  EXPECT_EQ(slice.bytes().back(), 18);
  slice.extend(2);
  EXPECT_EQ(slice.bytes().back(), 20);
}

TEST_F(SliceTest, front_is_one_more_share) {
  const Slice slice(frame_, 10, 20);
  const Slice part = slice.front(3);
  EXPECT_EQ(frame_.slices, 2U);
  EXPECT_EQ(part.offset(), 10U);
  EXPECT_EQ(part.size(), 3U);
}

TEST_F(SliceTest, pins_too_much_below_a_quarter_of_a_pooled_frame) {
  const Slice quarter(frame_, 0, 16);
  const Slice less(frame_, 0, 15);
  EXPECT_FALSE(less.pins_too_much());  // not of a pool
  frame_.pooled = true;
  EXPECT_FALSE(quarter.pins_too_much());
  EXPECT_TRUE(less.pins_too_much());
}

using SliceDeathTest = SliceTest;

TEST_F(SliceDeathTest, never_reaches_beyond_its_frame) {
  EXPECT_DEATH(Slice(frame_, 60, 5), "");
  EXPECT_DEATH(Slice(frame_, 65, 0), "");
  Slice slice(frame_, 60, 4);
  EXPECT_DEATH(slice.extend(1), "");
  EXPECT_DEATH(slice.drop_front(5), "");
  EXPECT_DEATH(slice.keep_front(5), "");
}

}  // namespace
}  // namespace sluice
