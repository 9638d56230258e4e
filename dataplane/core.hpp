// What code on a worker's core (a callback, posted work, a coroutine) may ask of it beside streams:
// the time, timers, and to hear when the engine stops.
//
//     class Patience : public sluice::Timer { void on_timer() override { stream->abort(); } };
//     sluice::Core::here().arm(patience, sluice::Duration::seconds(5));
#pragma once

#include <cstdint>

#include "dataplane/shard/timer_wheel.hpp"
#include "proto/base/intrusive_list.hpp"
#include "proto/base/time.hpp"

namespace sluice {

class Core;

// Calls back once on the core where it was armed, at most 131 us late while that has the time.
// Belongs to that core; one that goes is disarmed, and so are all that are left when the core ends.
class Timer : private WheelNode {
 public:
  Timer() = default;
  bool is_armed() const { return WheelNode::is_armed(); }
  void disarm() { unlink(); }

 protected:
  ~Timer() { disarm(); }
  // Not armed any more. It may arm itself anew, and it may be destroyed.
  virtual void on_timer() = 0;

 private:
  friend class Core;
};

struct ResidentTag {};

// Hears of the end of its core: first that the engine stops, then that nothing will run here again.
// Belongs to the core that it was added to; one that goes is told nothing.
class Resident : private ListNode<ResidentTag> {
 public:
  Resident() = default;
  void leave() { unlink(); }

 protected:
  ~Resident() { leave(); }
  // stop() has closed the listeners and sent FINs; connections drain. Neither adds nor removes
  // residents.
  virtual void on_stopping() {}
  // The last connection is gone, as is this resident's place in the list.
  virtual void on_core_end() {}

 private:
  friend class Core;
  template <class T, class Tag>
  friend class IntrusiveList;
};

class Core {
 public:
  Core(std::uint32_t worker, Instant now) : worker_(worker), now_(now), wheel_(now) {}
  ~Core();
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  // Of the calling thread. here() throws std::logic_error where there is none.
  static Core* current();
  static Core& here();

  std::uint32_t worker() const { return worker_; }  // its number among the engine's
  Instant now() const { return now_; }              // of this turn
  bool is_stopping() const { return is_stopping_; }
  bool has_ended() const { return has_ended_; }

  // Replaces what it was armed for. Times beyond what an Instant holds are never.
  void arm(Timer& timer, Duration from_now);
  void add(Resident& resident) { residents_.push_back(resident); }

  // --- for the worker -------------------------------------------------------------------------
  void enter();  // the calling thread is this core
  void begin_turn(Instant now) { now_ = now; }
  // Calls timers that are due, at most a few hundred; next_deadline() tells when more are.
  void on_time();
  Instant next_deadline() const { return wheel_.next_deadline(); }
  void begin_stop();
  void end();

 private:
  std::uint32_t worker_;
  Instant now_;
  bool is_stopping_ = false;
  bool has_ended_ = false;
  TimerWheel wheel_;
  IntrusiveList<Resident, ResidentTag> residents_;
};

}  // namespace sluice
