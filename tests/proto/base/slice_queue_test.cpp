#include "proto/base/slice_queue.hpp"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace sluice {
namespace {

class CountingHome : public FrameHome {
 public:
  void take_back(Frame&) override { ++returned; }
  int returned = 0;
};

class SliceQueueTest : public testing::Test {
 protected:
  SliceQueueTest() {
    frame_.home = &home_;
    frame_.data = memory_.data();
    frame_.capacity = static_cast<std::uint32_t>(memory_.size());
  }
  ~SliceQueueTest() override { queue_.clear(pool_); }

  SliceNode& node(std::uint32_t sequence) {
    SliceNode* const taken = pool_.take();
    taken->sequence = sequence;
    taken->slice = Slice(frame_, 0, 1);
    return *taken;
  }
  std::vector<std::uint32_t> sequences() const {
    std::vector<std::uint32_t> found;
    for (const SliceNode* n = queue_.front(); n != nullptr; n = n->next) {
      found.push_back(n->sequence);
    }
    return found;
  }

  std::array<std::uint8_t, 16> memory_{};
  CountingHome home_;
  Frame frame_;
  SliceNodePool pool_{4};
  SliceQueue queue_;
};

TEST_F(SliceQueueTest, the_pool_lends_each_node_once) {
  EXPECT_EQ(pool_.size(), 4U);
  std::vector<SliceNode*> taken;
  while (SliceNode* const n = pool_.take()) taken.push_back(n);
  EXPECT_EQ(taken.size(), 4U);
  EXPECT_EQ(pool_.free_count(), 0U);
  for (SliceNode* const n : taken) pool_.give_back(*n);
  EXPECT_EQ(pool_.free_count(), 4U);
}

TEST_F(SliceQueueTest, a_node_given_back_lets_go_of_its_frame) {
  SliceNode& n = node(1);
  n.open_tail = true;
  EXPECT_EQ(frame_.slices, 1U);
  pool_.give_back(n);
  EXPECT_EQ(home_.returned, 1);
  EXPECT_FALSE(n.open_tail);
}

TEST_F(SliceQueueTest, first_in_first_out) {
  queue_.push(node(1));
  queue_.push(node(2));
  queue_.push(node(3));
  EXPECT_EQ(queue_.front()->sequence, 1U);
  EXPECT_EQ(queue_.back()->sequence, 3U);
  queue_.pop(pool_);
  EXPECT_EQ(sequences(), (std::vector<std::uint32_t>{2, 3}));
  EXPECT_EQ(pool_.free_count(), 2U);
}

TEST_F(SliceQueueTest, empties_and_fills_again) {
  queue_.push(node(1));
  queue_.pop(pool_);
  EXPECT_TRUE(queue_.empty());
  EXPECT_EQ(queue_.back(), nullptr);
  queue_.push(node(2));
  EXPECT_EQ(queue_.front(), queue_.back());
}

TEST_F(SliceQueueTest, inserts_at_the_front_in_the_middle_and_at_the_end) {
  queue_.insert_after(nullptr, node(2));
  queue_.insert_after(queue_.back(), node(4));
  queue_.insert_after(nullptr, node(1));
  queue_.insert_after(queue_.front()->next, node(3));
  EXPECT_EQ(sequences(), (std::vector<std::uint32_t>{1, 2, 3, 4}));
  EXPECT_EQ(queue_.back()->sequence, 4U);
}

TEST_F(SliceQueueTest, take_front_hands_the_node_over) {
  queue_.push(node(1));
  queue_.push(node(2));
  SliceNode& first = queue_.take_front();
  EXPECT_EQ(first.sequence, 1U);
  EXPECT_EQ(first.next, nullptr);
  queue_.push(first);
  EXPECT_EQ(sequences(), (std::vector<std::uint32_t>{2, 1}));
}

TEST_F(SliceQueueTest, clear_brings_all_home) {
  queue_.push(node(1));
  queue_.push(node(2));
  queue_.clear(pool_);
  EXPECT_TRUE(queue_.empty());
  EXPECT_EQ(pool_.free_count(), 4U);
  EXPECT_EQ(frame_.slices, 0U);
  EXPECT_EQ(home_.returned, 1);
}

}  // namespace
}  // namespace sluice
