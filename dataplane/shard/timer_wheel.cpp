#include "dataplane/shard/timer_wheel.hpp"

#include <algorithm>

namespace sluice {

TimerWheel::~TimerWheel() {
  for (const Level& level : levels_) {
    for (const auto& slot : level.slots) SLUICE_ASSERT(slot.empty());
  }
}

void TimerWheel::arm(WheelNode& node, Instant deadline) {
  cancel(node);
  node.tick_ = std::max(ceil_tick(deadline), current_ + 1);
  place(node);
}

void TimerWheel::cancel(WheelNode& node) {
  node.unlink();
}

void TimerWheel::clear() {
  while (!due_.empty()) due_.pop_front();
  for (Level& level : levels_) {
    for (auto& slot : level.slots) {
      while (!slot.empty()) slot.pop_front();
    }
  }
}

void TimerWheel::place(WheelNode& node) {
  constexpr std::uint64_t kSpan = 1ULL << (kLevels * kSlotBits);
  // What lies beyond the last level waits in its farthest slot and is placed again from there.
  const std::uint64_t ahead = std::min(node.tick_ - current_, kSpan - 1);
  const auto width = static_cast<int>(std::bit_width(ahead | 1));
  const int level = (width - 1) / kSlotBits;
  const std::uint64_t slot = ((current_ + ahead) >> (level * kSlotBits)) % kSlots;
  levels_[static_cast<std::size_t>(level)].slots[slot].push_back(node);
  levels_[static_cast<std::size_t>(level)].occupied[slot / 64] |= 1ULL << (slot % 64);
  const int shift = level * kSlotBits;
  next_ = std::min(next_, (current_ + ahead) >> shift << shift);
}

std::uint64_t TimerWheel::Level::distance_to_next(std::uint64_t slot) const {
  const std::uint64_t start = slot + 1;
  for (std::uint64_t checked = 0; checked < kSlots + 64;) {
    const std::uint64_t position = (start + checked) % kSlots;
    const std::uint64_t word = occupied[position / 64] >> (position % 64);
    if (word != 0) {
      const std::uint64_t distance =
          checked + static_cast<std::uint64_t>(std::countr_zero(word)) + 1;
      return distance <= kSlots ? distance : 0;
    }
    checked += 64 - position % 64;
  }
  return 0;
}

std::uint64_t TimerWheel::next_event_tick() const {
  std::uint64_t first = kNone;
  for (int i = 0; i < kLevels; ++i) {
    const int shift = i * kSlotBits;
    const std::uint64_t position = current_ >> shift;
    const Level& level = levels_[static_cast<std::size_t>(i)];
    const std::uint64_t distance = level.distance_to_next(position % kSlots);
    if (distance != 0) first = std::min(first, (position + distance) << shift);
  }
  return first;
}

void TimerWheel::take_slot(int level, std::uint64_t slot,
                           IntrusiveList<WheelNode, WheelTag>& into) {
  Level& from = levels_[static_cast<std::size_t>(level)];
  into.append(from.slots[slot]);
  from.occupied[slot / 64] &= ~(1ULL << (slot % 64));
}

void TimerWheel::move_to(std::uint64_t tick) {
  current_ = tick;
  IntrusiveList<WheelNode, WheelTag> moved;
  for (int level = kLevels - 1; level > 0; --level) {
    const int shift = level * kSlotBits;
    const bool begins_slot = (tick & ((1ULL << shift) - 1)) == 0;
    if (begins_slot) take_slot(level, (tick >> shift) % kSlots, moved);
  }
  take_slot(0, tick % kSlots, moved);
  while (!moved.empty()) {
    WheelNode& node = moved.pop_front();
    if (node.tick_ <= tick) {
      due_.push_back(node);
    } else {
      place(node);
    }
  }
}

WheelNode* TimerWheel::pop_due(Instant now) {
  const std::uint64_t target = floor_tick(now);
  while (due_.empty()) {
    if (next_ <= target) next_ = next_event_tick();
    if (next_ > target) {
      current_ = std::max(current_, target);
      return nullptr;
    }
    move_to(next_);
  }
  return &due_.pop_front();
}

Instant TimerWheel::next_deadline() const {
  if (!due_.empty()) return Instant();
  if (next_ == kNone) return Instant::never();
  return Instant::from_ns(static_cast<std::int64_t>(next_ << kTickShift));
}

}  // namespace sluice
