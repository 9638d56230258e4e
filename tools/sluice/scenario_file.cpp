#include "tools/sluice/scenario_file.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "tools/sluice/impairment.hpp"
#include "tools/sluice/quantity.hpp"

namespace sluice {
namespace {

using Json = nlohmann::json;

constexpr std::uint32_t kMostHosts = 250;
constexpr std::uint32_t kMostFlows = 20'000;

// An object of the file, of which each member is asked for once; whatever nobody has asked for is a
// mistake.
class Part {
 public:
  Part(const Json& json, std::string place) : json_(json), place_(std::move(place)) {
    if (!json_.is_object()) fail("must be an object: {...}");
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw ScenarioError(place_ + ": " + what);
  }
  // Null when it is not there.
  const Json* find(const std::string& key) {
    known_.insert(key);
    const auto found = json_.find(key);
    return found == json_.end() ? nullptr : &*found;
  }
  std::string place_of(const std::string& key) const { return place_ + "." + key; }

  template <class T>
  void read_number(const std::string& key, T& value, std::uint64_t low, std::uint64_t high) {
    const Json* const json = find(key);
    if (json == nullptr) return;
    if (!json->is_number_unsigned() || *json < low || *json > high) {
      fail(fmt::format("{}: must be a number from {} to {}", key, low, high));
    }
    value = json->get<T>();
  }
  void read_flag(const std::string& key, bool& value) {
    const Json* const json = find(key);
    if (json == nullptr) return;
    if (!json->is_boolean()) fail(key + ": must be true or false");
    value = json->get<bool>();
  }
  // A quantity: text, or a plain number.
  template <class T, class Parse>
  void read_quantity(const std::string& key, T& value, Parse parse) {
    const Json* const json = find(key);
    if (json == nullptr) return;
    const std::string text = json->is_string() ? json->get<std::string>() : json->dump();
    try {
      value = static_cast<T>(parse(text));
    } catch (const BadQuantity& error) {
      fail(key + ": " + error.what());
    }
  }
  void read_instant(const std::string& key, Instant& value) {
    Duration since = value - Instant();
    read_quantity(key, since, parse_duration);
    value = Instant() + since;
  }
  std::string read_word(const std::string& key, std::string otherwise) {
    const Json* const json = find(key);
    if (json == nullptr) return otherwise;
    if (!json->is_string()) fail(key + ": must be text");
    return json->get<std::string>();
  }
  template <class Read>
  void read_part(const std::string& key, Read read) {
    const Json* const json = find(key);
    if (json == nullptr) return;
    Part part(*json, place_of(key));
    read(part);
    part.close();
  }
  template <class Read>
  void read_parts(const std::string& key, Read read) {
    const Json* const json = find(key);
    if (json == nullptr) return;
    if (!json->is_array()) fail(key + ": must be a list: [...]");
    for (std::size_t i = 0; i < json->size(); ++i) {
      Part part((*json)[i], fmt::format("{}[{}]", place_of(key), i));
      read(part);
      part.close();
    }
  }
  void close() const {
    for (const auto& [key, value] : json_.items()) {
      if (!known_.contains(key)) {
        fail(fmt::format("unknown '{}'; known here: {}", key, fmt::join(known_, ", ")));
      }
    }
  }

 private:
  const Json& json_;
  std::string place_;
  std::set<std::string> known_;
};

void read_link(Part& part, LinkOptions& link) {
  for (const ImpairmentOption& option : impairment_options()) {
    const auto set = [&](const std::string& text) {
      option.set(link, text);
      return 0;
    };
    int done = 0;
    part.read_quantity(std::string(option.name), done, set);
  }
  part.read_number("queue-packets", link.queue_packets, 0, 1'000'000);
  part.read_number("loss-every", link.loss_every, 0, UINT32_MAX);
  part.read_quantity("mark", link.mark_bytes, parse_size);
  part.read_number("mtu", link.mtu, 68, 65'535);
  part.read_flag("up", link.is_up);
}

// What a change does not name stays as it was before.
void read_link_plan(Part& part, sim::LinkPlan& plan) {
  read_link(part, plan.options);
  LinkOptions link = plan.options;
  part.read_parts("changes", [&](Part& change) {
    Instant at;
    change.read_instant("at", at);
    read_link(change, link);
    if (!plan.changes.empty() && at < plan.changes.back().at) change.fail("at: before the last");
    plan.changes.push_back({at, link});
  });
}

constexpr auto kEcn = std::to_array<std::pair<std::string_view, tcp::Ecn>>(
    {{"off", tcp::Ecn::off}, {"accept", tcp::Ecn::accept}, {"ask", tcp::Ecn::ask}});

void read_tcp(Part& part, tcp::Settings& tcp) {
  part.read_quantity("receive-buffer", tcp.receive_buffer_bytes, parse_size);
  part.read_quantity("send-buffer", tcp.send_buffer_bytes, parse_size);
  part.read_number("initial-window", tcp.initial_window_segments, 1, 64);
  part.read_number("largest-payload", tcp.max_payload_bytes, 0, 65'415);
  part.read_flag("timestamps", tcp.timestamps);
  part.read_flag("window-scaling", tcp.window_scaling);
  part.read_flag("sack", tcp.sack);
  part.read_flag("nagle", tcp.nagle);
  part.read_quantity("min-rto", tcp.min_rto, parse_duration);
  part.read_quantity("max-rto", tcp.max_rto, parse_duration);
  part.read_quantity("delayed-ack", tcp.delayed_ack, parse_duration);
  part.read_quantity("user-timeout", tcp.user_timeout, parse_duration);
  part.read_quantity("time-wait", tcp.time_wait, parse_duration);
  const std::string congestion = part.read_word("congestion", "");
  if (!congestion.empty() && !tcp::parse_algorithm(congestion, tcp.congestion)) {
    part.fail(fmt::format("congestion: '{}' is none of {}", congestion, tcp::algorithm_names()));
  }
  const std::string ecn = part.read_word("ecn", "");
  const auto known = std::ranges::find(kEcn, ecn, &std::pair<std::string_view, tcp::Ecn>::first);
  if (known != kEcn.end()) {
    tcp.ecn = known->second;
  } else if (!ecn.empty()) {
    part.fail(fmt::format("ecn: '{}' is none of off, accept, ask", ecn));
  }
}

void read_host(Part& part, sim::HostPlan& host) {
  sim::HostOptions& options = host.options;
  part.read_number("cores", options.cores, 1, 64);
  part.read_quantity("misroute", options.misroute, parse_share);
  part.read_number("mtu", options.shard.mtu, 576, 65'535);
  part.read_flag("checksum-offload", options.shard.checksum_offload);
  part.read_number("connections", options.shard.max_connections, 1, 1 << 20);
  part.read_number("frames", options.frames, 4, 65'536);
  part.read_number("blocks", options.blocks, 8, 1 << 20);
  options.block_reserve = options.blocks / 8;
  part.read_number("nodes", options.nodes, 32, 1 << 22);
  part.read_number("sent-segments", options.sent_segments, 32, 1 << 22);
  part.read_number("slots", options.tx_slots, 4, 4096);
  part.read_number("queue-packets", options.queue_packets, 1, 1 << 20);
  part.read_quantity("turn", options.turn_time, parse_duration);
  part.read_part("tcp", [&](Part& tcp) { read_tcp(tcp, options.shard.tcp); });
  part.read_part("up", [&](Part& up) { read_link_plan(up, host.up); });
  part.read_part("down", [&](Part& down) { read_link_plan(down, host.down); });
  options.coalesce = sim::usual_coalescing(host);
  part.read_quantity("coalesce", options.coalesce, parse_duration);
}

void read_end(Part& part, sim::EndPlan& end) {
  part.read_quantity("bytes", end.send_bytes, parse_size);
  part.read_quantity("chunk", end.chunk, parse_size);
  part.read_flag("by-reference", end.by_reference);
  part.read_flag("nodelay", end.nodelay);
  part.read_quantity("read", end.read_bytes, parse_size);
  part.read_quantity("read-every", end.read_tick, parse_duration);
  part.read_quantity("abort-after", end.abort_after, parse_size);
  part.read_flag("half-close", end.half_close);
  part.read_flag("closes-first", end.closes_first);
  if (end.chunk == 0) part.fail("chunk: must not be 0");
}

// A request of the opener, a response of the other end, and so on.
void read_rounds(Part& part, sim::FlowPlan& flow) {
  std::uint64_t request = 100;
  std::uint64_t response = 1000;
  std::uint64_t rounds = 10;
  part.read_quantity("request", request, parse_size);
  part.read_quantity("response", response, parse_size);
  part.read_number("rounds", rounds, 1, 1 << 20);
  if (request == 0 || response == 0) part.fail("request and response: must not be 0");
  flow.opening.send_bytes = request * rounds;
  flow.opening.head_start = request;
  flow.opening.unit_in = response;
  flow.opening.unit_out = request;
  flow.accepting.send_bytes = response * rounds;
  flow.accepting.head_start = 0;
  flow.accepting.unit_in = request;
  flow.accepting.unit_out = response;
}

void read_kind(Part& part, sim::FlowPlan& flow) {
  flow.kind = part.read_word("kind", "bulk");
  flow.opening.closes_first = true;
  flow.opening.by_reference = flow.accepting.by_reference = true;
  if (flow.kind == "request") {
    read_rounds(part, flow);
  } else if (flow.kind == "bulk" || flow.kind == "echo") {
    part.read_quantity("bytes", flow.opening.send_bytes, parse_size);
    part.read_quantity("for", flow.opening.send_for, parse_duration);
    if (flow.opening.send_for > Duration()) flow.opening.send_bytes = UINT64_MAX;
    flow.accepting.echo = flow.kind == "echo";
    if (flow.accepting.echo) {
      if (flow.opening.send_for > Duration()) part.fail("for: not with an echo; give bytes");
      flow.accepting.send_bytes = flow.opening.send_bytes;
    }
  } else if (flow.kind != "streams") {
    part.fail(fmt::format("kind: '{}' is none of bulk, request, echo, streams", flow.kind));
  }
  part.read_part("opening", [&](Part& end) { read_end(end, flow.opening); });
  part.read_part("accepting", [&](Part& end) { read_end(end, flow.accepting); });
}

// One flow, or `count` of them, one `every` so often.
void read_flows(Part& part, sim::Scenario& scenario) {
  const auto last_host = static_cast<std::uint64_t>(scenario.hosts.size() - 1);
  sim::FlowPlan flow;
  std::uint32_t count = 1;
  std::uint32_t family = 4;
  Duration every;
  part.read_number("from", flow.opener, 0, last_host);
  part.read_number("to", flow.acceptor, 0, last_host);
  part.read_number("ip", family, 4, 6);
  part.read_number("count", count, 1, kMostFlows);
  part.read_instant("start", flow.start);
  part.read_quantity("every", every, parse_duration);
  read_kind(part, flow);
  if (flow.opener == flow.acceptor) part.fail("from and to: must be two hosts");
  flow.v4 = family == 4;
  if (scenario.flows.size() + count > kMostFlows) {
    part.fail(fmt::format("count: there can be {} flows in all", kMostFlows));
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    flow.port = static_cast<std::uint16_t>(scenario.flows.size() + 1);
    flow.seed = scenario.seed * kMostFlows + flow.port;
    scenario.flows.push_back(flow);
    flow.start = flow.start + every;
  }
}

void read_all(Part& part, sim::Scenario& scenario) {
  Rng rng(scenario.seed);
  part.read_word("about", "");
  part.read_parts("hosts", [&](Part& host) {
    const auto number = static_cast<std::uint32_t>(scenario.hosts.size());
    if (number == kMostHosts) part.fail(fmt::format("hosts: {} at most", kMostHosts));
    scenario.hosts.push_back(sim::engine_host(rng, number));
    ShardOptions& shard = scenario.hosts.back().options.shard;
    shard.max_connections = shard.max_time_waits = kMostFlows;
    read_host(host, scenario.hosts.back());
  });
  if (scenario.hosts.size() < 2) part.fail("hosts: give at least two: [{}, {}]");
  part.read_parts("flows", [&](Part& flows) { read_flows(flows, scenario); });
  if (scenario.flows.empty()) part.fail("flows: give at least one");
  part.read_instant("faults-until", scenario.faults_until);
  part.read_quantity("patience", scenario.patience, parse_duration);
  part.read_quantity("fairness", scenario.least_fairness, parse_share);
  part.read_part("measure", [&](Part& time) {
    time.read_instant("from", scenario.measured.from);
    time.read_instant("to", scenario.measured.to);
  });
}

}  // namespace

sim::Scenario read_scenario(const std::string& path, std::uint64_t seed) {
  std::ifstream file(path);
  if (!file || std::filesystem::is_directory(path))
    throw ScenarioError(fmt::format("cannot read scenario '{}'", path));
  const Json json = Json::parse(file, nullptr, false, true);
  if (json.is_discarded()) {
    throw ScenarioError(fmt::format("{}: no JSON; see the example in sluice sim --help", path));
  }
  sim::Scenario scenario;
  scenario.seed = seed;
  Part part(json, path);
  read_all(part, scenario);
  part.close();
  return scenario;
}

}  // namespace sluice
