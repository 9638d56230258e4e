// What the workers of one engine share: each other's inboxes, and when to begin and to leave.
#pragma once

#include <atomic>
#include <barrier>
#include <cstdint>
#include <memory>
#include <vector>

#include "dataplane/io/tun_queue.hpp"
#include "dataplane/worker/inbox.hpp"

namespace sluice {

// Made before the workers, gone after them. Any thread.
class Crew {
 public:
  Crew(std::uint32_t workers, const Inbox::Capacity& capacity);

  std::uint32_t size() const { return static_cast<std::uint32_t>(members_.size()); }
  Inbox& inbox(std::uint32_t worker) { return members_[worker]->inbox; }
  // Set by each worker before it reports itself ready, read by the others once all have begun.
  void set_queue(std::uint32_t worker, io::TunQueue& queue) { members_[worker]->queue = &queue; }
  io::TunQueue& queue(std::uint32_t worker) { return *members_[worker]->queue; }

  // Workers that are ready wait until all are: then the engine says `begin`, or `dismiss` when one
  // of them could not start.
  void begin() { give_word(Word::begin); }
  void dismiss() { give_word(Word::dismiss); }
  // True: begin.
  bool wait_for_word();

  // Stopping. A worker without connections goes on reading its queue until all are at that point:
  // what it reads may be for another.
  void report_drained() { undrained_.fetch_sub(1, std::memory_order_acq_rel); }
  bool all_drained() const { return undrained_.load(std::memory_order_acquire) == 0; }
  // Waits until all workers have come here.
  void meet() { meeting_.arrive_and_wait(); }

 private:
  enum class Word : std::uint8_t { wait, begin, dismiss };
  struct Member {
    explicit Member(const Inbox::Capacity& capacity) : inbox(capacity) {}
    Inbox inbox;
    io::TunQueue* queue = nullptr;
  };

  void give_word(Word word);

  std::vector<std::unique_ptr<Member>> members_;
  std::atomic<Word> word_{Word::wait};
  std::atomic<std::uint32_t> undrained_;
  std::barrier<> meeting_;
};

}  // namespace sluice
