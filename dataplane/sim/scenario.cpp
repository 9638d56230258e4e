#include "dataplane/sim/scenario.hpp"

#include <algorithm>

namespace sluice::sim {
namespace {

std::string describe_link(const char* name, const LinkPlan& plan) {
  const LinkOptions& link = plan.options;
  if (link.changes_nothing() && plan.changes.empty()) return {};
  return std::string(", ") + name + " " + std::to_string(link.rate_bits / 1'000'000) + " Mbit/s " +
         std::to_string(link.delay.us()) + " us queue " + std::to_string(link.queue_packets) +
         " packets " + std::to_string(link.queue_bytes) + " bytes, loss " +
         std::to_string(link.loss) + " burst " + std::to_string(link.burst_loss) + " reorder " +
         std::to_string(link.reorder) + " duplicate " + std::to_string(link.duplicate) +
         " corrupt " + std::to_string(link.corrupt) + ", " + std::to_string(plan.changes.size()) +
         " changes";
}

std::string describe_host(const HostPlan& plan) {
  const HostOptions& host = plan.options;
  const tcp::Settings& tcp = host.shard.tcp;
  return std::to_string(host.cores) + " cores mtu " + std::to_string(host.shard.mtu) + " rcvbuf " +
         std::to_string(tcp.receive_buffer_bytes) + " sndbuf " +
         std::to_string(tcp.send_buffer_bytes) + " frames " + std::to_string(host.frames) +
         " blocks " + std::to_string(host.blocks) + " nodes " + std::to_string(host.nodes) +
         " slots " + std::to_string(host.tx_slots) + (tcp.timestamps ? " ts" : "") +
         (tcp.sack ? " sack" : "") + (tcp.window_scaling ? " ws" : "") +
         (host.shard.checksum_offload ? " csum" : "") + (host.cut ? " cut" : "") + " tso " +
         std::to_string(tcp.max_payload_bytes) + describe_link("up", plan.up) +
         describe_link("down", plan.down);
}

}  // namespace

std::string Scenario::describe() const {
  std::string text = std::to_string(flows.size()) + " flows";
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    text += "; host " + std::to_string(i) + ": " + describe_host(hosts[i]);
  }
  return text;
}

std::vector<Cidr> networks_of_host(std::uint32_t number) {
  return {{IpAddress::v4(0x0a000001 + ((number + 1) << 16)), 16},
          {*IpAddress::parse("fd00:" + std::to_string(number + 1) + "::1"), 64}};
}

ShardOptions plain_shard(Rng& rng, std::uint32_t number) {
  ShardOptions shard;
  shard.kernel_side = networks_of_host(number);
  shard.max_connections = 1000;
  shard.max_time_waits = 1000;
  for (std::uint64_t& key : shard.ownership.keys) key = rng.next();
  shard.secrets = {
      {rng.next(), rng.next()}, {rng.next(), rng.next()}, {rng.next(), rng.next()}, rng.next()};
  return shard;
}

HostPlan engine_host(Rng& rng, std::uint32_t number) {
  HostPlan host;
  host.options.shard = plain_shard(rng, number);
  host.options.frames = 512;
  host.options.frame_reserve = 128;
  host.options.blocks = 16'384;
  host.options.block_reserve = 2048;
  host.options.nodes = 65'536;
  host.options.sent_segments = 65'536;
  host.options.tx_slots = 256;
  host.options.queue_packets = 32'768;
  host.options.turns_per_check = 256;
  return host;
}

Duration usual_coalescing(const HostPlan& host) {
  const Duration delay = host.up.options.delay + host.down.options.delay;
  return std::min(delay / 10, Duration::milliseconds(1));
}

Scenario plain_scenario(std::uint64_t seed, std::uint32_t hosts) {
  Rng rng(seed);
  Scenario scenario;
  scenario.seed = seed;
  for (std::uint32_t i = 0; i < hosts; ++i) {
    HostPlan host;
    host.options.shard = plain_shard(rng, i);
    host.up.options.delay = Duration::microseconds(50);
    scenario.hosts.push_back(host);
  }
  return scenario;
}

FlowPlan bulk_flow(std::uint64_t bytes, bool v4) {
  FlowPlan flow;
  flow.kind = "bulk";
  flow.v4 = v4;
  flow.port = 1000;
  flow.start = Instant() + Duration::milliseconds(1);
  flow.opening.send_bytes = bytes;
  flow.opening.closes_first = true;
  flow.seed = bytes;
  return flow;
}

// Two bulk flows to slow readers, with a rest between them: one over a link that loses packets, so
// that timers count, one over a clean link, so that the window does.
Scenario faulty_scenario(std::uint64_t seed, Fault fault) {
  Scenario scenario = plain_scenario(seed);
  scenario.fault = fault;
  FlowPlan flow = bulk_flow(3'000'000);
  flow.accepting.read_bytes = 20'000;
  flow.accepting.read_tick = Duration::milliseconds(5);
  scenario.flows.push_back(flow);
  flow.port = 999;
  flow.v4 = false;
  flow.start = Instant() + Duration::seconds(4);
  scenario.flows.push_back(flow);
  scenario.faults_until = Instant() + Duration::seconds(3);
  LinkPlan& up = scenario.hosts[0].up;
  up.changes.push_back({scenario.faults_until, up.options});
  up.options.loss = 0.03;
  up.options.burst_loss = 0.02;
  up.options.burst_length = 8;
  scenario.hosts[1].options.shard.tcp.receive_buffer_bytes = 1 << 18;
  return scenario;
}

}  // namespace sluice::sim
