#include "dataplane/engine.hpp"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <mutex>
#include <optional>
#include <shared_mutex>

#include "dataplane/control.hpp"
#include "dataplane/io/capture.hpp"
#include "dataplane/io/entropy.hpp"
#include "dataplane/io/offload_check.hpp"
#include "dataplane/io/steering.hpp"
#include "dataplane/io/tun.hpp"
#include "dataplane/worker/worker.hpp"
#include "proto/base/assert.hpp"

namespace sluice {
namespace {

void report_assertion(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "sluice: assertion failed: %s (%s:%d)\n", expression, file, line);
}

std::string join_lines(const std::vector<std::string>& lines) {
  std::string all;
  for (const std::string& line : lines) all += (all.empty() ? "" : "\n") + line;
  return all;
}

}  // namespace

struct Engine::State {
  explicit State(const Config& chosen) : config(chosen), local(chosen.addresses) {
    const std::span keys(setup.steering_keys);
    io::fill_random({reinterpret_cast<std::uint8_t*>(keys.data()), keys.size_bytes()});
  }

  Config config;
  LocalAddresses local;
  // Held shared while workers are talked to, alone while they come and go.
  mutable std::shared_mutex life;
  mutable std::mutex ports_guard;
  PortRegistry ports;
  std::optional<io::Tun> tun;
  std::optional<io::Capture> capture;
  WorkerSetup setup;
  std::optional<Crew> crew;
  std::vector<std::unique_ptr<Worker>> workers;  // empty: not running
  EngineStats finished;                          // of former runs
  Facts facts;

  void open_device();
  io::Offloads choose_offloads();
  void steer(const io::Tun& device);
  void start_workers();
  void stop_workers();
  void close_device();
  void close_capture();
  std::uint32_t worker_for(const ConnectOptions& options) const;
  std::uint32_t owner_of(const FlowKey& flow) const;
  // That of the calling thread.
  std::optional<std::uint32_t> current_worker() const;
  bool post_to(std::uint32_t worker, Command command) const;
  void tell_all(const Command& command) const;
  template <class Take>
  void take_port(Take take);
  void withdraw(const auto& command);
};

void Engine::State::open_device() {
  facts = Facts();
  const bool adopts = !config.tun_descriptors.empty();
  const io::Offloads offloads = choose_offloads();
  tun = adopts ? io::Tun::adopt(config.tun_descriptors)
               : io::Tun::open(config.tun_name, config.workers);
  // With the device in our hands: the file may be that of an engine that runs.
  if (!config.pcap.empty()) capture.emplace(config.pcap);
  const io::Offloads taken = tun->set_offloads(offloads);
  if (taken != offloads)
    facts.notes.emplace_back("the device refuses some offloads: going without");
  if (!adopts) {
    tun->set_mtu(config.mtu);
    for (const Cidr& address : config.addresses) tun->add_address(address);
  }
  tun->set_queue_length(config.queue_length);
  steer(*tun);
  if (!adopts) tun->set_up();
  setup.tun = &*tun;
  facts.device = tun->name();
  facts.mtu = tun->mtu();
  facts.tso = taken.tso;
  facts.uso = taken.uso;
  facts.checksum = taken.checksum;
}

// Those that are wanted and have been seen to work.
io::Offloads Engine::State::choose_offloads() {
  const io::Offloads wanted{config.checksum, config.tso, config.uso};
  if (!config.test_offloads || !config.checksum) return wanted;
  const io::OffloadReport report = io::check_offloads();
  for (const std::string& note : report.complaints()) facts.notes.push_back(note);
  return report.usable(wanted);
}

// Before the device is up: no packet shall be put on a queue by another rule.
void Engine::State::steer(const io::Tun& device) {
  facts.steering = config.workers == 1 ? "none" : "learned";
  if (config.workers == 1 || config.steering == SteeringMode::learned) return;
  const bool misroute = config.steering == SteeringMode::misroute;
  const std::string problem = io::try_steer(device, setup.steering_keys, misroute ? 1 : 0);
  if (problem.empty()) {
    facts.steering = misroute ? "misroute" : "ebpf";
  } else if (misroute) {
    throw EngineError("cannot misroute: " + problem);
  } else {
    facts.notes.push_back(problem + ": the kernel learns where flows belong instead");
  }
}

void Engine::State::start_workers() {
  setup.config = config;
  setup.config.mtu = facts.mtu;
  setup.config.tso = facts.tso;
  setup.config.uso = facts.uso;
  setup.config.checksum = facts.checksum;
  setup.capture = capture ? &*capture : nullptr;
  {
    const std::lock_guard guard(ports_guard);
    setup.replicas = ports.replicas(config.workers);
  }
  crew.emplace(config.workers, inbox_capacity(config));
  try {
    for (std::uint32_t i = 0; i < config.workers; ++i) {
      workers.push_back(std::make_unique<Worker>(setup, *crew, i));
      workers.back()->start();
    }
  } catch (...) {
    crew->dismiss();
    workers.clear();
    throw;
  }
  crew->begin();
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
  for (const auto& worker : workers) finished += worker->stats();
  workers.clear();
  crew.reset();
  tun.reset();
  close_capture();
}

void Engine::State::close_capture() {
  if (!capture) return;
  try {
    capture->close();
  } catch (const io::CaptureError& error) {
    facts.notes.emplace_back(error.what());
  }
  capture.reset();
}

std::uint32_t Engine::State::worker_for(const ConnectOptions& options) const {
  const auto address = options.local ? options.local : local.preferred(options.remote.is_v4());
  if (options.local_port != 0 && address) {
    return owner_of({*address, options.remote, options.local_port, options.port});
  }
  if (const auto current = current_worker()) return *current;
  std::uint32_t best = 0;
  for (std::uint32_t i = 1; i < workers.size(); ++i) {
    if (workers[i]->connections() < workers[best]->connections()) best = i;
  }
  return best;
}

std::uint32_t Engine::State::owner_of(const FlowKey& flow) const {
  return Ownership{setup.steering_keys, config.workers}.of(flow);
}

std::optional<std::uint32_t> Engine::State::current_worker() const {
  for (std::uint32_t i = 0; i < workers.size(); ++i) {
    if (workers[i]->is_this_thread()) return i;
  }
  return std::nullopt;
}

// Commands of one thread run in their order: an answer means that all workers have run it. Only a
// callback must not wait for it: its own core runs the command later.
void Engine::State::tell_all(const Command& command) const {
  for (const auto& worker : workers) worker->post_always(command);
  if (current_worker()) return;
  for (const auto& worker : workers) worker->stats();
}

template <class Take>
void Engine::State::take_port(Take take) {
  const std::lock_guard guard(ports_guard);
  const std::string problem = take(ports);
  if (!problem.empty()) throw EngineError(problem);
}

void Engine::State::withdraw(const auto& command) {
  {
    const std::lock_guard guard(ports_guard);
    if (!ports.remove(command.options)) return;
  }
  tell_all(command);
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
  state_->stop_workers();
  state_->close_device();
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
  if (state_->current_worker())
    throw EngineError("cannot stop from a callback: use another thread");
  state_->stop_workers();
  state_->close_device();
}

bool Engine::is_running() const {
  const std::shared_lock guard(state_->life);
  return !state_->workers.empty();
}

void Engine::run() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  start();
  int signal = 0;
  sigwait(&signals, &signal);
  stop();
}

std::uint32_t Engine::workers() const {
  return state_->config.workers;
}

Listener Engine::listen(const ListenOptions& options, const Acceptor& acceptor) {
  const std::shared_lock guard(state_->life);
  const ListenCommand listener{options, acceptor};
  state_->take_port([&](PortRegistry& ports) { return ports.add(listener); });
  const auto shares = static_cast<std::uint32_t>(std::max<std::size_t>(1, state_->workers.size()));
  state_->tell_all(replica_of(listener, shares));
  return {*this, options};
}

void Engine::unlisten(const ListenOptions& options) {
  const std::shared_lock guard(state_->life);
  state_->withdraw(UnlistenCommand{options});
}

void Engine::tune(const ListenOptions& listener) {
  const std::shared_lock guard(state_->life);
  {
    const std::lock_guard ports_guard(state_->ports_guard);
    if (!state_->ports.tune(listener)) return;
  }
  state_->tell_all(TuneCommand{listener});
}

BindOptions Engine::bind(const BindOptions& options, DatagramEvents& events) {
  const std::shared_lock guard(state_->life);
  BindCommand socket{options, &events};
  state_->take_port([&](PortRegistry& ports) { return ports.add(socket); });
  state_->tell_all(socket);
  return socket.options;
}

void Engine::unbind(const BindOptions& options) {
  const std::shared_lock guard(state_->life);
  state_->withdraw(UnbindCommand{options});
}

void Listener::set_options(const StreamOptions& options) {
  options_.stream = options;
  engine_->tune(options_);
}

void Listener::close() {
  engine_->unlisten(options_);
}

bool Engine::connect(const ConnectOptions& options, StreamEvents& events) {
  const std::shared_lock guard(state_->life);
  return state_->post_to(state_->worker_for(options), ConnectCommand{options, &events});
}

std::uint32_t Engine::worker_for(const ConnectOptions& options) const {
  const std::shared_lock guard(state_->life);
  return state_->worker_for(options);
}

std::uint32_t Engine::owner_of(const FlowKey& flow) const {
  return state_->owner_of(flow);
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

bool Engine::when_told(std::function<void()> done) {
  const std::shared_lock guard(state_->life);
  if (state_->workers.empty()) return false;
  struct Round {
    std::atomic<std::size_t> untold;
    Worker& home;
    std::function<void()> done;
  };
  auto round = std::make_shared<Round>(state_->workers.size(),
                                       *state_->workers[state_->current_worker().value_or(0)],
                                       std::move(done));
  for (const auto& worker : state_->workers) {
    worker->post_always(PostCommand{[round] {
      if (round->untold.fetch_sub(1) > 1) return;
      round->home.post_always(PostCommand{[round] { round->done(); }});
    }});
  }
  return true;
}

EngineStats Engine::stats() const {
  const std::shared_lock guard(state_->life);
  EngineStats sum = state_->finished;
  for (const auto& worker : state_->workers) sum += worker->stats();
  return sum;
}

Engine::Facts Engine::facts() const {
  const std::shared_lock guard(state_->life);
  return state_->facts;
}

}  // namespace sluice
