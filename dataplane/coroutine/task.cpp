#include "dataplane/coroutine/task.hpp"

namespace sluice::co {
namespace {

// The frame around a task that its core owns.
struct Root {
  class promise_type final : private Resident {
   public:
    Root get_return_object() { return {}; }
    std::suspend_never initial_suspend() {
      Core::here().add(*this);
      return {};
    }
    std::suspend_never final_suspend() noexcept { return {}; }  // goes
    void return_void() {}
    void unhandled_exception() { std::terminate(); }

   private:
    void on_core_end() override {
      std::coroutine_handle<promise_type>::from_promise(*this).destroy();
    }
  };
};

Root run(Task<void> task) {
  co_await task;
}

}  // namespace

void go(Task<void> task) {
  if (Core::here().has_ended()) return;  // it ends before it has begun
  run(std::move(task));
}

}  // namespace sluice::co
