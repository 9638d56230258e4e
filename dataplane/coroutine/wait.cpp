#include "dataplane/coroutine/wait.hpp"

namespace sluice::co {

std::string_view outcome_name(Outcome outcome) {
  switch (outcome) {
    case Outcome::ok: return "ok";
    case Outcome::end: return "end of stream";
    case Outcome::closed: return "closed here";
    case Outcome::refused: return "refused by the peer";
    case Outcome::unreachable: return "peer unreachable";
    case Outcome::unavailable: return "no address, port or memory";
    case Outcome::reset: return "reset by the peer";
    case Outcome::timed_out: return "connection timed out";
    case Outcome::aborted: return "aborted here";
    case Outcome::timeout: return "timeout";
    case Outcome::cancelled: return "cancelled";
    case Outcome::stopped: return "the engine stops";
    case Outcome::busy: return "another task waits for the same";
  }
  return "?";
}

Outcome outcome_of(CloseReason reason) {
  switch (reason) {
    case CloseReason::none: return Outcome::ok;
    case CloseReason::normal: return Outcome::end;
    case CloseReason::reset: return Outcome::reset;
    case CloseReason::refused: return Outcome::refused;
    case CloseReason::timed_out: return Outcome::timed_out;
    case CloseReason::unreachable: return Outcome::unreachable;
    case CloseReason::aborted: return Outcome::aborted;
  }
  return Outcome::aborted;
}

bool Wait::suspend(std::coroutine_handle<> waiting) {
  if (canceller_ != nullptr && canceller_->is_cancelled()) {
    outcome_ = Outcome::cancelled;
    return false;
  }
  waiting_ = waiting;
  outcome_ = Outcome::timeout;
  if (canceller_ != nullptr) canceller_->waiting_.push_back(*this);
  if (limit_ != kForever) Core::here().arm(*this, limit_);
  if (hears_stop_) Core::here().add(*this);
  return true;
}

void Wait::wake(Outcome outcome) {
  settle();
  outcome_ = outcome;
  waiting_.resume();
}

void Wait::wake_soon(Outcome outcome) {
  settle();
  outcome_ = outcome;
  Core::here().arm(*this, Duration());
}

void Wait::settle() {
  disarm();
  leave();
  unlink_canceller();
}

void Wait::on_timer() {
  detach();
  settle();
  waiting_.resume();
}

void Wait::on_stopping() {
  outcome_ = Outcome::stopped;
  Core::here().arm(*this, Duration());
}

Canceller::~Canceller() {
  while (!waiting_.empty()) waiting_.pop_front();
}

void Canceller::cancel() {
  is_cancelled_ = true;
  while (!waiting_.empty()) waiting_.front().wake_soon(Outcome::cancelled);
}

}  // namespace sluice::co
