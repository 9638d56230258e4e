// What joins a connection of the engine with the coroutines that wait for it.
#pragma once

#include <string_view>

#include "dataplane/coroutine/outcome.hpp"
#include "dataplane/stream.hpp"

namespace sluice::co {

class Conduit;
class ReadWait;
class WriteWait;

// Who began the connection, or listened for it.
class Opener {
 public:
  // The handshake is done: the conduit is yours to let_go().
  virtual void opened(Conduit& conduit) = 0;
  // It has ended before that. The conduit is gone when this returns.
  virtual void failed(Outcome) {}

 protected:
  ~Opener() = default;
};

// Lives until both are done with it: the engine, and whoever holds it. Belongs to the stream's
// core.
class Conduit final : public StreamEvents {
 public:
  // Of a stream that is accepted, or null: of one that connect() is asked for. Made with new.
  Conduit(sluice::Stream* stream, Opener& opener) : stream_(stream), opener_(&opener) {}
  Conduit(const Conduit&) = delete;
  Conduit& operator=(const Conduit&) = delete;

  // Null until there is one, and once it has ended: then end() says how.
  sluice::Stream* stream() const { return stream_; }
  Outcome end() const { return end_; }
  bool peer_has_closed() const { return peer_has_closed_; }
  bool may_send() const { return !sent_fin_; }
  void shutdown_send();

  enum class Parting : bool { close, reset };
  // Nobody holds it any more; whoever waits hears Outcome::closed.
  void let_go(Parting parting);

  ReadWait* reader = nullptr;  // that waits, or null
  WriteWait* writer = nullptr;

 private:
  void on_connecting(sluice::Stream& stream) override;
  void on_open(sluice::Stream& stream) override;
  void on_readable(sluice::Stream& stream) override;
  void on_writable(sluice::Stream& stream) override;
  void on_peer_closed(sluice::Stream& stream) override;
  void on_closed(sluice::Stream& stream, CloseReason reason) override;
  void on_connect_failed(std::string_view why) override;
  void finish(Outcome outcome);

  sluice::Stream* stream_;
  Opener* opener_;  // until it is open
  Outcome end_ = Outcome::closed;
  bool is_held_ = true;
  bool engine_is_done_ = false;
  bool peer_has_closed_ = false;
  bool sent_fin_ = false;
};

}  // namespace sluice::co
