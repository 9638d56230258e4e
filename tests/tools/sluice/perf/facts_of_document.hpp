// What a side of a test must have known that iperf3 printed this document of it.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>

#include "tests/tools/sluice/perf/told_test.hpp"
#include "tools/sluice/perf/document.hpp"

namespace sluice::perf {

class DocumentReader {
 public:
  explicit DocumentReader(const Json& document) : document_(document) {}

  ToldTest read() {
    read_start();
    for (const Json& interval : document_["intervals"]) read_interval(interval);
    if (!document_["end"].empty()) read_end();
    if (document_.contains("error")) test_.error = document_["error"];
    return std::move(test_);
  }

 private:
  template <typename T>
  static T value(const Json& json, const char* key) {
    return json.contains(key) ? json[key].get<T>() : T();
  }

  void read_start() {
    const Json& start = document_["start"];
    if (!start.contains("test_start")) return;
    ConnectFacts& connection = test_.connection;
    connection.role = start.contains("connecting_to") ? Role::client : Role::server;
    const Json& peer =
        start[start.contains("connecting_to") ? "connecting_to" : "accepted_connection"];
    connection.peer = {peer["host"], peer["port"]};
    connection.cookie = start["cookie"];
    connection.unix_seconds = start["timestamp"]["timesecs"];
    connection.control_mss = value<std::uint32_t>(start, "tcp_mss_default");
    test_.start.send_buffer = start["sndbuf_actual"];
    test_.start.receive_buffer = start["rcvbuf_actual"];
    read_parameters(start);
    for (const Json& connected : start["connected"]) read_flow(connected);
  }

  void read_parameters(const Json& start) {
    Parameters& parameters = test_.connection.parameters;
    const Json& asked = start["test_start"];
    parameters.protocol = asked["protocol"] == "TCP" ? Protocol::tcp : Protocol::udp;
    parameters.streams = asked["num_streams"];
    if (asked["reverse"] == 1) parameters.direction = Direction::reverse;
    if (start["connected"].size() > parameters.streams) parameters.direction = Direction::both;
    parameters.block_bytes = asked["blksize"];
    parameters.omit_seconds = asked["omit"];
    parameters.seconds = asked["duration"];
    parameters.bytes = asked["bytes"];
    parameters.blocks = asked["blocks"];
    parameters.tos = asked["tos"];
    parameters.bits_per_second = asked["target_bitrate"];
    parameters.window_bytes = start["sock_bufsize"];
    parameters.mss = value<std::uint32_t>(start, "tcp_mss");
    parameters.title = value<std::string>(document_, "title");
    parameters.extra_data = value<std::string>(document_, "extra_data");
  }

  // What the end has of a stream, as its sender and as its receiver.
  const Json& sender(std::size_t flow) const { return side(flow, "sender"); }
  const Json& receiver(std::size_t flow) const { return side(flow, "receiver"); }
  const Json& side(std::size_t flow, const char* name) const {
    const Json& stream = document_["end"]["streams"][flow];
    return stream.contains("udp") ? stream["udp"] : stream[name];
  }

  void read_flow(const Json& connected) {
    FlowFacts flow;
    flow.id = static_cast<int>(counts_.size()) + 1;
    flow.socket = connected["socket"];
    flow.sends = sender(counts_.size())["sender"];
    flow.local = {connected["local_host"], connected["local_port"]};
    flow.remote = {connected["remote_host"], connected["remote_port"]};
    test_.start.flows.push_back(flow);
    counts_.emplace_back();
  }

  void read_interval(const Json& json) {
    const Json& sum = json["sum"];
    if (!sum["omitted"] && test_.connection.parameters.omit_seconds > 0 && base_.empty()) {
      base_ = counts_;
    }
    IntervalFacts interval;
    interval.start = sum["start"];
    interval.end = sum["end"];
    interval.omitted = sum["omitted"];
    interval.from = counts_;
    for (std::size_t i = 0; i < counts_.size(); ++i) count(counts_[i], json["streams"][i]);
    interval.to = counts_;
    test_.intervals.push_back(interval);
  }

  static void count(FlowCount& count, const Json& stream) {
    count.bytes += stream["bytes"].get<std::uint64_t>();
    count.packets += value<std::uint64_t>(stream, "packets");
    count.lost += value<std::int64_t>(stream, "lost_packets");
    count.jitter_seconds = value<double>(stream, "jitter_ms") / 1000;
    if (!stream.contains("retransmits")) return;
    if (!count.tcp) count.tcp.emplace();
    count.tcp->retransmits += stream["retransmits"].get<std::uint64_t>();
    count.tcp->congestion_window = stream["snd_cwnd"];
    count.tcp->send_window = stream["snd_wnd"];
    count.tcp->rtt_us = stream["rtt"];
    count.tcp->rtt_variation_us = stream["rttvar"];
    count.tcp->path_mtu = stream["pmtu"];
  }

  void read_end() {
    const Json& json = document_["end"];
    EndFacts end;
    end.base = base_;
    end.total = counts_;
    const Json& cpu = json["cpu_utilization_percent"];
    end.cpu = {cpu["host_total"], cpu["host_user"], cpu["host_system"]};
    if (test_.connection.role == Role::client && !document_.contains("error")) {
      end.peer.emplace();
      end.peer->cpu = {cpu["remote_total"], cpu["remote_user"], cpu["remote_system"]};
      end.peer->sender_has_retransmits = 1;
    }
    for (std::size_t i = 0; i < counts_.size(); ++i) read_stream(end, i);
    read_congestion(end);
    if (document_.contains("server_output_json")) {
      test_.connection.parameters.wants_server_output = true;
      end.peer->server_output_json = document_["server_output_json"];
    }
    if (document_.contains("server_output_text")) {
      test_.connection.parameters.wants_server_output = true;
      end.peer->server_output_text = document_["server_output_text"];
    }
    test_.end = std::move(end);
  }

  void read_stream(EndFacts& end, std::size_t index) const {
    const bool sends = test_.start.flows[index].sends;
    const Json& ours = sends ? sender(index) : receiver(index);
    const Json& theirs = sends ? receiver(index) : sender(index);
    end.seconds = ours["end"];
    FlowCount& total = end.total[index];
    total.bytes = ours["bytes"];
    if (ours.contains("out_of_order") && !sends) total.bytes = sum_received_bytes(index);
    if (!base_.empty()) total.bytes += base_[index].bytes;
    end.extremes.push_back(extremes_of(sender(index)));
    if (!end.peer) return;
    StreamResult result;
    result.id = test_.start.flows[index].id;
    result.bytes = theirs["bytes"];
    result.retransmits = value<std::int64_t>(theirs, "retransmits");
    result.seconds = theirs["end"];
    result.packets = value<std::uint64_t>(theirs, "packets");
    result.lost = sends ? value<std::int64_t>(theirs, "lost_packets") : 0;
    result.jitter_seconds = sends ? value<double>(theirs, "jitter_ms") / 1000 : 0;
    end.peer->streams.push_back(result);
  }

  // Of datagrams, a stream's line has the bytes sent alone.
  std::uint64_t sum_received_bytes(std::size_t index) const {
    const bool second = index >= test_.connection.parameters.streams;
    const Json& sum = document_["end"][second ? "sum_received_bidir_reverse" : "sum_received"];
    return sum["bytes"].get<std::uint64_t>() / test_.connection.parameters.streams;
  }

  static EndFacts::Extremes extremes_of(const Json& stream) {
    EndFacts::Extremes extremes;
    extremes.max_congestion_window = value<std::uint32_t>(stream, "max_snd_cwnd");
    extremes.max_send_window = value<std::uint32_t>(stream, "max_snd_wnd");
    extremes.min_rtt_us = value<std::uint32_t>(stream, "min_rtt");
    extremes.max_rtt_us = value<std::uint32_t>(stream, "max_rtt");
    extremes.mean_rtt_us = value<std::uint32_t>(stream, "mean_rtt");
    return extremes;
  }

  // The document tells of the later direction.
  void read_congestion(EndFacts& end) const {
    const bool sends = test_.start.flows.back().sends;
    const Json& json = document_["end"];
    end.congestion =
        value<std::string>(json, sends ? "sender_tcp_congestion" : "receiver_tcp_congestion");
    const char* const theirs = sends ? "receiver_tcp_congestion" : "sender_tcp_congestion";
    if (end.peer && json.contains(theirs)) end.peer->congestion_used = json[theirs];
  }

  const Json& document_;
  ToldTest test_;
  std::vector<FlowCount> counts_;
  std::vector<FlowCount> base_;
};

inline ToldTest facts_of(const Json& document) {
  return DocumentReader(document).read();
}

}  // namespace sluice::perf
