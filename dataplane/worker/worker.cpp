#include "dataplane/worker/worker.hpp"

#include <array>
#include <chrono>
#include <system_error>
#include <utility>

#include "dataplane/io/clock.hpp"
#include "dataplane/io/cpu.hpp"
#include "dataplane/io/entropy.hpp"
#include "dataplane/worker/handoff.hpp"

namespace sluice {
namespace {

constexpr std::size_t kInboxCapacity = 4096;
constexpr std::size_t kPacketsPerTurn = 16;  // batching must not become delay
// All of them may be the last pieces of datagrams that are handed over in their turn.
constexpr std::size_t kHandedPerTurn = Handoff::kMostAtOnce - kPacketsPerTurn;
constexpr std::size_t kCommandsPerTurn = 64;
constexpr std::uint32_t kFrameBytes = wire::kVirtioNetHeaderSize + 65'535;
constexpr std::uint32_t kBlockBytes = 4096;
// A peer that has dropped what we sent challenges our RST (RFC 5961): so long we stay to answer,
// and a round trip of the wires.
constexpr Duration kAbortLinger = Duration::milliseconds(20);
// How often a worker that is drained looks whether the others are.
constexpr Duration kStopPoll = Duration::milliseconds(1);

template <class T>
T random_value() {
  T value;
  io::fill_random({reinterpret_cast<std::uint8_t*>(&value), sizeof value});
  return value;
}

ShardOptions shard_options(const WorkerSetup& setup, std::uint32_t number, FrameSource& frames) {
  const Config& config = setup.config;
  ShardOptions options;
  options.worker = number;
  options.ownership = {setup.steering_keys, config.workers};
  options.kernel_side = config.addresses;
  options.mtu = config.mtu;
  options.checksum_offload = config.checksum;
  options.datagram_offload = config.uso;
  options.max_connections = config.max_connections;
  options.max_time_waits = config.max_time_waits;
  options.frames = &frames;
  options.tcp = config.tcp;
  if (!config.tso) options.tcp.max_payload_bytes = 0;
  options.secrets = random_value<ShardSecrets>();
  return options;
}

}  // namespace

// Everything that is sized at start.
struct Worker::Memory {
  Memory(const Config& config, Crew& crew, std::uint32_t number)
      : frames(config.frames, kFrameBytes, config.frames / 4 + config.frames_in_ring),
        blocks(config.blocks, kBlockBytes, config.blocks / 8),
        nodes(config.slice_nodes, config.slice_nodes / 8),
        sent(config.slice_nodes / 2),
        resources{blocks, nodes, sent},
        batch(config.tx_slots),
        handoff(number, crew, frames) {}

  FramePool frames;
  FramePool blocks;
  SliceNodePool nodes;
  tcp::SentSegmentPool sent;
  tcp::Resources resources;
  TxBatch batch;
  Handoff handoff;
  std::array<io::RxPacket, kPacketsPerTurn> received;
};

Inbox::Capacity inbox_capacity(const Config& config) {
  return {.commands = kInboxCapacity,
          .packets = config.frames,
          .frames = config.frames,
          .workers = config.workers};
}

Worker::Worker(const WorkerSetup& setup, Crew& crew, std::uint32_t number)
    : setup_(setup),
      config_(setup.config),
      crew_(crew),
      number_(number),
      inbox_(crew.inbox(number)) {}

Worker::~Worker() {
  join();
}

void Worker::start() {
  std::promise<void> promise;
  std::future<void> ready = promise.get_future();
  thread_ = std::thread([this, &promise] { run(promise); });
  try {
    ready.get();
  } catch (...) {
    thread_.join();
    throw;
  }
}

void Worker::request_stop() {
  stop_requested_.store(true, std::memory_order_release);
  post_always(PostCommand{[] {}});
}

void Worker::join() {
  if (thread_.joinable()) thread_.join();
}

bool Worker::post(Command command) {
  return wake_for(inbox_.push(std::move(command)));
}

void Worker::post_always(Command command) {
  wake_for(inbox_.push_always(std::move(command)));
}

bool Worker::wake_for(Inbox::Pushed pushed) {
  if (pushed == Inbox::Pushed::done_wake_it) queue_->wake();
  return pushed != Inbox::Pushed::full;
}

EngineStats Worker::stats() {
  SLUICE_ASSERT(std::this_thread::get_id() != thread_.get_id());
  auto answer = std::make_shared<std::promise<EngineStats>>();
  std::future<EngineStats> stats = answer->get_future();
  post_always(PostCommand{[this, answer] { answer->set_value(snapshot()); }});
  while (stats.wait_for(std::chrono::milliseconds(1)) != std::future_status::ready) {
    if (ended_.load(std::memory_order_acquire)) return final_stats_;
  }
  return stats.get();
}

// On the worker's thread, which lives in the device's network namespace whoever asks.
EngineStats Worker::snapshot() const {
  EngineStats stats;
  stats.shard = shard_->stats();
  stats.io = queue_->counters();
  stats.handoff = memory_->handoff.counters();
  if (wires_ != nullptr) {
    stats.link_in = wires_->in_counters();
    stats.link_out = wires_->out_counters();
  }
  if (number_ != 0) return stats;
  try {
    stats.device_dropped = setup_.tun->tx_dropped();
  } catch (const io::TunError&) {
    stats.device_dropped = 0;  // somebody has deleted the device under us
  }
  return stats;
}

// --- the thread -----------------------------------------------------------------------------

void Worker::run(std::promise<void>& ready) {
  if (!prepare(ready)) return;
  if (!crew_.wait_for_word()) {
    shard_.reset();
    queue_.reset();
    return;
  }
  // Not before: a socket's on_bound() may call the engine, which is ours to call from now on. And
  // before the first packet is looked at.
  for (const Command& replica : setup_.replicas) shard_->on_command(replica, io::now());
  while (phase_ != Phase::done) turn(*memory_);
  inbox_.close();  // whoever posts is told from now on, and hears of what was taken before
  while (inbox_.has_commands()) run_commands(io::now());
  core_->end();
  queue_->quiesce(memory_->batch);
  final_stats_ = snapshot();
  shard_.reset();
  memory_->handoff.leave(*queue_);
  count_late_packets();
  ended_.store(true, std::memory_order_release);
}

// What others have handed over since the last turn is taken, and dropped.
void Worker::count_late_packets() {
  const HandoffCounters before = std::exchange(final_stats_.handoff, memory_->handoff.counters());
  const auto stopping = static_cast<std::size_t>(DropReason::stopping);
  final_stats_.shard.drops[stopping] += final_stats_.handoff.taken - before.taken;
}

// False when it has told why not.
bool Worker::prepare(std::promise<void>& ready) {
  try {
    const std::string name = "sluice-" + std::to_string(number_);
    io::prepare_worker_thread(name.c_str());
    if (!config_.pin.empty()) io::pin_to_cpu(config_.pin[number_]);
    memory_ = std::make_unique<Memory>(config_, crew_, number_);
    queue_ = make_wire(*memory_);
    crew_.set_queue(number_, *queue_);
    shard_ = std::make_unique<Shard>(shard_options(setup_, number_, memory_->frames),
                                     memory_->resources, io::now());
    core_.emplace(number_, io::now()).enter();
  } catch (...) {
    ready.set_exception(std::current_exception());
    return false;
  }
  ready.set_value();
  return true;
}

std::unique_ptr<io::TunQueue> Worker::make_queue(Memory& memory) {
  io::TunQueueOptions options;
  options.fd = setup_.tun->descriptor(number_);
  options.ring_frames = config_.frames_in_ring;
  options.tx_slots = config_.tx_slots;
  if (config_.io == IoBackend::uring) {
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

std::unique_ptr<io::TunQueue> Worker::make_wire(Memory& memory) {
  auto queue = make_queue(memory);
  if (config_.link_in.changes_nothing() && config_.link_out.changes_nothing()) return queue;
  auto impaired = make_impaired_queue(std::move(queue), config_, number_, memory.frames);
  wires_ = impaired.get();
  return impaired;
}

// The whole life of a worker: read the clock once, reap, take what others hand over, drain the
// inbox, fire timers, fill, hand over, submit, and wait until there is more to do.
void Worker::turn(Memory& memory) {
  const Instant now = io::now();
  core_->begin_turn(now);
  const std::size_t packets = receive(memory, now);
  const std::size_t handed = take_handed(memory, now);
  const std::size_t commands = run_commands(now);
  shard_->on_time(now);
  core_->on_time();
  shard_->fill(memory.batch, now);
  if (setup_.capture != nullptr) record(memory.batch);
  memory.handoff.flush(*queue_);
  connections_.store(shard_->connections(), std::memory_order_relaxed);
  const Phase phase_before = phase_;
  if (stop_requested_.load(std::memory_order_acquire)) step_stop(now);

  Instant wait_until = std::min(shard_->next_deadline(), core_->next_deadline());
  if (phase_ != Phase::running) wait_until = std::min(wait_until, phase_end_);
  // What is written now may lie in others' frames, which shall be on their way home before we
  // sleep.
  const bool owes = !memory.batch.empty() && memory.handoff.holds_frames();
  const bool busy = packets == kPacketsPerTurn || handed == kHandedPerTurn ||
                    commands == kCommandsPerTurn || shard_->has_output() || config_.busy_poll ||
                    owes || phase_ != phase_before;
  if (busy || !inbox_.try_sleep(memory.frames.free_count() == 0)) wait_until = now;
  queue_->submit(memory.batch, wait_until);
  inbox_.awake();
}

std::size_t Worker::receive(Memory& memory, Instant now) {
  const std::size_t count = queue_->reap(memory.received);
  for (const io::RxPacket& received : std::span(memory.received).first(count)) {
    take_packet(memory, received, now);
  }
  return count;
}

void Worker::take_packet(Memory& memory, const io::RxPacket& received, Instant now) {
  Slice ip(*received.frame, 0, received.length);
  if (received.length < wire::kVirtioNetHeaderSize) {
    return shard_->count_drop(DropReason::truncated);
  }
  if (setup_.capture != nullptr) {
    const iovec whole{received.frame->data, received.length};
    setup_.capture->write({&whole, 1});
  }
  const wire::VirtioNetHeader offload = wire::parse_virtio_net(ip.bytes());
  ip.drop_front(wire::kVirtioNetHeaderSize);
  wire::Packet packet;
  const DropReason refused = wire::parse_packet(ip.bytes(), offload, packet);
  if (refused != DropReason::none && refused != DropReason::fragment) {
    return shard_->count_drop(refused);
  }
  bring_to_owner(memory, std::move(ip), packet, now);
}

// `ip` lies in a frame of ours, and is its only slice.
void Worker::bring_to_owner(Memory& memory, Slice ip, const wire::Packet& packet, Instant now) {
  const std::uint32_t owner = shard_->owner_of(ip.bytes(), packet);
  if (owner != number_) return memory.handoff.give(owner, std::move(ip), packet);
  take_own(memory, ip, packet, now);
}

void Worker::take_own(Memory& memory, const Slice& ip, const wire::Packet& packet, Instant now) {
  if (!packet.is_fragment) return shard_->on_packet(ip, packet, now);
  Slice whole = shard_->join(ip, now);
  if (whole.empty()) return;
  wire::Packet joined;
  const DropReason refused = wire::parse_packet(whole.bytes(), wire::VirtioNetHeader(), joined);
  if (refused != DropReason::none) return shard_->count_drop(refused);
  bring_to_owner(memory, std::move(whole), joined, now);
}

std::size_t Worker::take_handed(Memory& memory, Instant now) {
  if (config_.workers == 1) return 0;
  return memory.handoff.take(kHandedPerTurn, [&](const Slice& ip, const wire::Packet& packet) {
    take_own(memory, ip, packet, now);
  });
}

void Worker::record(const TxBatch& batch) {
  for (const TxPacket* const packet : batch.pushed()) setup_.capture->write(packet->iovecs());
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

// Stopping goes in phases: FIN and pump until all workers are drained or the time is over, then
// RST, then the loop ends.
void Worker::step_stop(Instant now) {
  switch (phase_) {
    case Phase::running:
      phase_ = Phase::draining;
      drain_end_ = now + config_.drain_timeout;
      phase_end_ = drain_end_;
      shard_->on_command(StopCommand{StopPhase::drain}, now);
      core_->begin_stop();
      return;
    case Phase::draining:
      if (now >= drain_end_) return begin_abort(now);
      if (shard_->connections() > 0) return;
      crew_.report_drained();
      phase_ = Phase::waiting;
      return;
    case Phase::waiting:
      phase_end_ = now + kStopPoll;
      if (now >= drain_end_ || crew_.all_drained()) begin_abort(now);
      return;
    case Phase::aborting:
      if (now >= phase_end_ && shard_->connections() == 0) phase_ = Phase::done;
      return;
    case Phase::done: return;
  }
}

void Worker::begin_abort(Instant now) {
  phase_ = Phase::aborting;
  const Duration round_trip = config_.link_out.delay + config_.link_in.delay;
  const Duration linger = kAbortLinger + std::min(round_trip, config_.drain_timeout);
  phase_end_ = crew_.all_drained() ? now : now + linger;
  shard_->on_command(StopCommand{StopPhase::abort}, now);
}

}  // namespace sluice
