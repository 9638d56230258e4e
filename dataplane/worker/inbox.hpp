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
    std::atomic_thread_fence(std::memory_order_seq_cst);
    const bool sleeps = sleeping_.exchange(false, std::memory_order_acq_rel);
    return sleeps ? Pushed::done_wake_it : Pushed::done;
  }

  bool pop(Command& command) { return queue_.try_dequeue(command); }

  // Set `sleeping`, full fence, look once more: false when there is something to do after all.
  bool try_sleep() {
    sleeping_.store(true, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (queue_.size_approx() == 0) return true;
    awake();
    return false;
  }
  void awake() { sleeping_.store(false, std::memory_order_relaxed); }

 private:
  moodycamel::ConcurrentQueue<Command> queue_;
  std::atomic<bool> sleeping_{false};
};

}  // namespace sluice
