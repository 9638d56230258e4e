#include "dataplane/shard/timer_wheel.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

#include "proto/base/rng.hpp"

namespace sluice {
namespace {

constexpr std::int64_t kTick = 65'536;

struct Node : WheelNode {
  std::uint64_t id = 0;
};

Instant at(std::int64_t ns) {
  return Instant::from_ns(ns);
}

// The first moment at which a wheel may fire a deadline: its tick, rounded up.
std::int64_t rounded_up(std::int64_t ns) {
  return (ns + kTick - 1) / kTick * kTick;
}

TEST(TimerWheel, IsEmptyAtFirst) {
  TimerWheel wheel(at(123'456'789));
  EXPECT_TRUE(wheel.next_deadline().is_never());
  EXPECT_EQ(wheel.pop_due(at(1'000'000'000'000)), nullptr);
}

TEST(TimerWheel, FiresAtTheTickAndNotBefore) {
  // In each level, at the edges between them, and beyond the last.
  for (const std::int64_t ticks :
       {1LL, 2LL, 255LL, 256LL, 257LL, 65'535LL, 65'536LL, 65'537LL, 16'777'215LL, 16'777'216LL,
        16'777'217LL, (1LL << 32) - 1, 1LL << 32, (1LL << 32) + 1, 5LL << 32}) {
    for (const std::int64_t start : {0LL, 12'345LL * kTick, (1LL << 24) * kTick - kTick}) {
      TimerWheel wheel(at(start));
      Node node;
      const std::int64_t deadline = start + ticks * kTick - 7;
      wheel.arm(node, at(deadline));
      EXPECT_TRUE(node.is_armed());
      EXPECT_EQ(wheel.pop_due(at(rounded_up(deadline) - 1)), nullptr) << ticks;
      EXPECT_EQ(wheel.pop_due(at(rounded_up(deadline))), &node) << ticks;
      EXPECT_FALSE(node.is_armed());
    }
  }
}

TEST(TimerWheel, WhatIsPastFiresAtTheNextTick) {
  TimerWheel wheel(at(10 * kTick));
  Node node;
  wheel.arm(node, at(3 * kTick));
  EXPECT_EQ(wheel.pop_due(at(11 * kTick - 1)), nullptr);
  EXPECT_EQ(wheel.pop_due(at(11 * kTick)), &node);
}

TEST(TimerWheel, CancelledNodesStaySilent) {
  TimerWheel wheel(at(0));
  Node node;
  wheel.cancel(node);  // never armed
  wheel.arm(node, at(5 * kTick));
  wheel.cancel(node);
  EXPECT_EQ(wheel.pop_due(at(100 * kTick)), nullptr);
}

TEST(TimerWheel, ADueNodeMayBeCancelled) {
  TimerWheel wheel(at(0));
  Node first;
  Node second;
  wheel.arm(first, at(5 * kTick));
  wheel.arm(second, at(5 * kTick));
  WheelNode* const popped = wheel.pop_due(at(5 * kTick));
  wheel.cancel(popped == &first ? second : first);
  EXPECT_EQ(wheel.pop_due(at(100 * kTick)), nullptr);
}

TEST(TimerWheel, ABudgetLeavesTheRestDue) {
  TimerWheel wheel(at(0));
  std::vector<Node> nodes(10);
  for (Node& node : nodes) wheel.arm(node, at(7 * kTick));
  for (int i = 0; i < 4; ++i) EXPECT_NE(wheel.pop_due(at(7 * kTick)), nullptr);
  EXPECT_LE(wheel.next_deadline(), at(7 * kTick));
  int rest = 0;
  while (wheel.pop_due(at(7 * kTick)) != nullptr) ++rest;
  EXPECT_EQ(rest, 6);
  EXPECT_TRUE(wheel.next_deadline().is_never());
}

// The wheel beside a sorted list: the same nodes at the same ticks, whatever is armed, moved and
// cancelled between.
class WheelModel {
 public:
  explicit WheelModel(std::uint64_t seed) : rng_(seed), wheel_(at(0)), nodes_(60) {
    for (std::size_t i = 0; i < nodes_.size(); ++i) nodes_[i].id = i;
  }
  ~WheelModel() {
    for (Node& node : nodes_) wheel_.cancel(node);
  }

  void step() {
    Node& node = nodes_[rng_.below(nodes_.size())];
    switch (rng_.below(4)) {
      case 0:
        wheel_.cancel(node);
        armed_.erase(node.id);
        return;
      case 1: return advance();
      default: return arm(node);
    }
  }

 private:
  std::int64_t draw_span() {
    const auto bits = rng_.below(42);
    return static_cast<std::int64_t>(rng_.below(std::uint64_t{1} << (bits + 8)));
  }
  void arm(Node& node) {
    const std::int64_t deadline = now_ + draw_span();
    wheel_.arm(node, at(deadline));
    const std::int64_t next_tick = (now_ / kTick + 1) * kTick;
    armed_[node.id] = std::max(rounded_up(deadline), next_tick);
  }
  // Half of the time by jumps of any length, half from one promised deadline to the next.
  void advance() {
    const bool jumps = rng_.chance(0.5);
    const std::int64_t target = now_ + draw_span();
    while (now_ < target) {
      now_ = jumps ? target : std::min(target, std::max(now_ + 1, wheel_.next_deadline().ns()));
      while (auto* const node = static_cast<Node*>(wheel_.pop_due(at(now_)))) {
        const auto found = armed_.find(node->id);
        ASSERT_NE(found, armed_.end()) << "fired what is not armed";
        EXPECT_LE(found->second, now_) << "fired early";
        if (!jumps) {
          EXPECT_EQ(found->second, now_) << "fired late";
        }
        armed_.erase(found);
      }
      for (const auto& [id, tick] : armed_) ASSERT_GT(tick, now_) << "did not fire node " << id;
      check_next_deadline();
    }
  }
  void check_next_deadline() {
    if (armed_.empty()) return;
    const auto earliest = std::min_element(armed_.begin(), armed_.end(),
                                           [](auto& a, auto& b) { return a.second < b.second; });
    EXPECT_LE(wheel_.next_deadline().ns(), earliest->second) << "would wake too late";
    EXPECT_GT(wheel_.next_deadline().ns(), now_) << "would wake for nothing";
  }

  Rng rng_;
  TimerWheel wheel_;
  std::vector<Node> nodes_;
  std::map<std::uint64_t, std::int64_t> armed_;  // to the tick at which each must fire
  std::int64_t now_ = 0;
};

TEST(TimerWheel, AgreesWithASortedList) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    WheelModel model(seed);
    for (int i = 0; i < 1500 && !::testing::Test::HasFatalFailure(); ++i) model.step();
    ASSERT_FALSE(::testing::Test::HasFailure()) << "seed " << seed;
  }
}

}  // namespace
}  // namespace sluice
