#include "dataplane/engine.hpp"

#include <algorithm>
#include <cstdio>
#include <mutex>
#include <optional>
#include <shared_mutex>

#include "dataplane/control.hpp"
#include "dataplane/io/tun.hpp"
#include "dataplane/worker/worker.hpp"
#include "proto/base/assert.hpp"

namespace sluice {
namespace {

void report_assertion(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "sluice: assertion failed: %s (%s:%d)\n", expression, file, line);
}

void add(io::IoCounters& sum, const io::IoCounters& other) {
  sum.rx_packets += other.rx_packets;
  sum.rx_bytes += other.rx_bytes;
  sum.tx_packets += other.tx_packets;
  sum.tx_bytes += other.tx_bytes;
  sum.tx_refused += other.tx_refused;
  sum.rx_errors += other.rx_errors;
  sum.rx_starved += other.rx_starved;
  sum.turns += other.turns;
  sum.sleeps += other.sleeps;
}

void add(EngineStats& sum, const WorkerStats& worker) {
  sum.shard += worker.shard;
  add(sum.io, worker.io);
  sum.device_dropped += worker.device_dropped;
}

std::string join_lines(const std::vector<std::string>& lines) {
  std::string all;
  for (const std::string& line : lines) all += (all.empty() ? "" : "\n") + line;
  return all;
}

}  // namespace

struct Engine::State {
  explicit State(const Config& chosen) : config(chosen) {}

  Config config;
  // Held shared while workers are talked to, alone while they come and go.
  mutable std::shared_mutex life;
  mutable std::mutex ports_guard;
  PortRegistry ports;
  std::optional<io::Tun> tun;
  std::vector<std::unique_ptr<Worker>> workers;  // empty: not running
  EngineStats finished;                          // of former runs
  Facts facts;

  void open_device();
  void start_workers();
  void stop_workers();
  void close_device();
  bool post_to(std::uint32_t worker, Command command) const;
};

void Engine::State::open_device() {
  const bool adopts = !config.tun_descriptors.empty();
  tun = adopts ? io::Tun::adopt(config.tun_descriptors)
               : io::Tun::open(config.tun_name, config.workers);
  const io::Offloads wanted{config.checksum, config.tso};
  const io::Offloads taken = tun->set_offloads(wanted);
  if (!adopts) {
    tun->set_mtu(config.mtu);
    for (const Cidr& address : config.addresses) tun->add_address(address);
  }
  tun->set_queue_length(config.queue_length);
  if (!adopts) tun->set_up();
  facts = Facts();
  facts.device = tun->name();
  facts.mtu = tun->mtu();
  facts.tso = taken.tso;
  facts.checksum = taken.checksum;
  if (taken != wanted) facts.notes.emplace_back("the device refuses some offloads: going without");
}

void Engine::State::start_workers() {
  WorkerOptions options;
  options.tun = &*tun;
  options.config = config;
  options.config.mtu = facts.mtu;
  options.config.tso = facts.tso;
  options.config.checksum = facts.checksum;
  {
    const std::lock_guard guard(ports_guard);
    options.listeners = ports.replicas(config.workers);
  }
  for (std::uint32_t i = 0; i < config.workers; ++i) {
    options.number = i;
    if (!config.pin.empty()) options.cpu = config.pin[i];
    auto worker = std::make_unique<Worker>(options);
    worker->start();
    workers.push_back(std::move(worker));
  }
  facts.backend = workers.front()->uses_uring() ? "io_uring" : "poll";
  const std::string& reason = workers.front()->fallback_reason();
  if (!reason.empty()) facts.notes.push_back("io_uring is refused (" + reason + "): using poll");
}

// Without the lock, because callbacks that still run may take it.
void Engine::State::stop_workers() {
  for (const auto& worker : workers) worker->request_stop();
  for (const auto& worker : workers) worker->join();
}

// The queues are closed together, because detaching one renumbers the rest.
void Engine::State::close_device() {
  const std::unique_lock guard(life);
  for (const auto& worker : workers) add(finished, worker->stats());
  workers.clear();
  tun.reset();
}

bool Engine::State::post_to(std::uint32_t worker, Command command) const {
  return worker < workers.size() && workers[worker]->post(std::move(command));
}

Engine::Engine(const Config& config) : state_(std::make_unique<State>(config)) {
  set_assertion_reporter(report_assertion);
  const std::vector<std::string> problems = config.validate();
  if (!problems.empty()) throw EngineError(join_lines(problems));
}

Engine::~Engine() {
  stop();
}

void Engine::start() {
  std::unique_lock guard(state_->life);
  if (!state_->workers.empty()) throw EngineError("the engine is running already");
  try {
    state_->open_device();
    state_->start_workers();
  } catch (const std::exception& error) {
    guard.unlock();
    stop();
    throw EngineError(error.what());
  }
}

void Engine::stop() {
  state_->stop_workers();
  state_->close_device();
}

bool Engine::is_running() const {
  const std::shared_lock guard(state_->life);
  return !state_->workers.empty();
}

Listener Engine::listen(const ListenOptions& options, const Acceptor& acceptor) {
  const std::shared_lock guard(state_->life);
  {
    const std::lock_guard ports_guard(state_->ports_guard);
    const std::string problem = state_->ports.add(options, acceptor);
    if (!problem.empty()) throw EngineError(problem);
  }
  const auto shares = static_cast<std::uint32_t>(state_->workers.size());
  for (std::uint32_t i = 0; i < shares; ++i) {
    ListenOptions share = options;
    share.backlog = std::max(1u, options.backlog / shares);
    if (state_->post_to(i, ListenCommand{share, acceptor})) continue;
    const std::lock_guard ports_guard(state_->ports_guard);
    state_->ports.remove(options);
    throw EngineError("the engine is too busy to listen: try again");
  }
  // Commands of one thread run in their order: an answer means that the listener is in place. Only
  // a callback must not wait: its own core runs the command after it.
  const auto& workers = state_->workers;
  const bool in_callback = std::any_of(workers.begin(), workers.end(),
                                       [](const auto& worker) { return worker->is_this_thread(); });
  if (!in_callback) {
    for (const auto& worker : workers) worker->stats();
  }
  return {*this, options};
}

void Engine::unlisten(const ListenOptions& options) {
  const std::shared_lock guard(state_->life);
  {
    const std::lock_guard ports_guard(state_->ports_guard);
    if (!state_->ports.remove(options)) return;
  }
  for (const auto& worker : state_->workers) worker->post(UnlistenCommand{options});
}

void Listener::close() {
  engine_->unlisten(options_);
}

bool Engine::connect(const ConnectOptions& options, StreamEvents& events) {
  const std::shared_lock guard(state_->life);
  return state_->post_to(0, ConnectCommand{options, &events});
}

bool Engine::post(const StreamId& stream, std::function<void(Stream&)> work) {
  const std::shared_lock guard(state_->life);
  if (stream.worker >= state_->workers.size()) return false;
  Worker& worker = *state_->workers[stream.worker];
  return worker.post(PostCommand{[&worker, stream, work = std::move(work)] {
    if (Stream* const found = worker.shard().find(stream)) work(*found);
  }});
}

bool Engine::post(std::uint32_t worker, std::function<void()> work) {
  const std::shared_lock guard(state_->life);
  return state_->post_to(worker, PostCommand{std::move(work)});
}

EngineStats Engine::stats() const {
  const std::shared_lock guard(state_->life);
  EngineStats sum = state_->finished;
  for (const auto& worker : state_->workers) add(sum, worker->stats());
  return sum;
}

Engine::Facts Engine::facts() const {
  const std::shared_lock guard(state_->life);
  return state_->facts;
}

}  // namespace sluice
