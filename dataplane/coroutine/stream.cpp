// Reading from and writing to a connection.
#include "dataplane/coroutine.hpp"

namespace sluice::co {

// --- read --------------------------------------------------------------------------------------

// True when there is nothing to wait for.
bool ReadWait::try_read() {
  if (conduit_ == nullptr) {
    set_outcome(Outcome::closed);
  } else if (conduit_->stream() == nullptr) {
    set_outcome(conduit_->end());
  } else if (slice_ = conduit_->stream()->read(max_bytes_); !slice_.empty() || max_bytes_ == 0) {
    set_outcome(Outcome::ok);
  } else if (conduit_->peer_has_closed()) {
    set_outcome(Outcome::end);
  } else if (conduit_->reader != nullptr && conduit_->reader != this) {
    set_outcome(Outcome::busy);
  } else {
    return false;
  }
  return true;
}

bool ReadWait::await_ready() {
  const bool ready = try_read();
  if (ready) conduit_ = nullptr;
  return ready;
}

bool ReadWait::await_suspend(std::coroutine_handle<> waiting) {
  if (!suspend(waiting)) return false;
  conduit_->reader = this;
  return true;
}

Result<Slice> ReadWait::await_resume() {
  settle();
  detach();
  if (outcome() != Outcome::ok) return outcome();
  return std::move(slice_);
}

void ReadWait::on_readable() {
  if (!try_read()) return;
  detach();
  wake(outcome());
}

void ReadWait::on_end(Outcome outcome) {
  detach();
  wake(outcome);
}

void ReadWait::orphan() {
  conduit_ = nullptr;
  wake_soon(Outcome::closed);
}

void ReadWait::detach() {
  if (conduit_ != nullptr && conduit_->reader == this) conduit_->reader = nullptr;
  conduit_ = nullptr;
}

// --- write -------------------------------------------------------------------------------------

// True when there is nothing to wait for.
bool WriteWait::try_write() {
  if (conduit_ == nullptr || !conduit_->may_send()) {
    set_outcome(Outcome::closed);
  } else if (conduit_->stream() == nullptr) {
    set_outcome(conduit_->end() == Outcome::end ? Outcome::closed : conduit_->end());
  } else if (conduit_->writer != nullptr && conduit_->writer != this) {
    set_outcome(Outcome::busy);
  } else if (send_some(), bytes_.empty()) {
    set_outcome(Outcome::ok);
  } else if (Core::here().is_stopping()) {
    set_outcome(Outcome::stopped);
  } else {
    return false;
  }
  return true;
}

void WriteWait::send_some() {
  sluice::Stream& stream = *conduit_->stream();
  if (slice_.empty()) {
    bytes_ = bytes_.subspan(stream.send(bytes_));
  } else {
    slice_.drop_front(stream.send(slice_));
    bytes_ = slice_.bytes();
  }
}

bool WriteWait::await_ready() {
  const bool ready = try_write();
  if (ready) conduit_ = nullptr;
  return ready;
}

bool WriteWait::await_suspend(std::coroutine_handle<> waiting) {
  if (!suspend(waiting)) return false;
  conduit_->writer = this;
  return true;
}

Result<> WriteWait::await_resume() {
  settle();
  detach();
  return outcome();
}

void WriteWait::on_writable() {
  if (!try_write()) return;
  detach();
  wake(outcome());
}

void WriteWait::on_end(Outcome outcome) {
  detach();
  wake(outcome == Outcome::end ? Outcome::closed : outcome);
}

void WriteWait::orphan() {
  conduit_ = nullptr;
  wake_soon(Outcome::closed);
}

void WriteWait::detach() {
  if (conduit_ != nullptr && conduit_->writer == this) conduit_->writer = nullptr;
  conduit_ = nullptr;
}

// --- the handle --------------------------------------------------------------------------------

WriteWait Stream::write(std::string_view text) {
  return write(Bytes(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

void Stream::shutdown_send() {
  if (conduit_ != nullptr) conduit_->shutdown_send();
}

void Stream::let_go(Conduit::Parting parting) {
  if (conduit_ != nullptr) std::exchange(conduit_, nullptr)->let_go(parting);
}

}  // namespace sluice::co
