// The server: whoever connects to its port begins a test, or brings a stream of the one that runs.
//
// It listens on all cores. A test belongs to the core of its control connection; its streams live
// wherever the engine puts them.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "dataplane/coroutine.hpp"
#include "dataplane/datagram.hpp"
#include "tools/sluice/perf/flow.hpp"
#include "tools/sluice/perf/report.hpp"

namespace sluice::perf {

class ServerTest;

inline constexpr std::uint16_t kDefaultPort = 5201;

struct ServerOptions {
  std::uint16_t port = kDefaultPort;
  std::optional<IpAddress> address = {};  // none: every address of ours
  Family family = Family::both;           // without an address
  ReportOptions report = {};
  double interval_seconds = 1;
  bool one_off = false;        // done after a test
  Duration idle_timeout = {};  // with one_off: done when nobody comes; zero: never
  Duration receive_timeout = Duration::seconds(120);  // without data that were to come; zero: never
  std::uint64_t bitrate_limit = 0;                    // bits a second, of all streams; 0: none
  Duration bitrate_limit_interval = Duration::seconds(5);  // over which it is the average
  std::uint32_t most_send_buffer = 32 << 20;               // bytes: Settings::send_buffer_bytes
  Trace* trace = nullptr;                                  // null: none; outlives the server
  Sink out = [](std::string_view) {};                      // on any core, one at a time
  Sink errors = [](std::string_view) {};
  std::function<void(bool good)> on_done = [](bool) {};
};

class Server final : private DatagramEvents {
 public:
  // Both outlive each other's running: the engine is stopped before the server goes.
  Server(Engine& engine, ServerOptions options);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Listens, and binds. Before engine.start(); throws EngineError when the port is taken.
  void open();
  // The engine runs: says so, and waits for whoever comes.
  void begin();
  // Ends the test that runs, tells its client, and calls on_done(). From any thread.
  void interrupt();

 private:
  friend class ServerTest;

  // What belongs to one core.
  struct Place {
    DatagramSocket* socket = nullptr;
    struct KeyHash {
      std::size_t operator()(const FlowKey& key) const;
    };
    std::unordered_map<FlowKey, Flow*, KeyHash> flows;
  };

  void on_bound(DatagramSocket& socket) override;
  void on_datagram(DatagramSocket& socket, const Datagram& datagram) override;
  void on_datagrams(DatagramSocket& socket, const Datagram& several) override;
  void on_writable(DatagramSocket& socket) override;

  // For a test, on the core that owns the flow: what comes for it goes there.
  std::unique_ptr<Flow> open_datagrams(const FlowKey& key, const FlowPlan& plan);
  co::Task<> forget_datagrams();

  co::Task<> greet(co::Stream stream);
  co::Task<bool> wait_for_turn();
  co::Task<> run_test(co::Stream control, std::shared_ptr<ServerTest> test);
  co::Task<> watch_idle();
  std::shared_ptr<ServerTest> current() const;
  std::pair<std::shared_ptr<ServerTest>, bool> claim(std::string_view cookie);
  void say_listening();
  void end_test();
  void miss_cookie();
  ListenOptions listener(const StreamOptions& streams) const;

  Engine& engine_;
  const ServerOptions options_;
  std::vector<Place> places_;         // by worker
  mutable std::mutex guard_;          // of what follows
  std::shared_ptr<ServerTest> test_;  // that runs, or null
  std::uint32_t tests_ = 0;           // that were begun
  bool is_interrupted_ = false;
};

}  // namespace sluice::perf
