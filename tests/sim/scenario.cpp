#include "tests/sim/scenario.hpp"

#include <algorithm>

namespace sluice::sim {
namespace {

constexpr std::uint16_t kFirstPort = 1000;  // below the ephemeral ones: each flow has its own

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

LinkOptions draw_link(Rng& rng, Instant faults_until) {
  LinkOptions link;
  link.rate_bits = pick<std::uint64_t, 6>(
      rng, {0, 10'000'000'000, 1'000'000'000, 100'000'000, 20'000'000, 5'000'000});
  link.delay =
      pick<Duration, 5>(rng, {Duration(), Duration::microseconds(20), Duration::milliseconds(1),
                              Duration::milliseconds(20), Duration::milliseconds(100)});
  link.jitter = rng.chance(0.3) ? draw_duration(rng, Duration(), link.delay) : Duration();
  link.queue_packets = pick<std::uint32_t, 4>(rng, {1000, 200, 50, 8});
  link.loss = draw_fault(rng, 0.2);
  link.burst = draw_fault(rng, 0.5);
  link.reorder = draw_fault(rng, 0.5);
  link.reorder_delay = draw_duration(rng, Duration::microseconds(10), Duration::milliseconds(50));
  link.duplicate = draw_fault(rng, 0.3);
  link.corrupt = draw_fault(rng, 0.1);
  link.faults_until = faults_until;
  return link;
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
  tcp.min_rto = pick<Duration, 3>(
      rng, {Duration::milliseconds(200), Duration::seconds(1), Duration::milliseconds(20)});
  if (rng.chance(0.2)) tcp.max_payload_bytes = draw32(rng, 1, 65'415);
  tcp.user_timeout = tcp.connect_timeout = tcp.handshake_timeout = Duration::seconds(7200);
  tcp.time_wait = pick<Duration, 2>(rng, {Duration::seconds(60), Duration::milliseconds(100)});
  tcp.keepalive_interval = Duration::seconds(5);
  return tcp;
}

ShardOptions draw_shard(Rng& rng, std::uint32_t number) {
  ShardOptions shard;
  const std::string net = std::to_string(number + 1);
  shard.kernel_side = {*Cidr::parse("10." + net + ".0.1/24"), *Cidr::parse("fd0" + net + "::1/64")};
  shard.mtu = pick<std::uint32_t, 6>(rng, {1500, 1500, 9000, 65'535, 576, 1280});
  if (rng.chance(0.1)) shard.mtu = draw32(rng, 576, 65'535);
  shard.tcp = draw_tcp(rng);
  shard.checksum_offload = rng.chance(0.8);
  if (!shard.checksum_offload || rng.chance(0.2)) shard.tcp.max_payload_bytes = 0;
  shard.max_connections = 1000;
  shard.max_time_waits = pick<std::uint32_t, 3>(rng, {1000, 1000, 2});
  shard.max_replies = pick<std::uint32_t, 2>(rng, {1024, 4});
  shard.secrets = {
      {rng.next(), rng.next()}, {rng.next(), rng.next()}, {rng.next(), rng.next()}, rng.next()};
  return shard;
}

HostOptions draw_host(Rng& rng, std::uint32_t number) {
  HostOptions host;
  host.shard = draw_shard(rng, number);
  if (rng.chance(0.25)) {  // so little that it runs out
    host.frames = draw32(rng, 4, 40);
    host.frame_reserve = draw32(rng, host.frames / 4 + 2, host.frames);
    host.blocks = draw32(rng, 8, 100);
    host.nodes = draw32(rng, 32, 200);
  }
  host.tx_slots = pick<std::uint32_t, 4>(rng, {256, 64, 16, 4});
  host.completion_turns = pick<std::uint32_t, 3>(rng, {0, 1, 4});
  host.packets_per_turn = pick<std::uint32_t, 3>(rng, {32, 8, 1});
  host.queue_packets = pick<std::uint32_t, 3>(rng, {500, 500, 20});
  host.turn_time = pick<Duration, 3>(
      rng, {Duration::microseconds(5), Duration::microseconds(50), Duration::milliseconds(1)});
  host.cut = rng.chance(0.8);
  return host;
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

FlowPlan draw_flow(Rng& rng, std::uint16_t port) {
  FlowPlan flow;
  flow.opener = draw32(rng, 0, 1);
  flow.v4 = rng.chance(0.5);
  flow.port = port;
  flow.seed = rng.next();
  flow.start =
      Instant() + draw_duration(rng, Duration::milliseconds(1), Duration::milliseconds(1500));
  switch (rng.below(6)) {
    case 0: draw_dialogue(rng, flow); break;
    case 1: draw_echo(rng, flow); break;
    default: draw_streams(rng, flow);
  }
  flow.opening.half_close = rng.chance(0.3);
  flow.accepting.half_close = rng.chance(0.3);
  flow.opening.closes_first = rng.chance(0.5);
  flow.accepting.closes_first = !flow.opening.closes_first || rng.chance(0.2);
  if (rng.chance(0.08)) {
    flow.kind += ", aborts";
    const std::uint64_t all = flow.opening.send_bytes + flow.accepting.send_bytes;
    (rng.chance(0.5) ? flow.opening : flow.accepting).abort_after = rng.below(all + 1);
  }
  return flow;
}

}  // namespace

std::string Scenario::describe() const {
  std::string text = std::to_string(flows.size()) + " flows";
  for (std::size_t i = 0; i < 2; ++i) {
    const HostOptions& host = hosts[i];
    const LinkOptions& link = links[i];
    text += "; host " + std::to_string(i) + ": mtu " + std::to_string(host.shard.mtu) + " rcvbuf " +
            std::to_string(host.shard.tcp.receive_buffer_bytes) + " sndbuf " +
            std::to_string(host.shard.tcp.send_buffer_bytes) + " frames " +
            std::to_string(host.frames) + " blocks " + std::to_string(host.blocks) + " nodes " +
            std::to_string(host.nodes) + " slots " + std::to_string(host.tx_slots) +
            (host.shard.tcp.timestamps ? " ts" : "") + (host.shard.tcp.sack ? " sack" : "") +
            (host.shard.tcp.window_scaling ? " ws" : "") +
            (host.shard.checksum_offload ? " csum" : "") + (host.cut ? " cut" : "") + " tso " +
            std::to_string(host.shard.tcp.max_payload_bytes) + ", link " +
            std::to_string(link.rate_bits / 1'000'000) + " Mbit/s " +
            std::to_string(link.delay.us()) + " us queue " + std::to_string(link.queue_packets) +
            " loss " + std::to_string(link.loss) + " reorder " + std::to_string(link.reorder) +
            " duplicate " + std::to_string(link.duplicate) + " corrupt " +
            std::to_string(link.corrupt);
  }
  return text;
}

Scenario plain_scenario(std::uint64_t seed) {
  Rng rng(seed);
  Scenario scenario;
  scenario.seed = seed;
  for (std::uint32_t i = 0; i < 2; ++i) {
    HostOptions& host = scenario.hosts[i];
    host.shard = draw_shard(rng, i);
    host.shard.mtu = 1500;
    host.shard.tcp = tcp::Settings();
    host.shard.checksum_offload = true;
    scenario.links[i].delay = Duration::microseconds(50);
  }
  return scenario;
}

FlowPlan bulk_flow(std::uint64_t bytes, bool v4) {
  FlowPlan flow;
  flow.kind = "bulk";
  flow.v4 = v4;
  flow.port = kFirstPort;
  flow.start = Instant() + Duration::milliseconds(1);
  flow.opening.send_bytes = bytes;
  flow.opening.closes_first = true;
  flow.seed = bytes;
  return flow;
}

Scenario draw_scenario(std::uint64_t seed) {
  Rng rng(seed ^ 0x51a1ce);
  Scenario scenario;
  scenario.seed = seed;
  scenario.faults_until =
      Instant() + draw_duration(rng, Duration::seconds(1), Duration::seconds(20));
  for (std::uint32_t i = 0; i < 2; ++i) {
    scenario.hosts[i] = draw_host(rng, i);
    scenario.links[i] = draw_link(rng, scenario.faults_until);
  }
  // What crosses whole has its sums still open: nothing could tell that it was damaged.
  for (std::size_t i = 0; i < 2; ++i) {
    if (!scenario.hosts[i].cut) scenario.links[i].corrupt = 0;
  }
  const bool many = rng.chance(0.15);
  const std::uint64_t count = many ? rng.between(20, 120) : rng.between(1, 6);
  // Where memory runs out, text is dropped, and only ever longer timeouts bring it again.
  if (scenario.hosts[0].frames < 64 || scenario.hosts[1].frames < 64) {
    scenario.patience = Duration::seconds(20'000);
  }
  // One for each flow at least: what an application leaves unread may wait for another flow.
  for (HostOptions& host : scenario.hosts) {
    host.nodes = std::max(host.nodes, static_cast<std::uint32_t>(2 * count + 32));
  }
  for (std::uint64_t i = 0; i < count; ++i) {
    FlowPlan flow = draw_flow(rng, static_cast<std::uint16_t>(kFirstPort - i));
    if (many && !flow.accepting.echo && flow.opening.unit_out == 0) {
      flow.opening.send_bytes %= 20'000;
      flow.accepting.send_bytes %= 20'000;
    }
    scenario.flows.push_back(std::move(flow));
  }
  if (many && rng.chance(0.3)) {
    for (HostOptions& host : scenario.hosts) {
      host.shard.max_connections = static_cast<std::uint32_t>(count / 2 + 2);
    }
  }
  return scenario;
}

}  // namespace sluice::sim
