#include "dataplane/coroutine/conduit.hpp"

#include <utility>

#include "dataplane/coroutine.hpp"

namespace sluice::co {

void Conduit::shutdown_send() {
  sent_fin_ = true;
  if (stream_ != nullptr) stream_->shutdown_send();
}

void Conduit::let_go(Parting parting) {
  is_held_ = false;
  opener_ = nullptr;
  if (reader != nullptr) std::exchange(reader, nullptr)->orphan();
  if (writer != nullptr) std::exchange(writer, nullptr)->orphan();
  if (stream_ == nullptr) {
    if (engine_is_done_) delete this;
  } else if (parting == Parting::reset) {
    stream_->abort();
  } else {
    stream_->close();
  }
}

void Conduit::on_connecting(sluice::Stream& stream) {
  stream_ = &stream;
  if (!is_held_) stream.abort();  // given up before it was begun
}

void Conduit::on_open(sluice::Stream&) {
  if (opener_ != nullptr) std::exchange(opener_, nullptr)->opened(*this);
}

void Conduit::on_readable(sluice::Stream&) {
  if (reader != nullptr) reader->on_readable();
}

void Conduit::on_writable(sluice::Stream&) {
  if (writer != nullptr) writer->on_writable();
}

void Conduit::on_peer_closed(sluice::Stream&) {
  peer_has_closed_ = true;
  if (reader != nullptr) reader->on_end(Outcome::end);
}

void Conduit::on_closed(sluice::Stream&, CloseReason reason) {
  const bool by_stop = reason == CloseReason::aborted && Core::here().is_stopping();
  finish(by_stop ? Outcome::stopped : outcome_of(reason));
}

void Conduit::on_connect_failed(std::string_view) {
  finish(Outcome::unavailable);
}

// Those that are woken may let go of it: it stays until all of them have been.
void Conduit::finish(Outcome outcome) {
  stream_ = nullptr;
  end_ = outcome;
  if (opener_ != nullptr) {
    is_held_ = false;
    std::exchange(opener_, nullptr)->failed(outcome);
  }
  if (reader != nullptr) reader->on_end(outcome);
  if (writer != nullptr) writer->on_end(outcome);
  engine_is_done_ = true;
  if (!is_held_) delete this;
}

}  // namespace sluice::co
