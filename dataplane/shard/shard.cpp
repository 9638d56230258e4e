#include "dataplane/shard/shard.hpp"

#include <algorithm>
#include <utility>

#include "dataplane/shard/port_picker.hpp"
#include "proto/tcp/isn.hpp"

namespace sluice {
namespace {

constexpr std::uint32_t kTimersPerTurn = 256;
// As Linux (net.ipv4.icmp_msgs_per_sec, icmp_msgs_burst).
constexpr std::uint32_t kErrorsPerSecond = 1000;
constexpr std::uint32_t kErrorsAtOnce = 50;

void add_counters(ShardStats& sum, const tcp::ConnectionCounters& counters) {
  sum.segments_in += counters.segments_in;
  sum.segments_out += counters.segments_out;
  sum.bytes_in += counters.bytes_received;
  sum.bytes_out += counters.bytes_acked;
  sum.retransmitted += counters.retransmitted;
  sum.timeouts += counters.timeouts;
  sum.fast_retransmits += counters.fast_retransmits;
  sum.tail_probes += counters.tail_probes;
  sum.undone += counters.undone;
  sum.gaps_forgotten += counters.gaps_forgotten;
}

bool is_half_open(const ConnectionSlot& slot) {
  return slot.tcp.state() == tcp::State::syn_received;
}

}  // namespace

Shard::Shard(const ShardOptions& options, const tcp::Resources& resources, Instant now)
    : options_(options),
      settings_(options.tcp),
      resources_(resources),
      local_(options.kernel_side, options.addresses, options.any_address),
      now_(now),
      rng_(options.secrets.seed),
      slots_(options.max_connections, options.growth),
      time_waits_(options.max_time_waits, options.growth),
      table_(options.max_connections + options.max_time_waits, options.growth),
      wheel_(now),
      replies_(options.max_replies, options.growth),
      datagrams_(options.max_datagrams, options.growth),
      errors_(kErrorsPerSecond, kErrorsAtOnce, now),
      identification_(static_cast<std::uint32_t>(rng_.next())) {
  if (options.frames != nullptr) {
    reassembly_.emplace(*options.frames, ReassemblyLimits(), options.growth);
  }
}

Shard::~Shard() {
  all_.for_each([this](ConnectionSlot& slot) { release(slot); });
  while (!replies_.empty()) replies_.pop();
  while (!datagrams_.empty()) datagrams_.pop();
  if (reassembly_) reassembly_->clear();
}

// --- commands -------------------------------------------------------------------------------

void Shard::on_command(Command command, Instant now) {
  now_ = now;
  std::visit([this](auto& chosen) { run(chosen); }, command);
}

void Shard::run(ListenCommand& command) {
  listen(command.options, std::move(command.acceptor));
}

ListenerEntry& Shard::listen(const ListenOptions& options, Acceptor acceptor) {
  auto entry = std::make_unique<ListenerEntry>();
  entry->options = options;
  entry->acceptor = std::move(acceptor);
  return listeners_.add(std::move(entry));
}

void Shard::run(UnlistenCommand& command) {
  unlisten(command.options);
}

void Shard::unlisten(const ListenOptions& options, HalfOpen half_open) {
  all_.for_each([&](ConnectionSlot& slot) {
    if (slot.listener == nullptr || !ListenerTable::is_at(*slot.listener, options)) return;
    if (half_open == HalfOpen::forget) return release(slot);
    slot.listener = nullptr;
    slot.tcp.abort(now_);
    mark_ready(slot);
  });
  listeners_.remove(options);
}

void Shard::run(TuneCommand& command) {
  ListenerEntry* const listener = listeners_.find_at(command.options);
  if (listener != nullptr) listener->options.stream = command.options.stream;
}

void Shard::run(BindCommand& command) {
  DatagramEntry& socket = bind(command.options, *command.events);
  socket.events.on_bound(socket);
}

DatagramEntry& Shard::bind(const BindOptions& options, DatagramEvents& events) {
  auto entry = std::make_unique<DatagramEntry>(*this, options, events);
  entry->hop_limit = options_.hop_limit;
  return sockets_.add(std::move(entry));
}

void Shard::run(UnbindCommand& command) {
  sockets_.remove(command.options);
}

std::string_view connect_problem_name(ConnectProblem problem) {
  switch (problem) {
    case ConnectProblem::none: return "none";
    case ConnectProblem::stopping: return "the engine is stopping";
    case ConnectProblem::no_local_address: return "no local address of that family";
    case ConnectProblem::bad_remote_address: return "no such remote address";
    case ConnectProblem::no_local_port: return "no local port is free";
    case ConnectProblem::local_port_in_use: return "the local port is in use";
    case ConnectProblem::flow_exists: return "the connection exists";
    case ConnectProblem::memory_short: return "memory is short";
    case ConnectProblem::connection_limit: return "the connection limit is reached";
  }
  return "?";
}

void Shard::run(ConnectCommand& command) {
  const ConnectProblem problem = connect(command);
  if (problem == ConnectProblem::none) return;
  command.events->on_connect_failed(connect_problem_name(problem));
}

ConnectProblem Shard::connect(ConnectCommand& command) {
  const ConnectOptions& wanted = command.options;
  const auto local = wanted.local ? wanted.local : local_.preferred(wanted.remote.is_v4());
  if (!local) return ConnectProblem::no_local_address;
  FlowKey flow{*local, wanted.remote, 0, wanted.port};
  ConnectProblem problem = choose_port(flow, wanted.local_port);
  if (problem != ConnectProblem::none) return problem;
  ConnectionSlot* const slot = claim(flow, *command.events, problem);
  if (slot != nullptr) {
    prepare(*slot, wanted.stream);
    open(*slot);
    slot->events->on_connecting(*slot);
  }
  return problem;
}

// `wanted`, unless that is 0.
ConnectProblem Shard::choose_port(FlowKey& flow, std::uint16_t wanted) {
  const auto is_free = [&] { return !listeners_.uses_port(flow.local_port) && !is_known(flow); };
  if (wanted != 0) {
    flow.local_port = wanted;
    return is_free() ? ConnectProblem::none : ConnectProblem::local_port_in_use;
  }
  flow.local_port = pick_port(rng_, PortRange(), [&](std::uint16_t port) {
    flow.local_port = port;
    return options_.ownership.of(flow) == options_.worker && is_free();
  });
  return ConnectProblem::none;
}

ConnectionSlot* Shard::claim(const FlowKey& flow, StreamEvents& events, ConnectProblem& problem) {
  const std::uint64_t hash = hash_of(flow);
  problem = check(flow, hash);
  if (problem != ConnectProblem::none) return nullptr;
  ConnectionSlot* const slot = make_slot(flow, hash);
  if (slot == nullptr) {
    problem = ConnectProblem::connection_limit;
    return nullptr;
  }
  slot->events = &events;
  return slot;
}

// Whether we may connect so.
ConnectProblem Shard::check(const FlowKey& flow, std::uint64_t hash) {
  const IpAddress& remote = flow.remote;
  if (stopping_) return ConnectProblem::stopping;
  if (!local_.contains(flow.local)) return ConnectProblem::no_local_address;
  const bool valid =
      is_one_hosts(remote) && flow.remote_port != 0 && flow.local.is_v4() == remote.is_v4();
  if (!valid) return ConnectProblem::bad_remote_address;  // RFC 9293 MUST-46
  if (flow.local_port == 0) return ConnectProblem::no_local_port;
  if (is_known(flow, hash)) return ConnectProblem::flow_exists;
  return has_memory() ? ConnectProblem::none : ConnectProblem::memory_short;
}

void Shard::open(ConnectionSlot& slot) {
  ++stats_.connected;
  slot.tcp.open_active(identity_of(slot.flow_key), now_);
  mark_ready(slot);
}

void Shard::run(PostCommand& command) {
  command.work();
}

void Shard::run(StopCommand& command) {
  stopping_ = true;
  listeners_.clear();
  all_.for_each([this, &command](ConnectionSlot& slot) {
    const bool pending = slot.listener != nullptr;
    slot.listener = nullptr;
    if (pending || command.phase == StopPhase::abort) {
      slot.application_gone = true;  // nobody waits for what it has not read
      slot.tcp.abort(now_);
    } else {
      slot.tcp.shutdown_send(now_);
    }
    mark_ready(slot);
  });
}

// --- time -----------------------------------------------------------------------------------

void Shard::on_time(Instant now) {
  now_ = now;
  while (!time_waits_.empty() && time_waits_.oldest().expiry <= now) {
    forget_time_wait(time_waits_.oldest());  // RFC 9293 R9293-12
  }
  if (reassembly_) expire_fragments();
  for (std::uint32_t fired = 0; fired < kTimersPerTurn; ++fired) {
    WheelNode* const node = wheel_.pop_due(now);
    if (node == nullptr) return;
    auto& slot = static_cast<ConnectionSlot&>(*node);
    if (slot.tcp.deadline() <= now) {
      slot.tcp.on_time(now);
      mark_ready(slot);
    } else {
      rearm(slot);  // it had moved later meanwhile
    }
  }
}

Instant Shard::next_deadline() const {
  Instant first = wheel_.next_deadline();
  if (!time_waits_.empty()) first = std::min(first, time_waits_.oldest().expiry);
  if (reassembly_) first = std::min(first, reassembly_->next_deadline());
  return first;
}

// A deadline that moves later leaves the node where it is: it fires early, looks, and is re-armed.
void Shard::rearm(ConnectionSlot& slot) {
  const Instant deadline = slot.tcp.deadline();
  if (deadline.is_never()) return;
  if (slot.is_armed() && slot.tick() <= TimerWheel::ceil_tick(deadline)) return;
  wheel_.arm(slot, deadline);
}

// --- connections ----------------------------------------------------------------------------

tcp::Identity Shard::identity_of(const FlowKey& flow) const {
  const bool v6 = flow.remote.is_v6();
  tcp::Identity identity;
  identity.iss = tcp::initial_sequence(flow, options_.secrets.sequence, now_);
  identity.ts_offset = tcp::timestamp_offset(flow, options_.secrets.timestamp);
  const std::uint32_t headers = v6 ? 60 : 40;  // RFC 6691 R6691-1: fixed headers only
  identity.advertised_mss = static_cast<std::uint16_t>(options_.mtu - headers);
  identity.is_v6 = v6;
  return identity;
}

FlowRef Shard::find_flow(const FlowKey& flow, std::uint64_t hash) const {
  return table_.find(hash, [this, &flow](FlowRef ref) {
    return ref.is_time_wait() ? time_waits_.at(ref.index()).flow == flow
                              : slots_.at(ref.index()).flow_key == flow;
  });
}

ConnectionSlot* Shard::make_slot(const FlowKey& flow, std::uint64_t hash) {
  if (!table_.try_make_room()) return nullptr;
  ConnectionSlot* const slot = slots_.make(*this, flow, hash, settings_, resources_, now_);
  if (slot == nullptr) return nullptr;
  slot->hop_limit = options_.hop_limit;
  table_.insert(hash, FlowRef::connection(slots_.index_of(*slot)));
  all_.push_back(*slot);
  return slot;
}

void Shard::let_go(ConnectionSlot& slot) {
  slot.is_kept = false;
  if (slot.tcp.is_finished()) {
    release(slot);
  } else {
    mark_ready(slot);
  }
}

// Before its first packet.
void Shard::prepare(ConnectionSlot& slot, const StreamOptions& options) {
  slot.set_traffic_class(options.traffic_class);
  if (options.max_segment != 0) slot.set_max_segment(options.max_segment);
  if (options.receive_buffer != 0) slot.set_receive_buffer(options.receive_buffer);
  if (options.send_buffer != 0) slot.set_send_buffer(options.send_buffer);
  if (options.unsent_low_water != 0) slot.set_unsent_low_water(options.unsent_low_water);
  if (options.nodelay) slot.set_nodelay(true);
  if (options.congestion) slot.set_congestion(*options.congestion);
}

void Shard::leave_lists(ConnectionSlot& slot) {
  if (std::exchange(slot.in_table, false)) {
    table_.erase(slot.flow_hash, FlowRef::connection(slots_.index_of(slot)));
  }
  wheel_.cancel(slot);
  slot.ListNode<ReadyTag>::unlink();
  slot.ListNode<GapTag>::unlink();
}

void Shard::release(ConnectionSlot& slot) {
  leave_listener(slot);
  count_end(slot);
  leave_lists(slot);
  slot.ListNode<AllTag>::unlink();
  slots_.destroy(slot);
}

void Shard::leave_listener(ConnectionSlot& slot) {
  if (slot.listener != nullptr) --slot.listener->half_open;
  slot.listener = nullptr;
}

void Shard::count_end(const ConnectionSlot& slot) {
  add_counters(stats_, slot.tcp.counters());
  switch (slot.tcp.close_reason()) {
    case CloseReason::none: break;
    case CloseReason::normal: ++stats_.closed; break;
    case CloseReason::reset: ++stats_.reset; break;
    case CloseReason::refused: ++stats_.refused; break;
    case CloseReason::timed_out:
    case CloseReason::unreachable: ++stats_.timed_out; break;
    case CloseReason::aborted: ++stats_.aborted; break;
  }
}

// Null when none may be kept.
TimeWaitEntry* Shard::add_time_wait(Instant expiry) {
  TimeWaitEntry* const entry = time_waits_.add(expiry);
  if (entry != nullptr) return entry;
  ++stats_.time_wait_recycled;
  if (time_waits_.empty()) return nullptr;
  forget_time_wait(time_waits_.oldest());
  return time_waits_.add(expiry);
}

void Shard::become_time_wait(ConnectionSlot& slot) {
  const tcp::TimeWait rest = slot.tcp.take_time_wait();
  table_.erase(slot.flow_hash, FlowRef::connection(slots_.index_of(slot)));
  slot.in_table = false;
  const IpMarks marks{slot.hop_limit, slot.traffic_class};
  if (rest.owes_ack) reply_with_ack(slot.flow_key, rest, marks);
  TimeWaitEntry* const entry = add_time_wait(now_ + settings_.time_wait);
  if (entry == nullptr) return;
  entry->flow = slot.flow_key;
  entry->hash = slot.flow_hash;
  entry->shares_port = slot.shares_port;
  entry->marks = marks;
  entry->tcp = rest;
  table_.insert(entry->hash, FlowRef::time_wait(time_waits_.index_of(*entry)));
}

void Shard::forget_time_wait(TimeWaitEntry& entry) {
  table_.erase(entry.hash, FlowRef::time_wait(time_waits_.index_of(entry)));
  time_waits_.remove(entry);
}

// --- events ---------------------------------------------------------------------------------

void Shard::mark_ready(ConnectionSlot& slot) {
  if (!slot.ListNode<ReadyTag>::is_linked()) ready_.push_back(slot);
}

// The connection has changed: let the application know, and let it speak when output is pulled.
void Shard::after_event(ConnectionSlot& slot) {
  if (slot.tcp.state() == tcp::State::time_wait) become_time_wait(slot);
  mark_ready(slot);
  dispatch(slot);
  slot.tcp.settle();
}

// Calls back until nothing is new: a callback may cause the next event.
void Shard::dispatch(ConnectionSlot& slot) {
  while (true) {
    const std::uint8_t events = slot.tcp.take_events();
    if ((events & tcp::kOpened) != 0 && !accept(slot)) return;
    const bool listening = slot.events != nullptr && !slot.application_gone;
    if (listening && (events & tcp::kOpened) != 0) slot.events->on_open(slot);
    if (listening && (events & tcp::kUrgent) != 0 && !slot.application_gone) {
      slot.events->on_urgent(slot);
    }
    if (listening && (events & tcp::kReadable) != 0 && !slot.application_gone) {
      slot.events->on_readable(slot);
    }
    const bool at_end = listening && !slot.told_end && slot.tcp.at_end();
    if (at_end && !slot.application_gone) {
      slot.told_end = true;
      slot.events->on_peer_closed(slot);
    }
    if (listening && (events & tcp::kWritable) != 0 && !slot.application_gone) {
      slot.events->on_writable(slot);
    }
    if (listening && (events & tcp::kClosed) != 0 && !slot.application_gone) {
      slot.events->on_ended(slot);
    }
    if (events == 0 && !at_end) return;
  }
}

// A listener's connection is established. False when nobody wants it.
bool Shard::accept(ConnectionSlot& slot) {
  if (slot.events != nullptr) return true;  // opened by us
  ListenerEntry* const listener = slot.listener;
  leave_listener(slot);
  if (listener != nullptr) slot.events = listener->acceptor(slot);
  if (slot.events == nullptr) {
    slot.tcp.abort(now_);
    return false;
  }
  ++stats_.accepted;
  return true;
}

Stream* Shard::find(const StreamId& id) {
  return id.worker == options_.worker ? slots_.find(id.slot, id.generation) : nullptr;
}

// --- observation ----------------------------------------------------------------------------

ShardStats Shard::stats() const {
  ShardStats sum = stats_;
  all_.for_each([&sum](const ConnectionSlot& slot) {
    add_counters(sum, slot.tcp.counters());
    if (is_half_open(slot)) ++sum.half_open;
  });
  sum.connections = slots_.live();
  sum.time_waits = time_waits_.size();
  sum.memory_level = resources_.level();
  if (reassembly_) sum.datagrams_joined = reassembly_->counters().joined;
  return sum;
}

void Shard::check_invariants() const {
  SLUICE_ASSERT(table_.size() <= slots_.live() + time_waits_.size());
  all_.for_each([this](const ConnectionSlot& slot) {
    slot.tcp.check_invariants();
    const bool waits = !slot.tcp.deadline().is_never();
    SLUICE_ASSERT(!waits || slot.is_armed() || slot.ListNode<ReadyTag>::is_linked());
    SLUICE_ASSERT(!slot.tcp.has_gap() || slot.ListNode<GapTag>::is_linked());
    SLUICE_ASSERT(!slot.in_table || !find_flow(slot.flow_key, slot.flow_hash).is_none());
  });
}

}  // namespace sluice
