// Where other threads leave commands for a worker: bounded, lock-free, allocating nothing.
#pragma once

#include <concurrentqueue/concurrentqueue.h>

#include <atomic>
#include <utility>

#include "dataplane/shard/command.hpp"

namespace sluice {

// Any thread pushes, the worker's thread pops. The worker says when it is about to sleep; of the
// producers that come then, the first is told to wake it.
class Inbox {
 public:
  explicit Inbox(std::size_t capacity) : queue_(capacity) {}

  enum class Pushed : std::uint8_t { full, done, done_wake_it };

  Pushed push(Command command) {
    if (!queue_.try_enqueue(std::move(command))) return Pushed::full;
    const bool sleeps = sleeping_.exchange(false, std::memory_order_acq_rel);
    return sleeps ? Pushed::done_wake_it : Pushed::done;
  }

  bool pop(Command& command) { return queue_.try_dequeue(command); }

  // Set `sleeping`, look once more: false when there is something to do after all.
  bool try_sleep() {
    sleeping_.exchange(true, std::memory_order_acq_rel);
    if (queue_.size_approx() == 0) return true;
    awake();
    return false;
  }
  void awake() { sleeping_.exchange(false, std::memory_order_acq_rel); }

 private:
  moodycamel::ConcurrentQueue<Command> queue_;
  // Only ever exchanged, never stored: each exchange sees the one before it and what came before
  // that. So either the worker's look sees what was pushed, or the producer sees it asleep, with no
  // fence (which ThreadSanitizer would not understand).
  std::atomic<bool> sleeping_{false};
};

}  // namespace sluice
