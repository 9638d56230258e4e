#include "dataplane/coroutine.hpp"

namespace sluice::co {

bool ConnectWait::await_suspend(std::coroutine_handle<> waiting) {
  Core& core = Core::here();
  if (options_.local_port != 0 && engine_.worker_for(options_) != core.worker()) {
    set_outcome(Outcome::unavailable);
    return false;
  }
  if (!suspend(waiting)) return false;
  conduit_ = new Conduit(nullptr, *this);
  if (engine_.connect(options_, *conduit_)) return true;
  delete std::exchange(conduit_, nullptr);
  // At the very end of a stop nothing is taken: whoever tries again and again waits for that end.
  if (core.is_stopping()) return true;
  set_outcome(Outcome::unavailable);
  return false;
}

Result<Stream> ConnectWait::await_resume() {
  settle();
  if (outcome() != Outcome::ok) return outcome();
  return std::move(stream_);
}

void ConnectWait::opened(Conduit& conduit) {
  conduit_ = nullptr;
  stream_ = Stream(conduit);
  wake(Outcome::ok);
}

void ConnectWait::failed(Outcome outcome) {
  conduit_ = nullptr;
  wake(outcome);
}

void ConnectWait::detach() {
  if (conduit_ != nullptr) std::exchange(conduit_, nullptr)->let_go(Conduit::Parting::reset);
}

}  // namespace sluice::co
