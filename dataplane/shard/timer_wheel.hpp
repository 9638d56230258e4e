// A hierarchical timer wheel: 4 levels of 256 slots, a tick of 64 us (2^16 ns), exact to the tick.
// (Varghese and Lauck 1987, scheme 7.) Deadlines round up; a node is never fired early.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "proto/base/intrusive_list.hpp"
#include "proto/base/time.hpp"

namespace sluice {

struct WheelTag {};

// Derive from it what has a deadline. Must be cancelled before it goes.
class WheelNode : public ListNode<WheelTag> {
 public:
  // When it will fire; Instant::never() when it is in no wheel.
  bool is_armed() const { return is_linked(); }
  std::uint64_t tick() const { return tick_; }

 private:
  friend class TimerWheel;
  std::uint64_t tick_ = 0;
};

class TimerWheel {
 public:
  explicit TimerWheel(Instant now) : current_(floor_tick(now)) {}
  ~TimerWheel();

  // Arms `node` for `deadline`, replacing what it was armed for.
  void arm(WheelNode& node, Instant deadline);
  void cancel(WheelNode& node);
  void clear();  // cancels all

  // Moves time on to `now` and takes out one node that is due; null when there is none left. Call
  // until null, or until a budget is used up: the rest stays due.
  WheelNode* pop_due(Instant now);

  // When pop_due() should be called; never() when nothing is armed. May be earlier than the first
  // deadline: once a level, when nodes move down, and for a node that was cancelled.
  Instant next_deadline() const;

  // The tick that `deadline` rounds up to.
  static std::uint64_t ceil_tick(Instant deadline) {
    return static_cast<std::uint64_t>(deadline.ns() + (1 << kTickShift) - 1) >> kTickShift;
  }

 private:
  static constexpr int kTickShift = 16;  // 65,536 ns
  static constexpr int kLevels = 4;
  static constexpr int kSlotBits = 8;
  static constexpr std::uint64_t kSlots = 1 << kSlotBits;
  static constexpr std::uint64_t kNone = UINT64_MAX;

  struct Level {
    std::array<IntrusiveList<WheelNode, WheelTag>, kSlots> slots;
    std::array<std::uint64_t, kSlots / 64> occupied{};  // may hold bits of emptied slots

    // Distance (1 to 256) from `slot` to the next occupied one, or 0.
    std::uint64_t distance_to_next(std::uint64_t slot) const;
  };

  static std::uint64_t floor_tick(Instant now) {
    return static_cast<std::uint64_t>(now.ns()) >> kTickShift;
  }
  void place(WheelNode& node);
  void take_slot(int level, std::uint64_t slot, IntrusiveList<WheelNode, WheelTag>& into);
  std::uint64_t next_event_tick() const;
  void move_to(std::uint64_t tick);

  std::uint64_t current_;
  std::uint64_t next_ = kNone;  // no slot comes before; its nodes may have been cancelled
  std::array<Level, kLevels> levels_;
  IntrusiveList<WheelNode, WheelTag> due_;
};

}  // namespace sluice
