// A coroutine that waits: for an event, but no longer than it was allowed to.
#pragma once

#include <coroutine>

#include "dataplane/core.hpp"
#include "dataplane/coroutine/outcome.hpp"

namespace sluice::co {

struct CancelTag {};
class Canceller;

// Lives in the frame of the coroutine that waits, so that waiting allocates nothing; when that
// frame is destroyed, it has never waited.
class Wait : private Timer, private Resident, private ListNode<CancelTag> {
 public:
  Wait(const Wait&) = delete;
  Wait& operator=(const Wait&) = delete;

 protected:
  explicit Wait(bool ends_when_stopping = false) : hears_stop_(ends_when_stopping) {}
  ~Wait() { unlink_canceller(); }

  // False when there is nothing to wait for: it is cancelled already.
  bool suspend(std::coroutine_handle<> waiting);
  // The event came: the coroutine goes on, before this returns. The last thing to do.
  void wake(Outcome outcome);
  // As wake(), but from the core's own loop, soon: not out of what runs now.
  void wake_soon(Outcome outcome);
  // Nothing is waited for any more: the event came, or there was none to wait for.
  void settle();

  void set_limit(Duration limit) { limit_ = limit; }
  void set_canceller(Canceller& canceller) { canceller_ = &canceller; }
  Outcome outcome() const { return outcome_; }
  void set_outcome(Outcome outcome) { outcome_ = outcome; }

 private:
  friend class Canceller;
  template <class T, class Tag>
  friend class sluice::IntrusiveList;

  // Given up: whoever would bring the event shall not.
  virtual void detach() {}
  void on_timer() final;
  void on_stopping() final;
  void unlink_canceller() { ListNode<CancelTag>::unlink(); }

  static constexpr Duration kForever = Duration::nanoseconds(INT64_MAX);

  std::coroutine_handle<> waiting_;
  Canceller* canceller_ = nullptr;
  Duration limit_ = kForever;
  Outcome outcome_ = Outcome::timeout;  // until the event comes
  bool hears_stop_;
};

// What co_await works on: the wait itself stays where it is.
template <class Self>
struct Awaiter {
  bool await_ready() { return wait.await_ready(); }
  bool await_suspend(std::coroutine_handle<> waiting) { return wait.await_suspend(waiting); }
  auto await_resume() { return wait.await_resume(); }
  Self& wait;
};

// A wait that can be called off.
template <class Self>
class Cancellable : public Wait {
 public:
  using Wait::Wait;
  // Outcome::cancelled once that is; it must live as long as somebody waits.
  Self& unless(Canceller& canceller) {
    this->set_canceller(canceller);
    return static_cast<Self&>(*this);
  }
  Awaiter<Self> operator co_await() { return {static_cast<Self&>(*this)}; }
};

// A wait that can be limited, too: `co_await stream.read().within(t).unless(canceller)`.
template <class Self>
class Limited : public Cancellable<Self> {
 public:
  using Cancellable<Self>::Cancellable;
  // Outcome::timeout when it takes longer.
  Self& within(Duration limit) {
    this->set_limit(limit);
    return static_cast<Self&>(*this);
  }
};

// Ends what waits with unless(), now and later. Belongs to the core of those that wait; from
// elsewhere, post to it.
class Canceller {
 public:
  Canceller() = default;
  ~Canceller();
  Canceller(const Canceller&) = delete;
  Canceller& operator=(const Canceller&) = delete;

  // Those that wait go on soon, and not before this returns.
  void cancel();
  bool is_cancelled() const { return is_cancelled_; }

 private:
  friend class Wait;

  bool is_cancelled_ = false;
  IntrusiveList<Wait, CancelTag> waiting_;
};

// --- a while -----------------------------------------------------------------------------------

class [[nodiscard]] SleepWait final : public Cancellable<SleepWait> {
 public:
  explicit SleepWait(Duration duration) : Cancellable(true) { set_limit(duration); }
  bool await_ready() const { return false; }
  bool await_suspend(std::coroutine_handle<> waiting) { return suspend(waiting); }
  Result<> await_resume() {
    settle();
    return outcome() == Outcome::timeout ? Outcome::ok : outcome();
  }
};

// ok when the time is over; others go on meanwhile, also when it is none.
inline SleepWait sleep(Duration duration) {
  return SleepWait(duration);
}

}  // namespace sluice::co
