#include "tests/sim/simulation.hpp"

#include <algorithm>
#include <cstdio>

#include "proto/base/assert.hpp"
#include "proto/base/siphash.hpp"
#include "proto/wire/format.hpp"
#include "tests/sim/segmenter.hpp"

namespace sluice::sim {
namespace {

constexpr std::uint64_t kMaxTurns = 30'000'000;

std::uint64_t running_seed = 0;

void report_assertion(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "sim seed=%llu: assertion %s failed at %s:%d\n",
               static_cast<unsigned long long>(running_seed), expression, file, line);
}

}  // namespace

bool Simulation::Flow::has_ended() const {
  return opening->has_ended() && (accepting->has_ended() || plan.may_fail());
}

Simulation::Simulation(const Scenario& scenario)
    : scenario_(scenario), progress_(scenario.faults_until + scenario.patience, verdict_) {
  running_seed = scenario.seed;
  set_assertion_reporter(report_assertion);
  Rng rng(scenario.seed);
  for (std::size_t i = 0; i < 2; ++i) {
    hosts_[i] = std::make_unique<Host>(scenario.hosts[i], wire_, verdict_, Instant());
    links_.emplace_back(scenario.links[i], rng.next());
  }
  flows_.reserve(scenario.flows.size());
  for (const FlowPlan& plan : scenario.flows) add_flow(plan);
}

// Streams that are still open name endpoints, and slots pin lent frames: hosts go first.
Simulation::~Simulation() {
  flows_.clear();
  for (auto& host : hosts_) host.reset();
}

// --- flows ----------------------------------------------------------------------------------

std::unique_ptr<Endpoint> Simulation::make_endpoint(const FlowPlan& plan, bool opens) {
  const std::size_t host = opens ? plan.opener : 1 - plan.opener;
  const EndPlan& mine = opens ? plan.opening : plan.accepting;
  const EndPlan& theirs = opens ? plan.accepting : plan.opening;
  Endpoint::Parts parts{*hosts_[host], lent_, verdict_, {}, mine};
  parts.name = "flow " + std::to_string(plan.port) + " (" + plan.kind + ") host " +
               std::to_string(host) + (opens ? " opening" : " accepting");
  const std::uint64_t from_opener = plan.seed;
  const std::uint64_t from_acceptor = plan.accepting.echo ? from_opener : ~plan.seed;
  parts.send_seed = opens ? from_opener : from_acceptor;
  parts.receive_seed = opens ? from_acceptor : from_opener;
  parts.expected_bytes = theirs.send_bytes;
  parts.may_fail = plan.may_fail();
  const ShardOptions& other = scenario_.hosts[1 - host].shard;
  parts.may_be_forgotten =
      other.max_time_waits < 1000 || other.tcp.time_wait < Duration::seconds(60);
  return std::make_unique<Endpoint>(std::move(parts));
}

void Simulation::add_flow(const FlowPlan& plan) {
  flows_.push_back({plan, make_endpoint(plan, true), make_endpoint(plan, false)});
  Flow& flow = flows_.back();
  Host& acceptor = *hosts_[1 - plan.opener];
  ListenCommand listen;
  listen.options.port = plan.port;
  Endpoint* const accepting = flow.accepting.get();
  listen.acceptor = [accepting](Stream& stream) { return accepting->accept(stream); };
  acceptor.shard().on_command(std::move(listen), Instant());
  hosts_[plan.opener]->schedule(plan.start, [this, &flow] { start_flow(flow); });
}

void Simulation::start_flow(Flow& flow) {
  const auto& networks = scenario_.hosts[1 - flow.plan.opener].shard.kernel_side;
  ConnectOptions connect;
  connect.remote = *LocalAddresses(networks).preferred(flow.plan.v4);
  connect.port = flow.plan.port;
  flow.opening->open(connect);
}

std::uint64_t Simulation::flows_left() {
  while (first_left_ < flows_.size() && flows_[first_left_].has_ended()) ++first_left_;
  return static_cast<std::uint64_t>(
      std::count_if(flows_.begin() + static_cast<std::ptrdiff_t>(first_left_), flows_.end(),
                    [](const Flow& flow) { return !flow.has_ended(); }));
}

// --- packets --------------------------------------------------------------------------------

void Simulation::digest(const PacketBytes& packet, Instant now) {
  const SipKey key{outcome_.digest, static_cast<std::uint64_t>(now.ns())};
  outcome_.digest = siphash(key, packet);
}

void Simulation::note(const char* event, std::size_t host, const PacketBytes& packet, Instant now) {
  if (trace_ == nullptr) return;
  const std::string line = wire::format_packet(ip_of(packet), wire::parse_virtio_net(packet));
  std::fprintf(trace_, "%lld us host %zu %s %s\n", static_cast<long long>(now.ns() / 1000), host,
               event, line.c_str());
}

void Simulation::send(std::size_t host, PacketBytes packet, Instant now) {
  digest(packet, now);
  note("sends", host, packet, now);
  wire::Packet parsed;
  const DropReason reason =
      wire::parse_packet(ip_of(packet), wire::parse_virtio_net(packet), parsed);
  if (reason != DropReason::none) {
    return verdict_.fail("a packet that nobody would take: " +
                         std::string(drop_reason_name(reason)));
  }
  wire_.on_sent(parsed, ip_of(packet).subspan(parsed.payload_offset, parsed.payload_length));
  if (!scenario_.hosts[host].cut) return links_[host].send(std::move(packet), now);
  auto pieces = segment(packet);
  if (!pieces) return verdict_.fail("a device would refuse this offload");
  for (PacketBytes& piece : *pieces) links_[host].send(std::move(piece), now);
}

void Simulation::turn(std::size_t host, Instant now) {
  std::vector<PacketBytes> out;
  const bool moved = hosts_[host]->turn(now, out);
  progress_.on_turn(moved, now);
  ++outcome_.turns;
  for (PacketBytes& packet : out) send(host, std::move(packet), now);
}

// --- time -----------------------------------------------------------------------------------

Instant Simulation::next_event() const {
  return std::min({links_[0].next_delivery(), links_[1].next_delivery(), hosts_[0]->next_turn(),
                   hosts_[1]->next_turn()});
}

void Simulation::step(Instant now) {
  for (std::size_t i = 0; i < 2; ++i) {
    while (auto delivery = links_[i].take(now)) {
      digest(delivery->packet, now);
      note("gets", 1 - i, delivery->packet, now);
      hosts_[1 - i]->receive(std::move(*delivery));
    }
  }
  for (std::size_t i = 0; i < 2; ++i) {
    if (hosts_[i]->next_turn() <= now) turn(i, now);
  }
}

bool Simulation::is_quiet() const {
  return links_[0].next_delivery().is_never() && links_[1].next_delivery().is_never() &&
         hosts_[0]->is_quiet() && hosts_[1]->is_quiet();
}

bool Simulation::is_over(Instant now) {
  if (verdict_.failed()) return true;
  const bool late = now > progress_.deadline();
  if (late || first_left_ < flows_.size()) {
    const std::uint64_t left = flows_left();
    if (left > 0) {
      const Flow& flow = flows_[first_left_];
      const std::string example = late ? describe(flow) : std::string();
      return !progress_.check(now, left, example);
    }
  }
  return is_quiet();
}

std::string Simulation::describe(const Flow& flow) const {
  return flow.opening->describe() + "; " + flow.accepting->describe() + "; host 0 " +
         hosts_[0]->describe_memory() + "; host 1 " + hosts_[1]->describe_memory();
}

void Simulation::check_end() {
  Homecoming home(verdict_);
  for (std::size_t i = 0; i < 2; ++i) {
    outcome_.shards[i] = hosts_[i]->shard().stats();
    home.check(*hosts_[i], "host " + std::to_string(i));
  }
  if (lent_.out() != 0) verdict_.fail(std::to_string(lent_.out()) + " lent frames are still out");
}

Outcome Simulation::run() {
  Instant now;
  while (!is_over(now)) {
    const Instant next = next_event();
    if (next.is_never()) {
      verdict_.fail("nothing will ever happen again: " +
                    describe(flows_[std::min(first_left_, flows_.size() - 1)]));
      break;
    }
    now = std::max(now, next);
    step(now);
    if (outcome_.turns > kMaxTurns) verdict_.fail("too many turns");
  }
  if (!verdict_.failed()) check_end();
  for (std::size_t i = 0; i < 2; ++i) outcome_.links[i] = links_[i].counters();
  outcome_.end = now;
  if (verdict_.failed()) {
    outcome_.failure = "sim seed=" + std::to_string(scenario_.seed) +
                       " t=" + std::to_string(now.ns() / 1000) + "us: " + verdict_.failure();
  }
  return std::move(outcome_);
}

Outcome simulate(const Scenario& scenario) {
  Simulation simulation(scenario);
  return simulation.run();
}

Outcome simulate(std::uint64_t seed) {
  return simulate(draw_scenario(seed));
}

}  // namespace sluice::sim
