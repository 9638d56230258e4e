#include "tools/sluice/perf/json_parts.hpp"

#include <cmath>
#include <string>

#include "tools/sluice/perf/identity.hpp"
#include "tools/sluice/perf/numbers.hpp"

namespace sluice::perf {
namespace {

constexpr double kMostExact = 9007199254740992;  // 2^53

// Whole ones without a point, as iperf3 has them.
Json number(double value) {
  if (std::trunc(value) != value || std::abs(value) > kMostExact) return value;
  return static_cast<std::int64_t>(value);
}

// What is told of any stretch of time.
void add_traffic(Json& line, double start, double end, const Traffic& traffic) {
  line["start"] = number(start);
  line["end"] = number(end);
  line["seconds"] = number(traffic.seconds);
  line["bytes"] = traffic.bytes;
  line["bits_per_second"] = number(8 * traffic.bytes_per_second());
}

void add_losses(Json& line, double jitter_seconds, std::int64_t lost, std::int64_t packets,
                double lost_percent) {
  line["jitter_ms"] = number(1000 * jitter_seconds);
  line["lost_packets"] = lost;
  line["packets"] = packets;
  line["lost_percent"] = number(lost_percent);
}

// A stream's line begins with it; a sum's does not.
Json line_of(const FlowFacts* flow) {
  Json line = Json::object();
  if (flow != nullptr) line["socket"] = flow->socket;
  return line;
}

// ---- start ----

void add_buffers(Json& start, const Parameters& parameters, const StartFacts& facts) {
  start["sock_bufsize"] = parameters.window_bytes;
  start["sndbuf_actual"] = facts.send_buffer;
  start["rcvbuf_actual"] = facts.receive_buffer;
}

Json connected_part(const FlowFacts& flow) {
  return {{"socket", flow.socket},
          {"local_host", flow.local.host},
          {"local_port", flow.local.port},
          {"remote_host", flow.remote.host},
          {"remote_port", flow.remote.port}};
}

Json test_part(const Parameters& parameters) {
  return {{"protocol", parameters.protocol == Protocol::tcp ? "TCP" : "UDP"},
          {"num_streams", parameters.streams},
          {"blksize", parameters.block_bytes},
          {"omit", parameters.omit_seconds},
          {"duration", parameters.seconds},
          {"bytes", parameters.bytes},
          {"blocks", parameters.blocks},
          {"reverse", parameters.direction == Direction::reverse ? 1 : 0},
          {"tos", parameters.tos},
          {"target_bitrate", parameters.bits_per_second}};
}

// A server tells what it made ready for the streams before it tells who has come.
void add_readiness(Json& start, const Parameters& parameters) {
  if (parameters.bits_per_second > 0) start["target_bitrate"] = parameters.bits_per_second;
  if (parameters.protocol == Protocol::tcp) add_buffers(start, parameters, {});
}

// ---- intervals ----

Json interval_line(Protocol protocol, const IntervalTally& interval, bool sends,
                   const IntervalLine& line) {
  Json json = line_of(line.flow);
  add_traffic(json, interval.start, interval.end, line.traffic);
  if (protocol == Protocol::udp && sends) {
    json["packets"] = line.packets;
  } else if (protocol == Protocol::udp) {
    add_losses(json, line.jitter_seconds, line.lost, line.packets, line.lost_percent());
  } else if (line.tcp) {
    json["retransmits"] = line.tcp->retransmits;
  }
  if (line.tcp && line.flow != nullptr) {
    json["snd_cwnd"] = line.tcp->congestion_window;
    json["snd_wnd"] = line.tcp->send_window;
    json["rtt"] = line.tcp->rtt_us;
    json["rttvar"] = line.tcp->rtt_variation_us;
    json["pmtu"] = line.tcp->path_mtu;
  }
  json["omitted"] = interval.omitted;
  json["sender"] = sends;
  return json;
}

void add_quantiles(Json& json, const RttHistogram& rtt) {
  json["srtt_p50_us"] = rtt.quantile(0.5);
  json["srtt_p99_us"] = rtt.quantile(0.99);
}

// The round trips of what this side sends.
Json round_trips(const IntervalDirection& direction) {
  Json streams = Json::array();
  for (const IntervalLine& line : direction.flows) {
    Json stream = {{"socket", line.flow->socket}, {"congestion", line.flow->congestion}};
    add_quantiles(stream, line.rtt);
    streams.push_back(std::move(stream));
  }
  Json json = {{"streams", std::move(streams)}};
  add_quantiles(json, direction.sum.rtt);
  return json;
}

// ---- end ----

Json tcp_sender(bool sends, const EndLine& line) {
  Json json = line_of(line.flow);
  add_traffic(json, 0, line.sent.seconds, line.sent);
  if (line.retransmits) json["retransmits"] = *line.retransmits;
  if (line.retransmits && line.flow != nullptr) {
    json["max_snd_cwnd"] = line.extremes.max_congestion_window;
    json["max_snd_wnd"] = line.extremes.max_send_window;
    json["max_rtt"] = line.extremes.max_rtt_us;
    json["min_rtt"] = line.extremes.min_rtt_us;
    json["mean_rtt"] = line.extremes.mean_rtt_us;
  }
  json["sender"] = sends;
  return json;
}

Json tcp_receiver(bool sends, const EndLine& line) {
  Json json = line_of(line.flow);
  add_traffic(json, 0, line.received.seconds, line.received);
  json["sender"] = sends;
  return json;
}

Json udp_stream(bool sends, const EndLine& line) {
  Json json = line_of(line.flow);
  add_traffic(json, 0, line.sent.seconds, line.sent);
  add_losses(json, line.jitter_seconds, line.lost, line.packets, percent(line.lost, line.packets));
  json["out_of_order"] = line.out_of_order;
  json["sender"] = sends;
  return json;
}

// iperf3's oldest sum of datagrams: the bytes sent, in the time of the receiver.
Json udp_sum(bool sends, const EndLine& sum) {
  Json json = Json::object();
  add_traffic(json, 0, sum.received.seconds, {sum.received.seconds, sum.sent.bytes});
  add_losses(json, sum.jitter_seconds, sum.lost, sum.packets, percent(sum.lost, sum.packets));
  json["sender"] = sends;
  return json;
}

Json udp_sum_sent(const EndLine& sum) {
  Json json = Json::object();
  add_traffic(json, 0, sum.sent.seconds, sum.sent);
  add_losses(json, 0, 0, sum.packets_sent, 0);
  json["sender"] = true;
  return json;
}

Json udp_sum_received(const EndLine& sum) {
  Json json = Json::object();
  add_traffic(json, 0, sum.received.seconds, sum.received);
  add_losses(json, sum.jitter_seconds, sum.lost, sum.packets_received,
             percent(sum.lost, sum.packets));
  json["sender"] = false;
  return json;
}

Json end_line(Protocol protocol, bool sends, const EndLine& line) {
  if (protocol == Protocol::udp) return {{"udp", udp_stream(sends, line)}};
  return {{"sender", tcp_sender(sends, line)}, {"receiver", tcp_receiver(sends, line)}};
}

void add_sums(Json& end, Protocol protocol, const EndDirection& direction,
              const std::string& suffix) {
  if (protocol == Protocol::tcp) {
    end["sum_sent" + suffix] = tcp_sender(direction.sends, direction.sum);
    end["sum_received" + suffix] = tcp_receiver(direction.sends, direction.sum);
    return;
  }
  end["sum" + suffix] = udp_sum(direction.sends, direction.sum);
  end["sum_sent" + suffix] = udp_sum_sent(direction.sum);
  end["sum_received" + suffix] = udp_sum_received(direction.sum);
}

Json cpu_part(const CpuUse& host, const CpuUse& remote) {
  return {{"host_total", number(host.total)},   {"host_user", number(host.user)},
          {"host_system", number(host.system)}, {"remote_total", number(remote.total)},
          {"remote_user", number(remote.user)}, {"remote_system", number(remote.system)}};
}

// With both directions, iperf3 tells of the later one.
void add_congestion(Json& end, const EndDirection& direction) {
  if (!direction.sender_congestion.empty()) {
    end["sender_tcp_congestion"] = direction.sender_congestion;
  }
  if (!direction.receiver_congestion.empty()) {
    end["receiver_tcp_congestion"] = direction.receiver_congestion;
  }
}

Json algorithms_part(const EndTally& end) {
  Json lines = Json::array();
  for (const EndDirection& direction : end.directions) {
    for (const AlgorithmLine& line : direction.algorithms) {
      lines.push_back({{"congestion", line.congestion},
                       {"streams", line.streams},
                       {"bytes", line.sent.bytes},
                       {"bits_per_second", number(8 * line.sent.bytes_per_second())},
                       {"retransmits", line.retransmits},
                       {"share_percent", number(line.share_percent)},
                       {"sender", direction.sends}});
    }
  }
  return lines;
}

// Of the second direction, behind a key's name.
const char* suffix_of(std::size_t direction) {
  return direction == 0 ? "" : "_bidir_reverse";
}

}  // namespace

Json start_part() {
  return {
      {"connected", Json::array()}, {"version", version_text()}, {"system_info", system_text()}};
}

void add_connection(Json& start, const ConnectFacts& connection) {
  const Parameters& parameters = connection.parameters;
  const bool client = connection.role == Role::client;
  if (!client) add_readiness(start, parameters);
  start["timestamp"] = {{"time", date_text(connection.unix_seconds)},
                        {"timesecs", connection.unix_seconds}};
  start[client ? "connecting_to" : "accepted_connection"] = {{"host", connection.peer.host},
                                                             {"port", connection.peer.port}};
  start["cookie"] = connection.cookie;
  if (parameters.protocol == Protocol::tcp && parameters.mss > 0) {
    start["tcp_mss"] = parameters.mss;
  } else if (parameters.protocol == Protocol::tcp) {
    start["tcp_mss_default"] = connection.control_mss;
  }
  start["target_bitrate"] = parameters.bits_per_second;
}

void add_test(Json& start, const ConnectFacts& connection, const StartFacts& facts) {
  for (const FlowFacts& flow : facts.flows) start["connected"].push_back(connected_part(flow));
  add_buffers(start, connection.parameters, facts);
  start["test_start"] = test_part(connection.parameters);
}

Json interval_part(Protocol protocol, const IntervalTally& interval) {
  Json json = {{"streams", Json::array()}};
  for (const IntervalDirection& direction : interval.directions) {
    for (const IntervalLine& line : direction.flows) {
      json["streams"].push_back(interval_line(protocol, interval, direction.sends, line));
    }
  }
  for (std::size_t i = 0; i < interval.directions.size(); ++i) {
    const IntervalDirection& direction = interval.directions[i];
    json[std::string("sum") + suffix_of(i)] =
        interval_line(protocol, interval, direction.sends, direction.sum);
  }
  for (const IntervalDirection& direction : interval.directions) {
    if (direction.sum.tcp) json["sluice"] = round_trips(direction);
  }
  return json;
}

Json end_part(Protocol protocol, const EndTally& end) {
  Json json = {{"streams", Json::array()}};
  for (const EndDirection& direction : end.directions) {
    for (const EndLine& line : direction.flows) {
      json["streams"].push_back(end_line(protocol, direction.sends, line));
    }
  }
  for (std::size_t i = 0; i < end.directions.size(); ++i) {
    add_sums(json, protocol, end.directions[i], suffix_of(i));
  }
  json["cpu_utilization_percent"] = cpu_part(end.host, end.remote);
  if (protocol == Protocol::tcp && !end.directions.empty()) {
    add_congestion(json, end.directions.back());
  }
  if (Json lines = algorithms_part(end); !lines.empty()) {
    json["sluice"] = {{"by_congestion", std::move(lines)}};
  }
  return json;
}

}  // namespace sluice::perf
