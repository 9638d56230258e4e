#include "tools/sluice/report.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "tools/sluice/perf/server.hpp"
#include "tools/sluice/services/services.hpp"

namespace sluice::report {
namespace {

using Json = nlohmann::ordered_json;

std::vector<std::string> address_texts(const Config& config) {
  std::vector<std::string> texts;
  for (const Cidr& address : config.addresses) texts.push_back(address.to_string());
  return texts;
}

Json drops_of(const EngineStats& stats) {
  Json drops = Json::object();
  for (std::size_t i = 0; i < stats.shard.drops.size(); ++i) {
    const std::string name(drop_reason_name(static_cast<DropReason>(i)));
    if (stats.shard.drops[i] > 0) drops[name] = stats.shard.drops[i];
  }
  return drops;
}

std::string workers_text(const Config& config, const Engine::Facts& facts) {
  if (config.workers == 1) return "1 worker";
  return fmt::format("{} workers (steering {})", config.workers, facts.steering);
}

std::string offloads_text(const Engine::Facts& facts) {
  std::vector<std::string> names;
  if (facts.tso) names.emplace_back("tso");
  if (facts.uso) names.emplace_back("uso");
  if (facts.checksum) names.emplace_back("checksum");
  return names.empty() ? "none" : fmt::format("{}", fmt::join(names, "+"));
}

Json link_tree(const LinkCounters& link) {
  return {{"sent", link.sent},           {"delivered", link.delivered},
          {"lost", link.lost},           {"queue_full", link.queue_full},
          {"reordered", link.reordered}, {"duplicated", link.duplicated},
          {"corrupted", link.corrupted}};
}

Json totals_tree(const EngineStats& stats) {
  const ShardStats& shard = stats.shard;
  const io::IoCounters& io = stats.io;
  Json tree;
  tree["packets"] = {{"in", io.rx_packets},
                     {"out", io.tx_packets},
                     {"refused", io.tx_refused},
                     {"read_errors", io.rx_errors},
                     {"device_dropped", stats.device_dropped}};
  tree["bytes"] = {{"in", io.rx_bytes},
                   {"out", io.tx_bytes},
                   {"tcp_in", shard.bytes_in},
                   {"tcp_out", shard.bytes_out}};
  tree["connections"] = {{"now", shard.connections},      {"half_open", shard.half_open},
                         {"time_wait", shard.time_waits}, {"accepted", shard.accepted},
                         {"connected", shard.connected},  {"closed", shard.closed},
                         {"reset", shard.reset},          {"aborted", shard.aborted},
                         {"timed_out", shard.timed_out},  {"refused", shard.refused}};
  tree["segments"] = {{"in", shard.segments_in},
                      {"out", shard.segments_out},
                      {"retransmitted", shard.retransmitted},
                      {"timeouts", shard.timeouts},
                      {"fast_retransmits", shard.fast_retransmits},
                      {"tail_probes", shard.tail_probes},
                      {"undone", shard.undone}};
  tree["memory"] = {{"level", static_cast<std::uint64_t>(shard.memory_level)},
                    {"shortages", shard.memory_shortages},
                    {"gaps_forgotten", shard.gaps_forgotten}};
  tree["answers"] = {{"echo_replies", shard.echo_replies},
                     {"resets", shard.resets_sent},
                     {"errors", shard.errors_sent},
                     {"dropped", shard.replies_dropped}};
  tree["datagrams"] = {{"in", shard.datagrams_in},
                       {"out", shard.datagrams_out},
                       {"joined", shard.datagrams_joined},
                       {"fragments_out", shard.fragments_out}};
  tree["handoff"] = {{"given", stats.handoff.given},
                     {"taken", stats.handoff.taken},
                     {"refused", stats.handoff.refused}};
  if (stats.link_in.sent + stats.link_out.sent > 0) {
    tree["wire_in"] = link_tree(stats.link_in);
    tree["wire_out"] = link_tree(stats.link_out);
  }
  tree["loop"] = {{"turns", io.turns}, {"sleeps", io.sleeps}, {"starved", io.rx_starved}};
  tree["drops"] = drops_of(stats);
  return tree;
}

}  // namespace

std::string ready(const Config& config, const Engine::Facts& facts, bool json) {
  if (json) {
    Json tree;
    tree["ready"] = {{"device", facts.device},     {"addresses", address_texts(config)},
                     {"mtu", facts.mtu},           {"workers", config.workers},
                     {"io", facts.backend},        {"tso", facts.tso},
                     {"checksum", facts.checksum}, {"uso", facts.uso},
                     {"steering", facts.steering}, {"notes", facts.notes}};
    for (const services::Service& service : services::all()) {
      tree["ready"]["services"][std::string(service.name)] = service.port;
    }
    tree["ready"]["services"]["perf"] = perf::kDefaultPort;
    return tree.dump();
  }
  std::vector<std::string> names;
  for (const services::Service& service : services::all()) {
    names.push_back(fmt::format("{} {}", service.name, service.port));
  }
  names.push_back(fmt::format("perf {}", perf::kDefaultPort));
  return fmt::format("ready: {} {}, MTU {}, {}, {}, offloads {}; services: {}", facts.device,
                     fmt::join(address_texts(config), " "), facts.mtu, workers_text(config, facts),
                     facts.backend, offloads_text(facts), fmt::join(names, ", "));
}

std::string totals(const EngineStats& stats, bool json) {
  const Json tree = totals_tree(stats);
  if (json) return Json{{"totals", tree}}.dump();
  std::string text = "totals:";
  for (const auto& [group, values] : tree.items()) {
    text += fmt::format("\n  {:<12}", group);
    if (values.empty()) text += " none";
    for (const auto& [name, value] : values.items()) {
      text += fmt::format(" {} {}", name, value.get<std::uint64_t>());
    }
  }
  return text;
}

}  // namespace sluice::report
