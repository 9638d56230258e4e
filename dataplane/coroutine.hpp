// Coroutines on the engine's cores: connections without callbacks.
//
//     sluice::co::Task<> echo(sluice::co::Stream stream) {
//       while (auto bytes = co_await stream.read()) co_await stream.write(std::move(*bytes));
//     }
//     sluice::co::serve(engine, {.port = 7}, echo);
//
// Where. A coroutine runs on one core, that of its connection, and between two awaits nothing else
// runs there: it must not block. Nothing below may be touched from another core or thread; what
// comes from there is posted (Engine::post).
//
// Errors are values: each await gives a Result, which is true when it went well and else says why
// (outcome.hpp). An exception that leaves a task comes out where the task is awaited.
//
// Waiting costs no allocation. It ends early with co_await X.within(time) and .unless(canceller),
// and by destroying the Task that waits. X may be read, write, connect, accept, or a Task.
//
// A connection that dies while somebody waits for it wakes them with what ended it.
//
// Engine::stop() tells those who wait in sleep, accept or write (Outcome::stopped), once: streams
// may still be read, for config.drain_timeout. Tasks that still wait when the last connection is
// gone are destroyed, on their cores, before stop() returns.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "dataplane/coroutine/conduit.hpp"
#include "dataplane/coroutine/task.hpp"
#include "dataplane/coroutine/wait.hpp"
#include "dataplane/engine.hpp"

namespace sluice::co {

class [[nodiscard]] ReadWait final : public Limited<ReadWait> {
 public:
  ReadWait(Conduit* conduit, std::uint32_t max_bytes) : conduit_(conduit), max_bytes_(max_bytes) {}
  ~ReadWait() { detach(); }

  bool await_ready();
  bool await_suspend(std::coroutine_handle<> waiting);
  Result<Slice> await_resume();

 private:
  friend class Conduit;
  void on_readable();
  void on_end(Outcome outcome);
  void orphan();
  bool try_read();
  void detach() override;

  Conduit* conduit_;  // null once there is nothing to wait for
  std::uint32_t max_bytes_;
  Slice slice_;
};

class WriteWait final : public Limited<WriteWait> {
 public:
  WriteWait(Conduit* conduit, Bytes bytes) : Limited(true), conduit_(conduit), bytes_(bytes) {}
  WriteWait(Conduit* conduit, Slice slice)
      : Limited(true), conduit_(conduit), bytes_(slice.bytes()), slice_(std::move(slice)) {}
  ~WriteWait() { detach(); }

  bool await_ready();
  bool await_suspend(std::coroutine_handle<> waiting);
  Result<> await_resume();

 private:
  friend class Conduit;
  void on_writable();
  void on_end(Outcome outcome);
  void orphan();
  bool try_write();
  void send_some();
  void detach() override;

  Conduit* conduit_;  // null once there is nothing to wait for
  Bytes bytes_;       // that are left
  Slice slice_;       // in which they lie; empty: they are copied
};

// A connection. One coroutine may wait to read and one to write at a time.
class Stream {
 public:
  Stream() = default;
  explicit Stream(Conduit& conduit) : conduit_(&conduit) {}
  Stream(Stream&& other) noexcept : conduit_(std::exchange(other.conduit_, nullptr)) {}
  Stream& operator=(Stream other) noexcept {
    std::swap(conduit_, other.conduit_);
    return *this;
  }
  // Closes: FIN follows what was written (see sluice::Stream::close()).
  ~Stream() { close(); }

  // The next bytes in order, at least one, at most `max_bytes`; Outcome::end after the last.
  ReadWait read(std::uint32_t max_bytes = UINT32_MAX) { return {conduit_, max_bytes}; }
  // ok once all of it is on its way, or waits for that in the send buffer. When it is given up
  // before, a part may be. Bytes are copied, and must stay until then; a slice goes by reference.
  [[nodiscard]] WriteWait write(Bytes bytes) { return {conduit_, bytes}; }
  [[nodiscard]] WriteWait write(Slice slice) { return {conduit_, std::move(slice)}; }
  [[nodiscard]] WriteWait write(std::string_view text);

  // Half close: FIN follows what was written. Reading goes on.
  void shutdown_send();
  // Lets go of it: whoever waits hears Outcome::closed.
  void close() { let_go(Conduit::Parting::close); }
  // Likewise, with RST.
  void abort() { let_go(Conduit::Parting::reset); }

  // For its options, addresses and counters; null once it has ended. Read and write here.
  sluice::Stream* raw() const { return conduit_ == nullptr ? nullptr : conduit_->stream(); }

 private:
  void let_go(Conduit::Parting parting);

  Conduit* conduit_ = nullptr;
};

class [[nodiscard]] ConnectWait final : public Limited<ConnectWait>, private Opener {
 public:
  ConnectWait(Engine& engine, const ConnectOptions& options) : engine_(engine), options_(options) {}
  ~ConnectWait() { detach(); }

  bool await_ready() const { return false; }
  bool await_suspend(std::coroutine_handle<> waiting);
  Result<Stream> await_resume();

 private:
  void opened(Conduit& conduit) override;
  void failed(Outcome outcome) override;
  void detach() override;

  Engine& engine_;
  ConnectOptions options_;
  Conduit* conduit_ = nullptr;  // until it is open
  Stream stream_;
};

// Connects from this core, to stay here; Outcome::unavailable with a local port that makes the flow
// another core's (Engine::worker_for() says whose). Given up, it is as if it had not been begun.
inline ConnectWait connect(Engine& engine, const ConnectOptions& options) {
  return {engine, options};
}

class Doors;

class [[nodiscard]] AcceptWait final : public Limited<AcceptWait> {
 public:
  explicit AcceptWait(std::shared_ptr<Doors> doors) : Limited(true), doors_(std::move(doors)) {}
  ~AcceptWait() { detach(); }

  bool await_ready();
  bool await_suspend(std::coroutine_handle<> waiting);
  Result<Stream> await_resume();

 private:
  friend class Doors;
  void take(Stream stream);
  void detach() override;

  std::shared_ptr<Doors> doors_;
  Stream stream_;
};

// Connections that wait to be accepted, each on the core that owns it: accept() gives those of the
// core that it is called on, so that every core needs a task of its own that accepts.
class Listener {
 public:
  // As Engine::listen(), which see for what it throws. At most options.backlog wait on each core;
  // what comes then is reset.
  Listener(Engine& engine, const ListenOptions& options);
  // Listens no more, and closes those that wait. On any thread, but not while a task accepts.
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // One task on each core may wait at a time.
  AcceptWait accept() { return AcceptWait(doors_); }

 private:
  std::shared_ptr<Doors> doors_;
  sluice::Listener listener_;
};

namespace detail {

template <class Function>
class Served final : public Opener, public std::enable_shared_from_this<Served<Function>> {
 public:
  explicit Served(Function function) : function_(std::move(function)) {}
  void opened(Conduit& conduit) override { go(run(this->shared_from_this(), Stream(conduit))); }

 private:
  // The function lives as long as the task that it has made.
  static Task<> run(std::shared_ptr<Served> self, Stream stream) {
    co_await self->function_(std::move(stream));
  }

  Function function_;
};

}  // namespace detail

// Runs the Task<> that `function` makes of each new Stream, on the core that owns it.
template <class Function>
sluice::Listener serve(Engine& engine, const ListenOptions& options, Function function) {
  auto served = std::make_shared<detail::Served<Function>>(std::move(function));
  return engine.listen(options,
                       [served](sluice::Stream& raw) { return new Conduit(&raw, *served); });
}

}  // namespace sluice::co
