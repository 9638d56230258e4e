// A TCP/IP stack on a TUN device: workers, each with a queue, a thread and its share of the
// connections.
//
//     sluice::Engine engine(sluice::Config{});
//     engine.listen({.port = 7}, [](sluice::Stream&) { return &echo; });
//     engine.start();
//
// Several engines may live in one process. Calls come from any thread, unless said otherwise; those
// that change its life (start, stop) one at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>

#include "dataplane/config.hpp"
#include "dataplane/datagram.hpp"
#include "dataplane/listener.hpp"
#include "dataplane/stats.hpp"
#include "dataplane/stream.hpp"

namespace sluice {

// What a person can act on, in one line (or one for each problem of a Config).
class EngineError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class Engine {
 public:
  // Throws EngineError with every problem that config.validate() names.
  explicit Engine(const Config& config);
  ~Engine();  // stops
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Opens the device in the calling thread's network namespace, sets it up, and returns when all
  // workers run. Throws EngineError; then nothing is left behind.
  void start();
  // Closes listeners, sends FIN behind what streams have sent, resets what is left after
  // config.drain_timeout, and closes the device. May be started again; listeners come back. Throws
  // EngineError in a callback: the worker would wait for itself.
  void stop();
  bool is_running() const;
  // For a program's main(): start(), wait for SIGINT or SIGTERM, stop(). Blocks both for good, so
  // that no thread that is started later is interrupted by them.
  void run();
  std::uint32_t workers() const;  // as configured

  // Before or after start(). Throws EngineError when the port is taken or is 0. All workers listen
  // when it returns (soon after when called from a callback). The acceptor is called on their
  // threads.
  Listener listen(const ListenOptions& options, const Acceptor& acceptor);
  void unlisten(const ListenOptions& options);
  // New connections of the listener that is there get `listener.stream` from now on.
  void tune(const ListenOptions& listener);

  // UDP, under the same rules. Returns what the socket is bound to, the port chosen.
  BindOptions bind(const BindOptions& options, DatagramEvents& events);
  void unbind(const BindOptions& options);

  // `events` hears of the result on the core that takes the connection: worker_for(options). False
  // when the engine is not running or the inbox is full: nothing happens then.
  bool connect(const ConnectOptions& options, StreamEvents& events);
  // Who would take it now: with a local port the owner of the flow, and nobody else may; otherwise
  // the calling thread's if that is one of ours, else the one with the fewest.
  std::uint32_t worker_for(const ConnectOptions& options) const;
  // The worker to which packets of the flow come, of TCP or UDP. The same for as long as the engine
  // lives, also before start().
  std::uint32_t owner_of(const FlowKey& flow) const;

  // Runs `work` on the core that owns the stream, unless that is gone by then. False as above.
  bool post(const StreamId& stream, std::function<void(Stream&)> work);
  // Runs `work` on the core of worker 0 to config.workers - 1. False as above.
  bool post(std::uint32_t worker, std::function<void()> work);
  // For callbacks, which cannot wait: runs `done` once all workers have done what the calling
  // thread has asked of them before (listen, tune, bind, post, ...). On the calling core, or that
  // of worker 0. False as above; never run when the engine stops meanwhile.
  bool when_told(std::function<void()> done);

  // The sum over all workers, since the engine was made. Not from a callback: it waits for them.
  EngineStats stats() const;

  // What start() found out; empty or as configured before.
  struct Facts {
    std::string device;
    std::uint32_t mtu = 0;
    std::string backend;  // "io_uring" or "poll"
    bool tso = false;
    bool uso = false;
    bool checksum = false;
    std::string steering;            // "ebpf", "learned", "misroute", or "none" with one worker
    std::vector<std::string> notes;  // a line for each thing that is not as it was asked for
  };
  Facts facts() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice
