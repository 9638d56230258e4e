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
#include "dataplane/io/tun.hpp"
#include "dataplane/io/tun_queue.hpp"
#include "dataplane/shard/shard.hpp"
#include "dataplane/worker/inbox.hpp"

namespace sluice {

struct WorkerStats {
  ShardStats shard;
  io::IoCounters io;
  std::uint64_t device_dropped = 0;  // of the whole device: only worker 0 tells
};

struct WorkerOptions {
  std::uint32_t number = 0;
  const io::Tun* tun = nullptr;  // its queue `number` is the worker's; outlives the worker
  std::optional<std::uint32_t> cpu;
  Config config;  // validated; its offloads are those that the device took
  std::vector<ListenCommand> listeners;
};

class Worker {
 public:
  explicit Worker(WorkerOptions options);
  ~Worker();  // stopped, or never started
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Starts the thread and returns when the loop runs; throws what went wrong there.
  void start();
  // Drains for config.drain_timeout, resets what is left, and ends. request_stop() returns at once.
  void request_stop();
  void join();

  // From any thread, between start() and join(). False when the inbox is full: nothing was taken.
  bool post(Command command);
  // Waits for the worker's answer, so not from its own thread; once it has ended, what it had
  // counted by then.
  WorkerStats stats();

  // Why io_uring was not used though asked for; empty when it was.
  const std::string& fallback_reason() const { return fallback_reason_; }
  bool uses_uring() const { return uses_uring_; }
  bool is_this_thread() const { return std::this_thread::get_id() == thread_.get_id(); }
  // For work that runs on this core.
  Shard& shard() { return *shard_; }

 private:
  struct Memory;
  enum class Phase : std::uint8_t { running, draining, aborting, done };

  WorkerStats snapshot() const;
  void run(std::promise<void>& started);
  void turn(Memory& memory);
  std::size_t receive(Memory& memory, Instant now);
  void take_packet(const io::RxPacket& received, Instant now);
  std::size_t run_commands(Instant now);
  void step_stop(Instant now);
  std::unique_ptr<io::TunQueue> make_queue(Memory& memory);

  WorkerOptions options_;
  Inbox inbox_;
  std::thread thread_;
  std::atomic<bool> stop_requested_{false};
  std::atomic<bool> ended_{false};  // final_stats_ is set
  std::string fallback_reason_;
  bool uses_uring_ = false;
  WorkerStats final_stats_;

  // Made and used by the worker's thread; wake() is the exception.
  std::unique_ptr<Memory> memory_;
  std::unique_ptr<io::TunQueue> queue_;
  std::unique_ptr<Shard> shard_;
  Phase phase_ = Phase::running;
  Instant phase_end_;
};

}  // namespace sluice
