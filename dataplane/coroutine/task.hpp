// A coroutine that is awaited by another one, or started, and that lives no longer than its Task.
//
//     sluice::co::Task<int> answer();                 // nothing has happened yet
//     int a = co_await answer();                      // runs it; what it throws comes out here
//     auto b = co_await answer().within(seconds(5));  // Result<int>: destroyed when it takes
//     longer auto c = answer(); c.start(); ...; co_await c;  // runs beside the caller, on the same
//     core
//
// A frame is allocated for each call of a coroutine, and nothing else. Destroying a task that has
// not ended cancels it: what its frame holds is destroyed where it stands, innermost first. A task
// belongs to one core; it cannot destroy itself while it runs.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "dataplane/coroutine/wait.hpp"

namespace sluice::co {

template <class T = void>
class Task;

namespace detail {

class PromiseBase {
 public:
  std::suspend_always initial_suspend() noexcept { return {}; }
  auto final_suspend() noexcept {
    struct Continue {
      bool await_ready() noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<>) noexcept { return next; }
      void await_resume() noexcept {}
      std::coroutine_handle<> next;
    };
    return Continue{continuation_};
  }
  void unhandled_exception() { exception_ = std::current_exception(); }

  void set_continuation(std::coroutine_handle<> waiting) { continuation_ = waiting; }
  void rethrow() const {
    if (exception_) std::rethrow_exception(exception_);
  }

 private:
  std::coroutine_handle<> continuation_ = std::noop_coroutine();
  std::exception_ptr exception_;
};

template <class T>
class Promise : public PromiseBase {
 public:
  Task<T> get_return_object();
  template <class Value>
  void return_value(Value&& value) {
    value_.emplace(std::forward<Value>(value));
  }
  T take() {
    rethrow();
    return std::move(*value_);
  }

 private:
  std::optional<T> value_;
};

template <>
class Promise<void> : public PromiseBase {
 public:
  Task<void> get_return_object();
  void return_void() {}
  void take() const { rethrow(); }
};

}  // namespace detail

template <class T>
class [[nodiscard]] TaskWait;

template <class T>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::Promise<T>;

  Task(Task&& other) noexcept
      : frame_(std::exchange(other.frame_, nullptr)), started_(other.started_) {}
  Task& operator=(Task other) noexcept {
    std::swap(frame_, other.frame_);
    std::swap(started_, other.started_);
    return *this;
  }
  ~Task() { cancel(); }

  // Runs until it waits for the first time, and then whenever what it waits for has come. Once.
  // What it throws comes out where it is awaited; where it never is, it is lost.
  void start() {
    started_ = true;
    frame_.resume();
  }
  bool is_done() const { return frame_.done(); }
  // What a destructor does, now.
  void cancel() {
    if (frame_) std::exchange(frame_, nullptr).destroy();
  }

  // For one waiter, once. The task is over then.
  auto operator co_await() {
    struct Awaiter {
      bool await_ready() const { return task.started_ && task.is_done(); }
      bool await_suspend(std::coroutine_handle<> waiting) { return task.run_for(waiting); }
      T await_resume() { return task.frame_.promise().take(); }
      Task& task;
    };
    return Awaiter{*this};
  }
  // Result<T>: without a value when it was destroyed for taking too long, or was cancelled.
  TaskWait<T> within(Duration limit) &&;
  TaskWait<T> unless(Canceller& canceller) &&;

 private:
  friend promise_type;
  friend class TaskWait<T>;

  explicit Task(std::coroutine_handle<promise_type> frame) : frame_(frame) {}

  // False when it has ended before there was anything to wait for: so no chain of tasks that never
  // wait uses up the stack.
  bool run_for(std::coroutine_handle<> waiting) {
    if (!started_) start();
    if (is_done()) return false;
    frame_.promise().set_continuation(waiting);
    return true;
  }

  std::coroutine_handle<promise_type> frame_;
  bool started_ = false;
};

template <class T>
class [[nodiscard]] TaskWait final : public Limited<TaskWait<T>> {
 public:
  TaskWait(Task<T>&& task, Duration limit) : task_(std::move(task)) { this->set_limit(limit); }
  TaskWait(Task<T>&& task, Canceller& canceller) : task_(std::move(task)) {
    this->set_canceller(canceller);
  }

  bool await_ready() const { return task_.started_ && task_.is_done(); }
  bool await_suspend(std::coroutine_handle<> waiting) {
    if (this->suspend(waiting)) return task_.run_for(waiting);
    task_.cancel();
    return false;
  }
  Result<T> await_resume() {
    this->settle();
    if (!task_.frame_) return this->outcome();
    if constexpr (std::is_void_v<T>) {
      task_.frame_.promise().take();
      return Outcome::ok;
    } else {
      return task_.frame_.promise().take();
    }
  }

 private:
  void detach() override { task_.cancel(); }

  Task<T> task_;
};

template <class T>
TaskWait<T> Task<T>::within(Duration limit) && {
  return TaskWait<T>(std::move(*this), limit);
}

template <class T>
TaskWait<T> Task<T>::unless(Canceller& canceller) && {
  return TaskWait<T>(std::move(*this), canceller);
}

template <class T>
Task<T> detail::Promise<T>::get_return_object() {
  return Task<T>(std::coroutine_handle<Promise>::from_promise(*this));
}

inline Task<void> detail::Promise<void>::get_return_object() {
  return Task<void>(std::coroutine_handle<Promise>::from_promise(*this));
}

// Starts a task on this core, which owns it from now on: it is destroyed when it has ended, or with
// the core, in Engine::stop(), once the last connection is gone. What it throws ends the program.
// Throws std::logic_error when this is no core: `engine.post(0, [] { go(client()); })`.
void go(Task<void> task);

}  // namespace sluice::co
