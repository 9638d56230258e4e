#include "tools/sluice/perf/flag.hpp"

#include <utility>

namespace sluice::perf {

bool FlagWait::await_ready() const {
  return flag_->is_raised_;
}

bool FlagWait::await_suspend(std::coroutine_handle<> waiting) {
  if (!suspend(waiting)) return false;
  flag_->waiting_ = this;
  return true;
}

co::Result<> FlagWait::await_resume() {
  settle();
  return flag_->is_raised_ ? co::Outcome::ok : outcome();
}

void FlagWait::detach() {
  if (flag_->waiting_ == this) flag_->waiting_ = nullptr;
}

void Flag::raise() {
  is_raised_ = true;
  if (FlagWait* const waiting = std::exchange(waiting_, nullptr)) waiting->wake(co::Outcome::ok);
}

}  // namespace sluice::perf
