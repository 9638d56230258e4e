// Scenarios drawn from one number.
#include <algorithm>
#include <array>

#include "dataplane/sim/scenario.hpp"

namespace sluice::sim {
namespace {

constexpr std::size_t kMostFlows = 30'000;  // each has a port of its own

template <class T, std::size_t N>
T pick(Rng& rng, const std::array<T, N>& choices) {
  return choices[rng.below(N)];
}

std::uint32_t draw32(Rng& rng, std::uint32_t low, std::uint32_t high) {
  return static_cast<std::uint32_t>(rng.between(low, high));
}

Duration draw_duration(Rng& rng, Duration low, Duration high) {
  return Duration::nanoseconds(static_cast<std::int64_t>(
      rng.between(static_cast<std::uint64_t>(low.ns()), static_cast<std::uint64_t>(high.ns()))));
}

// Mostly nothing, sometimes a little, seldom a lot.
double draw_fault(Rng& rng, double most) {
  switch (rng.below(4)) {
    case 0: return most * static_cast<double>(rng.below(1000)) / 1000;
    case 1: return most * static_cast<double>(rng.below(1000)) / 10'000;
    default: return 0;
  }
}

LinkOptions draw_clean_link(Rng& rng) {
  LinkOptions link;
  link.rate_bits = pick<std::uint64_t, 6>(
      rng, {0, 10'000'000'000, 1'000'000'000, 100'000'000, 20'000'000, 5'000'000});
  link.delay =
      pick<Duration, 5>(rng, {Duration(), Duration::microseconds(20), Duration::milliseconds(1),
                              Duration::milliseconds(20), Duration::milliseconds(100)});
  link.queue_packets = pick<std::uint32_t, 4>(rng, {1000, 200, 50, 8});
  if (rng.chance(0.2)) link.queue_bytes = rng.between(70'000, 1'000'000);
  if (rng.chance(0.2)) link.mark_bytes = rng.between(3000, 100'000);
  return link;
}

LinkOptions draw_faults(Rng& rng, LinkOptions link) {
  link.jitter = rng.chance(0.3) ? draw_duration(rng, Duration(), link.delay) : Duration();
  link.loss = draw_fault(rng, 0.3);
  link.burst_loss = draw_fault(rng, 0.1);
  link.burst_length = static_cast<double>(rng.between(1, 12));
  link.reorder = draw_fault(rng, 0.5);
  link.reorder_delay = draw_duration(rng, Duration::microseconds(10), Duration::milliseconds(50));
  link.duplicate = draw_fault(rng, 0.3);
  link.corrupt = draw_fault(rng, 0.1);
  if (rng.chance(0.05)) link.loss_every = draw32(rng, 2, 500);
  return link;
}

// A part of the time until `end` in which the link is another one.
void draw_episode(Rng& rng, LinkPlan& plan, const LinkOptions& then, Instant end) {
  const Instant from = Instant() + draw_duration(rng, Duration(), end - Instant());
  const Instant to =
      std::min(end, from + draw_duration(rng, Duration::milliseconds(10), Duration::seconds(10)));
  plan.changes.push_back({from, then});
  plan.changes.push_back({to, plan.options});
}

// Faults until `faults_until`; from then on what a network does on a good day.
LinkPlan draw_link(Rng& rng, Instant faults_until) {
  const LinkOptions clean = draw_clean_link(rng);
  LinkPlan plan{draw_faults(rng, clean), {}};
  if (rng.chance(0.2)) {
    LinkOptions down = plan.options;
    down.is_up = false;
    draw_episode(rng, plan, down, faults_until);
  } else if (rng.chance(0.15)) {
    LinkOptions narrow = plan.options;
    narrow.mtu = draw32(rng, 1280, 1600);
    draw_episode(rng, plan, narrow, faults_until);
  }
  plan.changes.push_back({faults_until, clean});
  return plan;
}

// What the applications bear is beyond what a network with faults can take.
tcp::Settings draw_tcp(Rng& rng) {
  tcp::Settings tcp;
  tcp.receive_buffer_bytes =
      pick<std::uint32_t, 6>(rng, {1 << 20, 1 << 18, 65'535, 16'384, 4096, 1 << 24});
  tcp.send_buffer_bytes =
      pick<std::uint32_t, 6>(rng, {1 << 20, 1 << 18, 65'535, 16'384, 4096, 1 << 24});
  tcp.timestamps = rng.chance(0.7);
  tcp.window_scaling = rng.chance(0.8);
  tcp.sack = rng.chance(0.7);
  tcp.nagle = rng.chance(0.7);
  tcp.congestion = pick<tcp::Algorithm, 3>(
      rng, {tcp::Algorithm::cubic, tcp::Algorithm::newreno, tcp::Algorithm::bbr});
  tcp.ecn = pick<tcp::Ecn, 3>(rng, {tcp::Ecn::off, tcp::Ecn::accept, tcp::Ecn::ask});
  tcp.min_rto = pick<Duration, 3>(
      rng, {Duration::milliseconds(200), Duration::seconds(1), Duration::milliseconds(20)});
  if (rng.chance(0.2)) tcp.max_payload_bytes = draw32(rng, 1, 65'415);
  tcp.user_timeout = tcp.connect_timeout = tcp.handshake_timeout = Duration::seconds(7200);
  tcp.time_wait = pick<Duration, 2>(rng, {Duration::seconds(60), Duration::milliseconds(100)});
  tcp.keepalive_interval = Duration::seconds(5);
  return tcp;
}

ShardOptions draw_shard(Rng& rng, std::uint32_t number) {
  ShardOptions shard = plain_shard(rng, number);
  shard.mtu = pick<std::uint32_t, 6>(rng, {1500, 1500, 9000, 65'535, 576, 1280});
  if (rng.chance(0.1)) shard.mtu = draw32(rng, 576, 65'535);
  shard.tcp = draw_tcp(rng);
  shard.checksum_offload = rng.chance(0.8);
  if (!shard.checksum_offload || rng.chance(0.2)) shard.tcp.max_payload_bytes = 0;
  shard.max_time_waits = pick<std::uint32_t, 3>(rng, {1000, 1000, 2});
  shard.max_replies = pick<std::uint32_t, 2>(rng, {1024, 4});
  return shard;
}

HostOptions draw_host(Rng& rng, std::uint32_t number) {
  HostOptions host;
  host.shard = draw_shard(rng, number);
  host.cores = pick<std::uint32_t, 5>(rng, {1, 1, 1, 2, 3});
  host.misroute = pick<double, 3>(rng, {0, 0.1, 1});
  if (rng.chance(0.25)) {  // so little that it runs out
    host.frames = draw32(rng, 4, 40);
    host.frame_reserve = draw32(rng, host.frames / 4 + 2, host.frames);
    host.blocks = draw32(rng, 8, 100);
    host.nodes = draw32(rng, 32, 200);
    host.sent_segments = draw32(rng, 32, 200);
  }
  host.tx_slots = pick<std::uint32_t, 4>(rng, {256, 64, 16, 4});
  host.completion_turns = pick<std::uint32_t, 3>(rng, {0, 1, 4});
  host.packets_per_turn = pick<std::uint32_t, 3>(rng, {32, 8, 1});
  host.queue_packets = pick<std::uint32_t, 3>(rng, {500, 500, 20});
  host.turn_time = pick<Duration, 3>(
      rng, {Duration::microseconds(5), Duration::microseconds(50), Duration::milliseconds(1)});
  host.coalesce =
      pick<Duration, 3>(rng, {Duration(), Duration::microseconds(200), Duration::milliseconds(2)});
  host.cut = rng.chance(0.8);
  return host;
}

std::vector<HostPlan> draw_hosts(Rng& rng, Instant faults_until) {
  std::vector<HostPlan> hosts(rng.chance(0.75) ? 2 : rng.between(3, 6));
  for (std::uint32_t i = 0; i < hosts.size(); ++i) {
    hosts[i].options = draw_host(rng, i);
    hosts[i].up = draw_link(rng, faults_until);
    if (rng.chance(0.2)) hosts[i].down = draw_link(rng, faults_until);
  }
  return hosts;
}

void drop_corruption(LinkPlan& plan) {
  plan.options.corrupt = 0;
  for (LinkChange& change : plan.changes) change.options.corrupt = 0;
}

void drop_mtu(LinkPlan& plan) {
  plan.options.mtu = 65'535;
  for (LinkChange& change : plan.changes) change.options.mtu = 65'535;
}

// What crosses whole has its sums still open: nothing could tell that it was damaged. And it is too
// big for any link, though its pieces are not.
void spare_uncut(std::vector<HostPlan>& hosts) {
  const auto is_cut = [](const HostPlan& host) { return host.options.cut; };
  if (std::ranges::all_of(hosts, is_cut)) return;
  for (HostPlan& host : hosts) {
    for (LinkPlan* const plan : {&host.up, &host.down}) {
      drop_corruption(*plan);
      drop_mtu(*plan);
    }
  }
}

// The reserve holds the largest segment at least: two flows that echo each other's text would stand
// still for good where all else is taken by what they send.
void make_reserves(std::vector<HostPlan>& hosts) {
  std::uint32_t largest = 0;
  for (const HostPlan& host : hosts) {
    largest = std::max(largest, host.options.cut ? host.options.shard.mtu : 65'535);
  }
  for (HostPlan& host : hosts) {
    HostOptions& options = host.options;
    options.block_reserve = std::max(options.blocks / 8, largest / options.block_bytes + 1);
    options.blocks = std::max(options.blocks, 2 * options.block_reserve);
  }
}

std::uint64_t draw_size(Rng& rng) {
  switch (rng.below(5)) {
    case 0: return rng.below(2);
    case 1: return rng.below(5000);
    case 2: return rng.below(3'000'000);
    default: return rng.below(200'000);
  }
}

void draw_style(Rng& rng, EndPlan& plan) {
  plan.chunk = pick<std::uint32_t, 5>(rng, {16'384, 65'536, 1'000'000, 1000, 37});
  // Tiny pieces of a long stream are many calls for little news.
  if (plan.chunk < 1000) plan.send_bytes = std::min<std::uint64_t>(plan.send_bytes, 20'000);
  plan.by_reference = rng.chance(0.4);
  plan.nodelay = rng.chance(0.3);
}

void draw_slow_reader(Rng& rng, EndPlan& reader, std::uint64_t expected) {
  const std::uint64_t ticks = rng.between(1, 300);
  reader.read_bytes = static_cast<std::uint32_t>(expected / ticks + 1);
  reader.read_tick = draw_duration(rng, Duration::microseconds(100), Duration::milliseconds(150));
}

void draw_dialogue(Rng& rng, FlowPlan& flow) {
  flow.kind = "dialogue";
  const std::uint64_t request = rng.between(1, rng.chance(0.3) ? 30'000 : 500);
  const std::uint64_t response = rng.between(1, rng.chance(0.3) ? 100'000 : 1000);
  const std::uint64_t rounds = rng.between(1, 30);
  flow.opening.send_bytes = request * rounds;
  flow.opening.head_start = request;
  flow.opening.unit_in = response;
  flow.opening.unit_out = request;
  flow.accepting.send_bytes = response * rounds;
  flow.accepting.head_start = 0;
  flow.accepting.unit_in = request;
  flow.accepting.unit_out = response;
  for (EndPlan* plan : {&flow.opening, &flow.accepting}) {
    plan->chunk = rng.chance(0.5) ? 65'536 : 700;
    plan->nodelay = rng.chance(0.5);
  }
}

void draw_echo(Rng& rng, FlowPlan& flow) {
  flow.kind = "echo";
  flow.opening.send_bytes = flow.accepting.send_bytes = draw_size(rng);
  draw_style(rng, flow.opening);
  flow.accepting.send_bytes = flow.opening.send_bytes;
  flow.accepting.echo = true;
}

void draw_streams(Rng& rng, FlowPlan& flow) {
  flow.kind = "streams";
  flow.opening.send_bytes = draw_size(rng);
  flow.accepting.send_bytes = rng.chance(0.5) ? draw_size(rng) : 0;
  if (rng.chance(0.3)) std::swap(flow.opening.send_bytes, flow.accepting.send_bytes);
  draw_style(rng, flow.opening);
  draw_style(rng, flow.accepting);
  if (rng.chance(0.25)) {
    flow.kind = "slow reader";
    draw_slow_reader(rng, flow.accepting, flow.opening.send_bytes);
  }
  if (rng.chance(0.15)) draw_slow_reader(rng, flow.opening, flow.accepting.send_bytes);
}

void draw_end(Rng& rng, FlowPlan& flow) {
  flow.opening.half_close = rng.chance(0.3);
  flow.accepting.half_close = rng.chance(0.3);
  flow.opening.closes_first = rng.chance(0.5);
  flow.accepting.closes_first = !flow.opening.closes_first || rng.chance(0.2);
  if (rng.chance(0.08)) {
    flow.kind += ", aborts";
    const std::uint64_t all = flow.opening.send_bytes + flow.accepting.send_bytes;
    (rng.chance(0.5) ? flow.opening : flow.accepting).abort_after = rng.below(all + 1);
  }
}

// Most flows begin together, so that they compete.
FlowPlan draw_flow(Rng& rng, std::uint32_t hosts, Instant last_start) {
  FlowPlan flow;
  flow.opener = draw32(rng, 0, hosts - 1);
  flow.acceptor = (flow.opener + draw32(rng, 1, hosts - 1)) % hosts;
  flow.v4 = rng.chance(0.5);
  flow.seed = rng.next();
  const Instant early = std::min(last_start, Instant() + Duration::milliseconds(1500));
  const Duration latest = (rng.chance(0.8) ? early : last_start) - Instant();
  flow.start = Instant() + draw_duration(rng, Duration::milliseconds(1), latest);
  switch (rng.below(6)) {
    case 0: draw_dialogue(rng, flow); break;
    case 1: draw_echo(rng, flow); break;
    default: draw_streams(rng, flow);
  }
  draw_end(rng, flow);
  return flow;
}

enum class Crowd : std::uint8_t { few, many, thousands };

std::uint64_t draw_count(Rng& rng, Crowd crowd) {
  switch (crowd) {
    case Crowd::few: return rng.between(1, 6);
    case Crowd::many: return rng.between(20, 120);
    case Crowd::thousands: return rng.between(1000, 3000);
  }
  return 0;
}

Crowd draw_crowd(Rng& rng) {
  if (rng.chance(0.01)) return Crowd::thousands;
  return rng.chance(0.15) ? Crowd::many : Crowd::few;
}

void shorten(FlowPlan& flow, std::uint64_t most) {
  if (flow.accepting.echo || flow.opening.unit_out != 0) {
    if (most >= 20'000) return;
    flow.kind = "short";
    flow.opening = flow.accepting = EndPlan();
    flow.opening.closes_first = true;
    flow.opening.send_bytes = flow.seed % most;
  }
  flow.opening.send_bytes %= most;
  flow.accepting.send_bytes %= most;
}

// In the minute that starts with `begin`.
void add_flow(Rng& rng, Scenario& scenario, Crowd crowd, Duration begin, Duration last_start) {
  const auto hosts = static_cast<std::uint32_t>(scenario.hosts.size());
  FlowPlan flow = draw_flow(rng, hosts, Instant() + last_start);
  flow.start = flow.start + begin;
  flow.port = static_cast<std::uint16_t>(scenario.flows.size() + 1);
  if (crowd == Crowd::many) shorten(flow, 20'000);
  if (crowd == Crowd::thousands) shorten(flow, 3000);
  scenario.flows.push_back(std::move(flow));
}

// One node for each flow at least: what an application leaves unread may wait for another flow.
void make_room(Rng& rng, Scenario& scenario, Crowd crowd) {
  const auto count = static_cast<std::uint32_t>(scenario.flows.size());
  const bool too_many = crowd == Crowd::many && rng.chance(0.3);
  for (HostPlan& host : scenario.hosts) {
    host.options.nodes = std::max(host.options.nodes, 2 * count + 32);
    host.options.sent_segments = std::max(host.options.sent_segments, 2 * count + 32);
    std::uint32_t& most = host.options.shard.max_connections;
    most = too_many ? count / 2 + 2 : std::max(most, 2 * count);
  }
}

}  // namespace

Scenario draw_scenario(std::uint64_t seed, Duration length) {
  Rng rng(seed ^ 0x51a1ce);
  Scenario scenario;
  scenario.seed = seed;
  const Duration minute = std::min(length, Duration::seconds(60));
  const Duration last_minute = minute * ((length.ns() - 1) / minute.ns());
  const Duration last_fault = draw_duration(rng, minute / 60, minute / 3);
  scenario.faults_until = Instant() + last_minute + last_fault;
  scenario.hosts = draw_hosts(rng, scenario.faults_until);
  spare_uncut(scenario.hosts);
  make_reserves(scenario.hosts);
  // Where memory runs out, text is dropped, and only ever longer timeouts bring it again.
  const auto is_poor = [](const HostPlan& host) { return host.options.frames < 64; };
  if (std::ranges::any_of(scenario.hosts, is_poor)) scenario.patience = Duration::seconds(20'000);
  const Crowd crowd = draw_crowd(rng);
  const std::uint64_t count = draw_count(rng, crowd);
  for (Duration begin; begin <= last_minute; begin = begin + minute) {
    if (scenario.flows.size() + count > kMostFlows) break;
    for (std::uint64_t i = 0; i < count; ++i) add_flow(rng, scenario, crowd, begin, last_fault);
  }
  make_room(rng, scenario, crowd);
  return scenario;
}

}  // namespace sluice::sim
