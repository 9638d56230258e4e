// What comes to a worker from other threads: commands from any, packets and frames from the other
// workers. Lock-free and bounded.
#pragma once

#include <concurrentqueue/concurrentqueue.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "dataplane/shard/command.hpp"
#include "proto/base/frame.hpp"
#include "proto/wire/packet.hpp"

namespace sluice {

// A packet on its way to the worker that owns its flow. The frame belongs to whoever holds this
// value, and to nobody else: no slice looks into it.
struct HandedPacket {
  Frame* frame = nullptr;
  std::uint32_t offset = 0;  // of the IP header in the frame
  std::uint32_t length = 0;
  std::uint32_t reader = 0;  // the worker whose frame it is
  wire::Packet packet;       // as parsed by the reader
};

// The worker says when it is about to sleep; of the producers that come then, the first is told to
// wake it.
class Inbox {
 public:
  struct Capacity {
    std::size_t commands = 0;  // of all threads together
    std::size_t packets = 0;   // of all workers together; a few more if they come at the same time
    std::size_t frames = 0;    // the worker's whole pool: none is ever refused
    std::size_t workers = 1;   // that push packets and frames
  };

  explicit Inbox(const Capacity& capacity)
      : capacity_(capacity),
        commands_(capacity.commands),
        packets_(capacity.packets, std::min(capacity.workers, kReadyLanes), 0),
        frames_(capacity.frames, std::min(capacity.workers, kReadyLanes), 0) {}

  // The way in of one worker: made before the work begins, used on that worker's thread.
  class Lane {
   public:
    explicit Lane(Inbox& inbox) : packets_(inbox.packets_), frames_(inbox.frames_) {}

   private:
    friend class Inbox;
    moodycamel::ProducerToken packets_;
    moodycamel::ProducerToken frames_;
  };

  enum class Pushed : std::uint8_t { full, done, done_wake_it };

  // The bounds are ours, and not those of moodycamel's preallocated blocks: a producer keeps the
  // blocks that it has used, so that one which has filled them all would leave the others none.

  // From any thread.
  Pushed push(Command command) { return push_within(capacity_.commands, std::move(command)); }
  // Refused only once the inbox is closed: for what nobody could make up for.
  Pushed push_always(Command command) { return push_within(kClosed, std::move(command)); }
  // All of them, in order, or none.
  Pushed push(Lane& lane, std::span<const HandedPacket> packets) {
    const bool taken = packets_.size_approx() + packets.size() <= capacity_.packets &&
                       packets_.enqueue_bulk(lane.packets_, packets.data(), packets.size());
    return taken ? ring() : Pushed::full;
  }
  // Frames of this inbox's worker, on their way home. Wakes it only when it waits for them.
  Pushed push(Lane& lane, std::span<Frame* const> frames) {
    frames_.enqueue_bulk(lane.frames_, frames.data(), frames.size());
    const bool starved = state_.fetch_add(0, std::memory_order_acq_rel) == kStarved;
    return starved ? ring() : Pushed::done;
  }

  // The worker's own calls. The spans say how many are wanted at most; the count how many came.
  // Refuses commands from now on. Those that were taken before can still be popped: all of them,
  // though perhaps not at once, as long as has_commands().
  void close() { waiting_.fetch_or(kClosed, std::memory_order_acq_rel); }
  bool has_commands() const { return (waiting_.load(std::memory_order_acquire) & ~kClosed) != 0; }
  bool pop(Command& command) {
    const bool popped = commands_.try_dequeue(command);
    if (popped) waiting_.fetch_sub(1, std::memory_order_relaxed);
    return popped;
  }
  std::size_t pop(std::span<HandedPacket> packets) {
    return packets_.try_dequeue_bulk(packets.data(), packets.size());
  }
  std::size_t pop(std::span<Frame*> frames) {
    return frames_.try_dequeue_bulk(frames.data(), frames.size());
  }

  // Says so and looks once more: false when there is something to do after all. A starved worker
  // has no frame left to read into.
  bool try_sleep(bool starved = false) {
    state_.exchange(starved ? kStarved : kAsleep, std::memory_order_acq_rel);
    const bool nothing = commands_.size_approx() == 0 && packets_.size_approx() == 0 &&
                         (!starved || frames_.size_approx() == 0);
    if (!nothing) awake();
    return nothing;
  }
  void awake() { state_.exchange(kAwake, std::memory_order_acq_rel); }

 private:
  enum State : std::uint8_t { kAwake, kAsleep, kStarved };
  // So many find their blocks made. More lanes than that make theirs with their first packets:
  // memory for all of them would grow with the square of the workers.
  static constexpr std::size_t kReadyLanes = 8;
  static constexpr std::size_t kClosed = ~(SIZE_MAX >> 1);

  Pushed push_within(std::size_t most, Command command) {
    const bool has_room = waiting_.fetch_add(1, std::memory_order_acq_rel) < most;
    if (has_room && commands_.enqueue(std::move(command))) return ring();
    waiting_.fetch_sub(1, std::memory_order_relaxed);
    return Pushed::full;
  }
  Pushed ring() {
    const std::uint8_t before = state_.exchange(kAwake, std::memory_order_acq_rel);
    return before == kAwake ? Pushed::done : Pushed::done_wake_it;
  }

  const Capacity capacity_;
  std::atomic<std::size_t> waiting_{0};  // commands; and kClosed
  moodycamel::ConcurrentQueue<Command> commands_;
  moodycamel::ConcurrentQueue<HandedPacket> packets_;
  moodycamel::ConcurrentQueue<Frame*> frames_;
  // Only ever exchanged (or read by an exchange of nothing), never stored: each sees the one before
  // it and what came before that. So either the worker's look sees what was pushed, or the producer
  // sees it asleep, with no fence (which ThreadSanitizer would not understand).
  std::atomic<std::uint8_t> state_{kAwake};
};

}  // namespace sluice
