#include "dataplane/sim/simulation.hpp"

#include <algorithm>

namespace sluice::sim {
namespace {

constexpr std::uint64_t kMaxTurns = 200'000'000;
constexpr std::uint32_t kVirtio = wire::kVirtioNetHeaderSize;

std::uint64_t seed_begun = 0;

std::vector<SpokePlan> spokes_of(const Scenario& scenario) {
  std::vector<SpokePlan> spokes;
  for (const HostPlan& host : scenario.hosts) {
    const ShardOptions& shard = host.options.shard;
    spokes.push_back({host.up, host.down, shard.kernel_side, shard.mtu, host.options.cut});
  }
  return spokes;
}

// All headers, and what options they mostly have.
Bytes head_of(Bytes whole) {
  return whole.first(std::min<std::size_t>(whole.size(), 96));
}

}  // namespace

std::uint64_t Simulation::latest_seed() {
  return seed_begun;
}

bool Simulation::Flow::has_ended() const {
  return opening->has_ended() && (accepting->has_ended() || plan.may_fail());
}

Simulation::Simulation(const Scenario& scenario)
    : scenario_(scenario),
      progress_(scenario.faults_until, scenario.patience, verdict_),
      star_(spokes_of(scenario), scenario.seed, *this) {
  seed_begun = scenario.seed;
  for (std::uint32_t i = 0; i < scenario.hosts.size(); ++i) {
    const Host::Place place{i, *this, verdict_, fault_in(i)};
    hosts_.push_back(std::make_unique<Host>(scenario.hosts[i].options, place, Instant()));
  }
  outcome_.hosts.resize(hosts_.size());
  flows_.reserve(scenario.flows.size());
  for (const FlowPlan& plan : scenario.flows) add_flow(plan);
}

// Streams that are still open name endpoints, and slots pin lent frames: hosts go first.
Simulation::~Simulation() {
  for (const Flow& flow : flows_) {
    flow.opening->let_go();
    flow.accepting->let_go();
  }
  hosts_.clear();
  flows_.clear();
}

Fault Simulation::fault_in(std::uint32_t host) const {
  return is_planted_in(host, scenario_.fault) ? scenario_.fault : Fault::none;
}

// --- flows ----------------------------------------------------------------------------------

std::unique_ptr<Endpoint> Simulation::make_endpoint(const FlowPlan& plan, bool opens) {
  const std::uint32_t host = opens ? plan.opener : plan.acceptor;
  Endpoint::Parts parts{*hosts_[host], lent_, verdict_,
                        progress_,     {},    opens ? plan.opening : plan.accepting};
  parts.name = "flow " + std::to_string(plan.port) + " (" + plan.kind + ") host " +
               std::to_string(host) + (opens ? " opening" : " accepting");
  const std::uint64_t from_opener = plan.seed;
  const std::uint64_t from_acceptor = plan.accepting.echo ? from_opener : ~plan.seed;
  parts.send_seed = opens ? from_opener : from_acceptor;
  parts.receive_seed = opens ? from_acceptor : from_opener;
  parts.measured = scenario_.measured;
  parts.fault = fault_in(host);
  parts.may_fail = plan.may_fail();
  const HostOptions& other = scenario_.hosts[opens ? plan.acceptor : plan.opener].options;
  parts.may_be_forgotten = other.shard.max_time_waits < scenario_.flows.size() ||
                           other.shard.tcp.time_wait < Duration::seconds(60);
  return std::make_unique<Endpoint>(std::move(parts));
}

std::uint32_t Simulation::core_of(const FlowPlan& plan) const {
  return static_cast<std::uint32_t>(plan.seed % hosts_[plan.opener]->cores());
}

void Simulation::add_flow(const FlowPlan& plan) {
  flows_.push_back({plan, make_endpoint(plan, true), make_endpoint(plan, false)});
  Flow& flow = flows_.back();
  flow.opening->meet(*flow.accepting);
  flow.accepting->meet(*flow.opening);
  Endpoint* const accepting = flow.accepting.get();
  hosts_[plan.acceptor]->listen(plan.port,
                                [accepting](Stream& stream) { return accepting->accept(stream); });
  Core& core = hosts_[plan.opener]->core(core_of(plan));
  core.schedule(plan.start, [this, &flow] { start_flow(flow); });
}

void Simulation::start_flow(Flow& flow) {
  const auto& networks = scenario_.hosts[flow.plan.acceptor].options.shard.kernel_side;
  ConnectOptions connect;
  connect.remote = *LocalAddresses(networks).preferred(flow.plan.v4);
  connect.port = flow.plan.port;
  flow.opening->open(connect, core_of(flow.plan));
}

std::uint64_t Simulation::flows_left() const {
  return static_cast<std::uint64_t>(
      std::ranges::count_if(flows_, [](const Flow& flow) { return !flow.has_ended(); }));
}

// --- packets --------------------------------------------------------------------------------

void Simulation::on_sent(std::uint32_t host, MutableBytes whole, Instant now) {
  digest_.add(static_cast<std::uint64_t>(now.ns()));
  digest_.add(head_of(whole));
  if (observer_ != nullptr) observer_->on_sent(host, whole, now);
  const Bytes ip = whole.subspan(kVirtio);
  wire::Packet packet;
  const DropReason reason = wire::parse_packet(ip, wire::parse_virtio_net(whole), packet);
  if (reason == DropReason::none) {
    wire_.on_sent(packet, ip.subspan(packet.payload_offset, packet.payload_length));
  } else if (scenario_.fault != Fault::bad_offload) {
    verdict_.fail("a packet that nobody would take: " + std::string(drop_reason_name(reason)));
  }
  falsify_crossing(fault_in(host), whole);
  star_.send(host, whole, now);
}

void Simulation::on_taken(std::uint32_t, const wire::Packet& packet) {
  wire_.on_taken(packet);
}

// Once cut, a packet's head holds the sum of its text.
void Simulation::on_crossed(std::uint32_t host, Direction direction, const LinkPacket& packet,
                            Instant now) {
  const Bytes whole = packet.whole.bytes();
  digest_.add(static_cast<std::uint64_t>(now.ns()) * 2 + (direction == Direction::up ? 1 : 0));
  digest_.add(packet.is_corrupt ? whole : head_of(whole));
  if (observer_ != nullptr) observer_->on_crossed(host, direction, whole, now);
  const MeasuredTime& measured = scenario_.measured;
  if (direction == Direction::up && now >= measured.from && now < measured.to) {
    outcome_.hosts[host].measured_up_bytes += whole.size() - kVirtio;
  }
}

void Simulation::on_arrival(std::uint32_t host, LinkPacket packet, Instant) {
  hosts_[host]->receive(std::move(packet));
}

// --- time -----------------------------------------------------------------------------------

Instant Simulation::next_event() const {
  Instant next = star_.next_event();
  for (const auto& host : hosts_) next = std::min(next, host->next_turn());
  return next;
}

void Simulation::step(Instant now) {
  star_.step(now);
  for (const auto& host : hosts_) {
    host->turn(now, [this, now](bool moved) {
      progress_.on_turn(moved, now);
      ++outcome_.turns;
    });
  }
}

bool Simulation::is_quiet() const {
  return star_.next_event().is_never() &&
         std::ranges::all_of(hosts_, [](const auto& host) { return host->is_quiet(); });
}

bool Simulation::is_over(Instant now) {
  if (verdict_.failed()) return true;
  while (first_left_ < flows_.size() && flows_[first_left_].has_ended()) ++first_left_;
  if (first_left_ == flows_.size()) return is_quiet();
  if (now <= progress_.deadline()) return false;
  return !progress_.check(now, flows_left(), describe_first_left());
}

std::string Simulation::describe(const Flow& flow) const {
  std::string text = flow.opening->describe() + "; " + flow.accepting->describe();
  for (const std::uint32_t number : {flow.plan.opener, flow.plan.acceptor}) {
    const Host& host = *hosts_[number];
    for (std::uint32_t i = 0; i < host.cores(); ++i) {
      text += "; host " + std::to_string(number) + " core " + std::to_string(i) + " " +
              host.core(i).describe_memory();
    }
  }
  return text;
}

std::string Simulation::describe_first_left() const {
  return first_left_ < flows_.size() ? describe(flows_[first_left_]) : "all flows have ended";
}

void Simulation::check_end() {
  Homecoming home(verdict_);
  for (std::uint32_t i = 0; i < hosts_.size(); ++i) {
    for (std::uint32_t core = 0; core < hosts_[i]->cores(); ++core) {
      home.check(hosts_[i]->core(core),
                 "host " + std::to_string(i) + " core " + std::to_string(core));
    }
  }
  if (lent_.out() != 0) verdict_.fail(std::to_string(lent_.out()) + " lent frames are still out");
  if (star_.frames_out() != 0) {
    verdict_.fail(std::to_string(star_.frames_out()) + " frames are still on the wires");
  }
  if (scenario_.least_fairness > 0) {
    std::vector<double> rates;
    for (const Flow& flow : flows_) {
      rates.push_back(
          static_cast<double>(flow.opening->measured_bytes() + flow.accepting->measured_bytes()));
    }
    Fairness(scenario_.least_fairness, verdict_).check(rates);
  }
}

void Simulation::sum_up(Instant now) {
  for (std::uint32_t i = 0; i < hosts_.size(); ++i) {
    HostOutcome& host = outcome_.hosts[i];
    host.stats = hosts_[i]->stats();
    host.up = star_.link(i, Direction::up).counters();
    host.down = star_.link(i, Direction::down).counters();
  }
  for (const Flow& flow : flows_) {
    const Instant start = flow.plan.start;
    const Instant text = std::max(flow.opening->last_bytes_at(), flow.accepting->last_bytes_at());
    const Instant end = std::max(flow.opening->ended_at(), flow.accepting->ended_at());
    outcome_.flows.push_back({flow.opening->measured_bytes() + flow.accepting->measured_bytes(),
                              std::max(text, start) - start,
                              flow.has_ended() ? end - start : Duration(), flow.has_ended()});
  }
  outcome_.digest = digest_.value();
  outcome_.end = now;
  if (verdict_.failed()) {
    outcome_.failure = "sim seed=" + std::to_string(scenario_.seed) +
                       " t=" + std::to_string(now.ns() / 1000) + "us: " + verdict_.failure();
  }
}

Outcome Simulation::run() {
  Instant now;
  while (!is_over(now)) {
    const Instant next = next_event();
    if (next.is_never()) {
      verdict_.fail("nothing will ever happen again: " + describe_first_left());
      break;
    }
    now = std::max(now, next);
    step(now);
    if (outcome_.turns > kMaxTurns) verdict_.fail("too many turns");
  }
  if (!verdict_.failed()) check_end();
  sum_up(now);
  return std::move(outcome_);
}

Outcome simulate(const Scenario& scenario) {
  return Simulation(scenario).run();
}

Outcome simulate(std::uint64_t seed) {
  return simulate(draw_scenario(seed));
}

}  // namespace sluice::sim
