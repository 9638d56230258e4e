// The heartbeat of one core: a thread, a TUN queue, its frames, an inbox, a clock and one Shard.
#pragma once

#include <atomic>
#include <cstdint>
#include <future>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "dataplane/config.hpp"
#include "dataplane/core.hpp"
#include "dataplane/io/capture.hpp"
#include "dataplane/io/tun.hpp"
#include "dataplane/io/tun_queue.hpp"
#include "dataplane/shard/shard.hpp"
#include "dataplane/stats.hpp"
#include "dataplane/worker/crew.hpp"
#include "dataplane/worker/impaired_queue.hpp"

namespace sluice {

Inbox::Capacity inbox_capacity(const Config& config);

// What all workers of an engine are made from; outlives them.
struct WorkerSetup {
  Config config;  // validated; its offloads are those that the device took
  const io::Tun* tun = nullptr;
  io::Capture* capture = nullptr;  // null: packets are not recorded
  FlowHashKeys steering_keys{};
  std::vector<Command> replicas;  // listeners and sockets from the start
};

class Worker {
 public:
  // Worker `number` of the crew has queue `number` of the device.
  Worker(const WorkerSetup& setup, Crew& crew, std::uint32_t number);
  ~Worker();  // told to stop or dismissed, or never started
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Starts the thread and returns when it is ready to begin; throws what went wrong there.
  void start();
  // Drains for config.drain_timeout, resets what is left, and ends, once all workers of the crew
  // are told. request_stop() returns at once.
  void request_stop();
  void join();

  // From any thread, between the crew's begin() and join(). False when the inbox is full, or the
  // worker about to end: nothing was taken.
  bool post(Command command);
  // Takes it however full the inbox is; lost only when the worker is about to end.
  void post_always(Command command);
  // Waits for the worker's answer, so not from its own thread; once it has ended, what it had
  // counted by then.
  EngineStats stats();
  // Connections of late: where the next one should go. Any thread.
  std::uint32_t connections() const { return connections_.load(std::memory_order_relaxed); }

  // Why io_uring was not used though asked for; empty when it was.
  const std::string& fallback_reason() const { return fallback_reason_; }
  bool uses_uring() const { return uses_uring_; }
  bool is_this_thread() const { return std::this_thread::get_id() == thread_.get_id(); }
  // For work that runs on this core.
  Shard& shard() { return *shard_; }

 private:
  struct Memory;
  enum class Phase : std::uint8_t { running, draining, waiting, aborting, done };

  EngineStats snapshot() const;
  bool wake_for(Inbox::Pushed pushed);
  bool prepare(std::promise<void>& ready);
  void count_late_packets();
  void run(std::promise<void>& ready);
  void turn(Memory& memory);
  std::size_t receive(Memory& memory, Instant now);
  void take_packet(Memory& memory, const io::RxPacket& received, Instant now);
  void bring_to_owner(Memory& memory, Slice ip, const wire::Packet& packet, Instant now);
  void take_own(Memory& memory, const Slice& ip, const wire::Packet& packet, Instant now);
  std::size_t take_handed(Memory& memory, Instant now);
  std::size_t run_commands(Instant now);
  void record(const TxBatch& batch);
  void step_stop(Instant now);
  void begin_abort(Instant now);
  std::unique_ptr<io::TunQueue> make_queue(Memory& memory);
  std::unique_ptr<io::TunQueue> make_wire(Memory& memory);

  const WorkerSetup& setup_;
  const Config& config_;
  Crew& crew_;
  const std::uint32_t number_;
  Inbox& inbox_;
  std::thread thread_;
  std::atomic<bool> stop_requested_{false};
  std::atomic<bool> ended_{false};  // final_stats_ is set
  std::atomic<std::uint32_t> connections_{0};
  std::string fallback_reason_;
  bool uses_uring_ = false;
  EngineStats final_stats_;

  // Made and used by the worker's thread; wake() is the exception.
  std::unique_ptr<Memory> memory_;
  std::unique_ptr<io::TunQueue> queue_;
  const ImpairedQueue* wires_ = nullptr;  // the same, where there are some
  std::unique_ptr<Shard> shard_;
  std::optional<Core> core_;
  Phase phase_ = Phase::running;
  Instant drain_end_;
  Instant phase_end_;  // when to look again, at the latest
};

}  // namespace sluice
