#include "proto/base/intrusive_list.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace sluice {
namespace {

struct ReadyTag {};
struct TimerTag {};

struct Item : ListNode<ReadyTag>, ListNode<TimerTag> {
  explicit Item(int v) : value(v) {}
  int value;
};

using Ready = IntrusiveList<Item, ReadyTag>;
using Timers = IntrusiveList<Item, TimerTag>;

std::vector<int> drain(Ready& list) {
  std::vector<int> values;
  while (!list.empty()) values.push_back(list.pop_front().value);
  return values;
}

bool is_ready(const Item& item) {
  return static_cast<const ListNode<ReadyTag>&>(item).is_linked();
}

class IntrusiveListTest : public testing::Test {
 protected:
  Item a_{1};
  Item b_{2};
  Item c_{3};
  Ready list_;
};

TEST_F(IntrusiveListTest, keeps_order_at_both_ends) {
  list_.push_back(a_);
  list_.push_back(b_);
  list_.push_front(c_);
  EXPECT_EQ(list_.front().value, 3);
  EXPECT_EQ(drain(list_), (std::vector<int>{3, 1, 2}));
}

TEST_F(IntrusiveListTest, an_element_knows_whether_it_is_linked) {
  EXPECT_FALSE(is_ready(a_));
  list_.push_back(a_);
  EXPECT_TRUE(is_ready(a_));
  EXPECT_FALSE(is_ready(b_));
  list_.pop_front();
  EXPECT_FALSE(is_ready(a_));
}

TEST_F(IntrusiveListTest, unlinks_from_the_middle_and_forgives_a_second_time) {
  list_.push_back(a_);
  list_.push_back(b_);
  list_.push_back(c_);
  b_.ListNode<ReadyTag>::unlink();
  b_.ListNode<ReadyTag>::unlink();
  EXPECT_EQ(drain(list_), (std::vector<int>{1, 3}));
}

TEST_F(IntrusiveListTest, an_element_is_in_one_list_for_each_tag) {
  Timers timers;
  list_.push_back(a_);
  timers.push_back(a_);
  EXPECT_EQ(&list_.pop_front(), &a_);
  EXPECT_FALSE(timers.empty());
  EXPECT_EQ(&timers.pop_front(), &a_);
}

TEST_F(IntrusiveListTest, append_moves_all_in_order) {
  Ready other;
  list_.push_back(a_);
  other.push_back(b_);
  other.push_back(c_);
  list_.append(other);
  EXPECT_TRUE(other.empty());
  list_.append(other);  // of nothing
  EXPECT_EQ(drain(list_), (std::vector<int>{1, 2, 3}));
}

TEST_F(IntrusiveListTest, append_to_an_empty_list) {
  Ready other;
  other.push_back(b_);
  list_.append(other);
  list_.push_back(a_);
  EXPECT_EQ(drain(list_), (std::vector<int>{2, 1}));
}

TEST_F(IntrusiveListTest, for_each_allows_unlinking_the_visited_element) {
  list_.push_back(a_);
  list_.push_back(b_);
  list_.push_back(c_);
  std::vector<int> visited;
  list_.for_each([&visited](Item& item) {
    visited.push_back(item.value);
    if (item.value != 2) item.ListNode<ReadyTag>::unlink();
  });
  EXPECT_EQ(visited, (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(drain(list_), std::vector<int>{2});
}

using IntrusiveListDeathTest = IntrusiveListTest;

TEST_F(IntrusiveListDeathTest, refuses_misuse) {
  EXPECT_DEATH(list_.front(), "");
  EXPECT_DEATH(
      {
        list_.push_back(a_);
        list_.push_back(a_);
      },
      "");
  EXPECT_DEATH(
      {
        Item gone(4);
        list_.push_back(gone);
      },
      "");
}

}  // namespace
}  // namespace sluice
