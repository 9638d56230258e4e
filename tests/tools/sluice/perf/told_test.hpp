// A whole test as the facts that a report is told.
#pragma once

#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "tools/sluice/perf/facts.hpp"
#include "tools/sluice/perf/report.hpp"

namespace sluice::perf {

// What iperf3 3.12 printed; see iperf3/README.md.
inline std::string stock_output(const std::string& name) {
  std::ifstream file(std::string(IPERF3_OUTPUTS) + "/" + name);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

struct ToldTest {
  ConnectFacts connection;
  StartFacts start;
  std::vector<IntervalFacts> intervals;
  std::optional<EndFacts> end;
  std::string error;

  void tell(Report& report) const {
    report.on_begin(connection.role);
    if (!start.flows.empty()) {
      report.on_connected(connection);
      report.on_start(start);
    }
    for (const IntervalFacts& interval : intervals) report.on_interval(interval);
    if (end) report.on_end(*end);
    if (!error.empty()) report.on_error(error);
    report.finish();
  }

  // What comes out.
  std::string output(const ReportOptions& options) const {
    std::string text;
    const auto sink = [&text](std::string_view more) { text += more; };
    tell(*make_report(options, sink, sink));
    return text;
  }
};

// Builds a test up, interval by interval.
class Course {
 public:
  Course(Role role, const Parameters& parameters) {
    told_.connection.role = role;
    told_.connection.parameters = parameters;
    told_.connection.peer = {"127.0.0.1", 5201};
    told_.connection.control_mss = 32768;
  }

  ToldTest& told() { return told_; }
  EndFacts& end() { return *told_.end; }

  void add_flow(int socket, bool sends, std::uint16_t local_port, std::uint16_t remote_port) {
    FlowFacts flow;
    flow.id = static_cast<int>(counts_.size()) + 1;
    flow.socket = socket;
    flow.sends = sends;
    flow.local = {"127.0.0.1", local_port};
    flow.remote = {"127.0.0.1", remote_port};
    told_.start.flows.push_back(flow);
    counts_.emplace_back();
  }

  // Each stream moves on by these.
  void interval(double start, double end, const std::vector<FlowCount>& moved) {
    IntervalFacts interval;
    interval.start = start;
    interval.end = end;
    interval.from = counts_;
    for (std::size_t i = 0; i < moved.size(); ++i) move(counts_[i], moved[i]);
    interval.to = counts_;
    told_.intervals.push_back(interval);
  }

  // What has been told so far does not count.
  void omit() {
    for (IntervalFacts& interval : told_.intervals) interval.omitted = true;
    base_ = counts_;
  }

  void finish(double seconds) {
    EndFacts end;
    end.seconds = seconds;
    end.base = base_;
    end.total = counts_;
    told_.end = end;
  }

  // The peer has counted the same.
  void add_peer(double seconds) {
    Results& peer = told_.end->peer.emplace();
    peer.sender_has_retransmits = 1;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      StreamResult result;
      result.id = told_.start.flows[i].id;
      result.bytes = counts_[i].bytes - (base_.empty() ? 0 : base_[i].bytes);
      result.packets = counts_[i].packets;
      result.seconds = seconds;
      result.retransmits = 0;
      peer.streams.push_back(result);
    }
  }

 private:
  static void move(FlowCount& count, const FlowCount& moved) {
    count.bytes += moved.bytes;
    count.packets += moved.packets;
    count.lost += moved.lost;
    count.out_of_order += moved.out_of_order;
    count.jitter_seconds = moved.jitter_seconds;
    const std::uint64_t retransmits = count.tcp ? count.tcp->retransmits : 0;
    count.tcp = moved.tcp;
    if (count.tcp) count.tcp->retransmits += retransmits;
    count.rtt = moved.rtt;
  }

  ToldTest told_;
  std::vector<FlowCount> counts_;
  std::vector<FlowCount> base_;
};

inline FlowCount received(std::uint64_t bytes) {
  FlowCount count;
  count.bytes = bytes;
  return count;
}

inline FlowCount sent(std::uint64_t bytes, std::uint32_t congestion_window,
                      std::uint64_t retransmits = 0) {
  FlowCount count = received(bytes);
  count.tcp.emplace();
  count.tcp->congestion_window = congestion_window;
  count.tcp->retransmits = retransmits;
  return count;
}

inline FlowCount datagrams(std::uint64_t packets, std::uint32_t bytes, double jitter_ms = 0) {
  FlowCount count = received(packets * bytes);
  count.packets = packets;
  count.jitter_seconds = jitter_ms / 1000;
  return count;
}

}  // namespace sluice::perf
