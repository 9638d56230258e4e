#include "tools/sluice/perf/text_rows.hpp"

#include <fmt/format.h>

#include <optional>

#include "tools/sluice/perf/numbers.hpp"

namespace sluice::perf {
namespace {

constexpr std::string_view kDatagramHeader = "         Jitter    Lost/Total Datagrams";

// What stands between a row's bitrate and its label.

std::string datagram_columns(double jitter_seconds, std::int64_t lost, std::int64_t packets,
                             double lost_percent) {
  return fmt::format("  {:5.3f} ms  {}/{} ({:.2g}%)", jitter_seconds * 1000, lost, packets,
                     lost_percent);
}

// As wide where nobody knows them.
std::string retransmit_columns(std::optional<std::uint64_t> retransmits) {
  return retransmits ? fmt::format("  {:3}           ", *retransmits) : std::string(16, ' ');
}

std::string window_columns(const TcpFacts& tcp, const RttHistogram& rtt) {
  const auto quantile = [&rtt](double share) {
    return rtt.samples() > 0 ? rtt_text(rtt.quantile(share)) : "      -";
  };
  return fmt::format("  {:3}   {}   {}   {}     ", tcp.retransmits,
                     size_text(tcp.congestion_window), quantile(0.5), quantile(0.99));
}

}  // namespace

TextRows::TextRows(Role role, const Parameters& parameters, char unit)
    : role_(role == Role::client ? 'C' : 'S'),
      tcp_(parameters.protocol == Protocol::tcp),
      both_ways_(parameters.direction == Direction::both),
      sends_(role == Role::client ? parameters.sends_from_client()
                                  : parameters.sends_from_server()),
      unit_(unit) {}

std::string TextRows::header(std::string_view columns) const {
  return fmt::format("[ ID]{} Interval           Transfer     Bitrate{}",
                     both_ways_ ? "[Role]" : "", columns);
}

std::string TextRows::role_text(bool sends) const {
  return both_ways_ ? fmt::format("[{}-{}]", sends ? "TX" : "RX", role_) : "";
}

std::string TextRows::traffic_text(const Traffic& traffic) const {
  return fmt::format("{}  {}", size_text(static_cast<double>(traffic.bytes)),
                     rate_text(traffic.bytes_per_second(), unit_));
}

std::string TextRows::row(const FlowFacts* flow, bool sends, double start, double end,
                          const Traffic& traffic) const {
  const std::string id = flow != nullptr ? fmt::format("{:3}", flow->socket) : "SUM";
  return fmt::format("[{}]{} {:6.2f}-{:<6.2f} sec  {}", id, role_text(sends), start, end,
                     traffic_text(traffic));
}

// ---- intervals ----

std::string TextRows::interval_header() const {
  if (tcp_) return header(sends_ ? "         Retr  Cwnd          RTT p50   p99" : "");
  return header(sends_ && !both_ways_ ? "         Total Datagrams" : kDatagramHeader);
}

std::string TextRows::interval_columns(bool sends, const IntervalLine& line) const {
  if (!tcp_ && sends) return fmt::format(" {} {}", both_ways_ ? "          " : "", line.packets);
  if (!tcp_) {
    return datagram_columns(line.jitter_seconds, line.lost, line.packets, line.lost_percent());
  }
  if (!line.tcp) return retransmit_columns(std::nullopt);
  if (line.flow == nullptr) return retransmit_columns(line.tcp->retransmits);
  return window_columns(*line.tcp, line.rtt);
}

std::string TextRows::interval_row(const IntervalTally& interval, bool sends,
                                   const IntervalLine& line) const {
  return fmt::format("{}{}  {}", row(line.flow, sends, interval.start, interval.end, line.traffic),
                     interval_columns(sends, line), interval.omitted ? "(omitted)" : "");
}

// ---- the end ----

std::string TextRows::end_header(bool knows_retransmits) const {
  if (!tcp_) return header(kDatagramHeader);
  return header(knows_retransmits ? "         Retr" : "");
}

std::string TextRows::sender_row(bool sends, const EndLine& line) const {
  return fmt::format(
      "{}{}  sender", row(line.flow, sends, 0, line.sent.seconds, line.sent),
      tcp_ ? retransmit_columns(line.retransmits) : datagram_columns(0, 0, line.packets_sent, 0));
}

std::string TextRows::receiver_row(bool sends, const EndLine& line) const {
  // A sum is weighed against what was sent, as iperf3 does.
  const std::int64_t whole = line.flow != nullptr ? line.packets_received : line.packets;
  return fmt::format("{}{}  receiver",
                     row(line.flow, sends, 0, line.received.seconds, line.received),
                     tcp_ ? retransmit_columns(std::nullopt)
                          : datagram_columns(line.jitter_seconds, line.lost, line.packets_received,
                                             percent(line.lost, whole)));
}

std::string TextRows::out_of_order_row(bool sends, const EndLine& line) const {
  return fmt::format("[SUM]{} {:4.1f}-{:4.1f} sec  {} datagrams received out-of-order",
                     role_text(sends), 0.0, line.sent.seconds, line.out_of_order);
}

std::string TextRows::algorithm_header() {
  return "Congestion  Streams     Transfer     Bitrate         Retr   Share";
}

std::string TextRows::algorithm_row(const AlgorithmLine& line) const {
  return fmt::format("{:<10}  {:7}  {}  {:3}  {:5.1f}%", line.congestion, line.streams,
                     traffic_text(line.sent), line.retransmits, line.share_percent);
}

}  // namespace sluice::perf
