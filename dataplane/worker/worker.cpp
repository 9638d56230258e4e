#include "dataplane/worker/worker.hpp"

#include <array>
#include <chrono>
#include <system_error>

#include "dataplane/io/clock.hpp"
#include "dataplane/io/cpu.hpp"
#include "dataplane/io/entropy.hpp"

namespace sluice {
namespace {

constexpr std::size_t kInboxCapacity = 4096;
constexpr std::size_t kPacketsPerTurn = 16;  // batching must not become delay
constexpr std::size_t kCommandsPerTurn = 64;
constexpr std::uint32_t kFrameBytes = wire::kVirtioNetHeaderSize + 65'535;
constexpr std::uint32_t kBlockBytes = 4096;
// A peer that has dropped what we sent challenges our RST (RFC 5961): so long we stay to answer.
constexpr Duration kAbortLinger = Duration::milliseconds(20);

template <class T>
T random_value() {
  T value;
  io::fill_random({reinterpret_cast<std::uint8_t*>(&value), sizeof value});
  return value;
}

ShardOptions shard_options(const WorkerOptions& worker) {
  const Config& config = worker.config;
  ShardOptions options;
  options.worker = worker.number;
  options.kernel_side = config.addresses;
  options.mtu = config.mtu;
  options.checksum_offload = config.checksum;
  options.max_connections = config.max_connections;
  options.max_time_waits = config.max_time_waits;
  options.tcp = config.tcp;
  if (!config.tso) options.tcp.max_payload_bytes = 0;
  options.secrets = random_value<ShardSecrets>();
  return options;
}

}  // namespace

// Everything that is sized at start.
struct Worker::Memory {
  explicit Memory(const Config& config)
      : frames(config.frames, kFrameBytes, config.frames / 4 + config.frames_in_ring),
        blocks(config.blocks, kBlockBytes, config.blocks / 8),
        nodes(config.slice_nodes, config.slice_nodes / 8),
        resources{blocks, nodes},
        batch(config.tx_slots) {}

  FramePool frames;
  FramePool blocks;
  SliceNodePool nodes;
  tcp::Resources resources;
  TxBatch batch;
  std::array<io::RxPacket, kPacketsPerTurn> received;
};

Worker::Worker(WorkerOptions options) : options_(std::move(options)), inbox_(kInboxCapacity) {}

Worker::~Worker() {
  join();
}

void Worker::start() {
  std::promise<void> started;
  std::future<void> ready = started.get_future();
  thread_ = std::thread([this, &started] { run(started); });
  try {
    ready.get();
  } catch (...) {
    thread_.join();
    throw;
  }
}

void Worker::request_stop() {
  stop_requested_.store(true, std::memory_order_release);
  post(PostCommand{[] {}});
}

void Worker::join() {
  if (thread_.joinable()) thread_.join();
}

bool Worker::post(Command command) {
  const Inbox::Pushed pushed = inbox_.push(std::move(command));
  if (pushed == Inbox::Pushed::done_wake_it) queue_->wake();
  return pushed != Inbox::Pushed::full;
}

WorkerStats Worker::stats() {
  SLUICE_ASSERT(std::this_thread::get_id() != thread_.get_id());
  auto answer = std::make_shared<std::promise<WorkerStats>>();
  std::future<WorkerStats> stats = answer->get_future();
  while (!post(PostCommand{[this, answer] { answer->set_value(snapshot()); }})) {
    if (ended_.load(std::memory_order_acquire)) return final_stats_;
    std::this_thread::yield();  // the inbox is full: the worker is emptying it
  }
  while (stats.wait_for(std::chrono::milliseconds(1)) != std::future_status::ready) {
    if (ended_.load(std::memory_order_acquire)) return final_stats_;
  }
  return stats.get();
}

// On the worker's thread, which lives in the device's network namespace whoever asks.
WorkerStats Worker::snapshot() const {
  WorkerStats stats{shard_->stats(), queue_->counters(), 0};
  if (options_.number != 0) return stats;
  try {
    stats.device_dropped = options_.tun->tx_dropped();
  } catch (const io::TunError&) {
    stats.device_dropped = 0;  // somebody has deleted the device under us
  }
  return stats;
}

// --- the thread -----------------------------------------------------------------------------

void Worker::run(std::promise<void>& started) {
  try {
    const std::string name = "sluice-" + std::to_string(options_.number);
    io::prepare_worker_thread(name.c_str());
    if (options_.cpu) io::pin_to_cpu(*options_.cpu);
    memory_ = std::make_unique<Memory>(options_.config);
    queue_ = make_queue(*memory_);
    const Instant now = io::now();
    shard_ = std::make_unique<Shard>(shard_options(options_), memory_->resources, now);
    for (ListenCommand& listener : options_.listeners) shard_->on_command(listener, now);
  } catch (...) {
    started.set_exception(std::current_exception());
    return;
  }
  started.set_value();
  while (phase_ != Phase::done) turn(*memory_);
  final_stats_ = snapshot();
  ended_.store(true, std::memory_order_release);
  queue_->quiesce(memory_->batch);
  shard_.reset();
}

std::unique_ptr<io::TunQueue> Worker::make_queue(Memory& memory) {
  io::TunQueueOptions options;
  options.fd = options_.tun->descriptor(options_.number);
  options.ring_frames = options_.config.frames_in_ring;
  options.tx_slots = options_.config.tx_slots;
  if (options_.config.io == IoBackend::uring) {
    try {
      auto queue = io::make_uring_queue(options, memory.frames);
      uses_uring_ = true;
      return queue;
    } catch (const std::system_error& error) {
      fallback_reason_ = error.what();
    }
  }
  return io::make_poll_queue(options, memory.frames);
}

// The whole life of a worker: read the clock once, reap, drain the inbox, fire timers, fill,
// submit, and wait until there is more to do.
void Worker::turn(Memory& memory) {
  const Instant now = io::now();
  const std::size_t packets = receive(memory, now);
  const std::size_t commands = run_commands(now);
  shard_->on_time(now);
  shard_->fill(memory.batch, now);
  const Phase phase_before = phase_;
  if (stop_requested_.load(std::memory_order_acquire)) step_stop(now);

  Instant wait_until = shard_->next_deadline();
  if (phase_ != Phase::running) wait_until = std::min(wait_until, phase_end_);
  const bool busy = packets == kPacketsPerTurn || commands == kCommandsPerTurn ||
                    shard_->has_output() || options_.config.busy_poll || phase_ != phase_before;
  if (busy || !inbox_.try_sleep()) wait_until = now;
  queue_->submit(memory.batch, wait_until);
  inbox_.awake();
}

std::size_t Worker::receive(Memory& memory, Instant now) {
  const std::size_t count = queue_->reap(memory.received);
  for (std::size_t i = 0; i < count; ++i) take_packet(memory.received[i], now);
  return count;
}

void Worker::take_packet(const io::RxPacket& received, Instant now) {
  const Slice whole(*received.frame, 0, received.length);
  if (received.length < wire::kVirtioNetHeaderSize) {
    return shard_->count_drop(DropReason::truncated);
  }
  Slice ip = whole;
  ip.drop_front(wire::kVirtioNetHeaderSize);
  const wire::VirtioNetHeader offload = wire::parse_virtio_net(whole.bytes());
  wire::Packet packet;
  const DropReason reason = wire::parse_packet(ip.bytes(), offload, packet);
  if (reason != DropReason::none) return shard_->count_drop(reason);
  shard_->on_packet(ip, packet, now);
}

std::size_t Worker::run_commands(Instant now) {
  std::size_t count = 0;
  Command command;
  while (count < kCommandsPerTurn && inbox_.pop(command)) {
    shard_->on_command(std::move(command), now);
    ++count;
  }
  return count;
}

// Stopping goes in phases: FIN and pump until the deadline, then RST, then the loop ends.
void Worker::step_stop(Instant now) {
  switch (phase_) {
    case Phase::running:
      phase_ = Phase::draining;
      phase_end_ = now + options_.config.drain_timeout;
      shard_->on_command(StopCommand{StopPhase::drain}, now);
      return;
    case Phase::draining:
      if (shard_->connections() > 0 && now < phase_end_) return;
      phase_end_ = shard_->connections() > 0 ? now + kAbortLinger : now;
      phase_ = Phase::aborting;
      shard_->on_command(StopCommand{StopPhase::abort}, now);
      return;
    case Phase::aborting:
      if (now >= phase_end_) phase_ = Phase::done;
      return;
    case Phase::done: return;
  }
}

}  // namespace sluice
