#include "tools/sluice/perf/text_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <ctime>
#include <utility>

#include "tools/sluice/perf/identity.hpp"
#include "tools/sluice/perf/json_report.hpp"
#include "tools/sluice/perf/numbers.hpp"
#include "tools/sluice/perf/text_rows.hpp"

namespace sluice::perf {
namespace {

constexpr std::string_view kSeparator = "- - - - - - - - - - - - - - - - - - - - - - - - -";

// `format` is strftime's.
std::string time_now(const std::string& format) {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  ::localtime_r(&now, &local);
  std::array<char, 256> text{};
  const std::size_t length = std::strftime(text.data(), text.size(), format.c_str(), &local);
  return {text.data(), length};
}

class TextReport final : public Report {
 public:
  TextReport(const ReportOptions& options, Sink sink, Sink errors)
      : options_(options), sink_(std::move(sink)), errors_(std::move(errors)) {}

  void on_begin(Role role) override;
  void on_connected(const ConnectFacts& connection) override;
  void on_start(const StartFacts& start) override;
  void on_interval(const IntervalFacts& interval) override;
  void on_end(const EndFacts& end) override;
  void on_error(std::string_view what) override;
  void finish() override;

 private:
  const Parameters& parameters() const { return connection_.parameters; }
  bool client() const { return connection_.role == Role::client; }
  bool tcp() const { return parameters().protocol == Protocol::tcp; }
  bool several() const { return parameters().streams > 1; }

  std::string stamp() const;
  void say(std::string_view line) const;
  void say_more(std::string_view line) const;  // with -V

  void say_sizes() const;
  void say_parameters() const;
  void say_end(bool sends, const EndLine& line) const;
  void say_unavailable(const EndLine& line, std::string_view whose) const;
  void say_algorithms(const EndDirection& direction) const;
  void say_cpu(const EndTally& end, std::string_view here, std::string_view there) const;
  void say_congestion(const EndDirection& direction) const;
  void say_server_output(const Results& peer) const;

  ReportOptions options_;
  Sink sink_;
  Sink errors_;
  ConnectFacts connection_;
  StartFacts start_;
  TextRows rows_{Role::client, {}, 'a'};  // once connected: of this test
  bool has_header_ = false;
  bool complete_ = false;
};

// ---- lines ----

// What a peer says may be meant for the terminal.
std::string plain(std::string text) {
  const auto commands = [](char c) {
    return std::iscntrl(static_cast<unsigned char>(c)) != 0 && c != '\n' && c != '\t';
  };
  std::ranges::replace_if(text, commands, '?');
  return text;
}

std::string TextReport::stamp() const {
  return options_.timestamps ? time_now(options_.timestamp_format) : "";
}

void TextReport::say(std::string_view line) const {
  const std::string& title = parameters().title;
  const bool titled = client() && !title.empty();
  sink_(plain(fmt::format("{}{}{}{}\n", stamp(), titled ? title : "", titled ? ":  " : "", line)));
}

void TextReport::say_more(std::string_view line) const {
  if (options_.verbose) say(line);
}

// ---- the beginning ----

void TextReport::on_begin(Role role) {
  connection_.role = role;
  say_more(version_text());
  say_more(system_text());
}

void TextReport::on_connected(const ConnectFacts& connection) {
  connection_ = connection;
  rows_ = TextRows(connection_.role, parameters(), options_.unit);
  if (client()) say_sizes();
  say_more(fmt::format("Time: {}", date_text(connection_.unix_seconds)));
  const Endpoint& peer = connection_.peer;
  say(fmt::format("{} {}, port {}", client() ? "Connecting to host" : "Accepted connection from",
                  peer.host, peer.port));
  if (client() && parameters().direction == Direction::reverse) {
    say(fmt::format("Reverse mode, remote host {} is sending", peer.host));
  }
  say_parameters();
}

void TextReport::say_sizes() const {
  say_more(fmt::format("Control connection MSS {}", connection_.control_mss));
  if (connection_.block_follows_mss) {
    say_more(fmt::format("Setting UDP block size to {}", parameters().block_bytes));
  }
}

void TextReport::say_parameters() const {
  say_more(fmt::format("      Cookie: {}", connection_.cookie));
  if (tcp() && parameters().mss > 0) {
    say_more(fmt::format("      TCP MSS: {}", parameters().mss));
  } else if (tcp()) {
    say_more(fmt::format("      TCP MSS: {} (default)", connection_.control_mss));
  }
  if (parameters().bits_per_second > 0) {
    say_more(fmt::format("      Target Bitrate: {}", parameters().bits_per_second));
  }
}

std::string end_of_test(const Parameters& parameters) {
  if (parameters.bytes > 0) return fmt::format("{} bytes to send", parameters.bytes);
  if (parameters.blocks > 0) return fmt::format("{} blocks to send", parameters.blocks);
  return fmt::format("{} second test", parameters.seconds);
}

void TextReport::on_start(const StartFacts& start) {
  start_ = start;
  for (const FlowFacts& flow : start_.flows) {
    say(fmt::format("[{:3}] local {} port {} connected to {} port {}", flow.socket, flow.local.host,
                    flow.local.port, flow.remote.host, flow.remote.port));
  }
  say_more(
      fmt::format("Starting Test: protocol: {}, {} streams, {} byte blocks, "
                  "omitting {} seconds, {}, tos {}",
                  tcp() ? "TCP" : "UDP", parameters().streams, parameters().block_bytes,
                  parameters().omit_seconds, end_of_test(parameters()), parameters().tos));
}

// ---- intervals ----

void TextReport::on_interval(const IntervalFacts& facts) {
  const IntervalTally interval = tally(connection_.role, start_.flows, facts);
  if (!is_worth_telling(interval, start_.interval_seconds)) return;
  if (!has_header_) {
    say(rows_.interval_header());
  } else if (several()) {
    say(kSeparator);
  }
  has_header_ = true;
  for (const IntervalDirection& direction : interval.directions) {
    for (const IntervalLine& line : direction.flows) {
      say(rows_.interval_row(interval, direction.sends, line));
    }
    if (several()) say(rows_.interval_row(interval, direction.sends, direction.sum));
  }
}

// ---- the end ----

void TextReport::on_end(const EndFacts& facts) {
  const EndTally end = tally(connection_.role, start_.flows, facts);
  say(kSeparator);
  say_more("Test Complete. Summary Results:");
  say(rows_.end_header(end.knows_retransmits));
  for (const EndDirection& direction : end.directions) {
    for (const EndLine& line : direction.flows) say_end(direction.sends, line);
    if (several()) say_end(direction.sends, direction.sum);
    say_algorithms(direction);
    if (direction.sends) say_cpu(end, "sender", "receiver");
    if (direction.sends && end.directions.size() > 1) say_cpu(end, "receiver", "sender");
    say_congestion(direction);
    // Behind the first direction: there iperf3 has it.
    const bool first = &direction == &end.directions.front();
    if (first && facts.peer && parameters().wants_server_output) say_server_output(*facts.peer);
  }
  complete_ = facts.peer.has_value();
}

// A server's end comes before the client's results, and has its own rows alone.
void TextReport::say_end(bool sends, const EndLine& line) const {
  if (client() || sends) {
    say(rows_.sender_row(sends, line));
  } else {
    say_unavailable(line, "sender");
  }
  if (line.flow != nullptr && line.out_of_order > 0) say(rows_.out_of_order_row(sends, line));
  if (client() || !sends) {
    say(rows_.receiver_row(sends, line));
  } else {
    say_unavailable(line, "receiver");
  }
}

void TextReport::say_unavailable(const EndLine& line, std::string_view whose) const {
  if (line.flow != nullptr) {
    say_more(fmt::format("[{:3}] ({} statistics not available)", line.flow->socket, whose));
  } else if (tcp()) {
    say_more(fmt::format("[SUM] ({} statistics not available)", whose));
  }
}

void TextReport::say_algorithms(const EndDirection& direction) const {
  if (direction.algorithms.empty()) return;
  say(TextRows::algorithm_header());
  for (const AlgorithmLine& line : direction.algorithms) say(rows_.algorithm_row(line));
}

void TextReport::say_cpu(const EndTally& end, std::string_view here, std::string_view there) const {
  const auto use = [](std::string_view side, std::string_view role, const CpuUse& cpu) {
    return fmt::format("{}/{} {:.1f}% ({:.1f}%u/{:.1f}%s)", side, role, cpu.total, cpu.user,
                       cpu.system);
  };
  say_more(fmt::format("CPU Utilization: {}, {}", use("local", here, end.host),
                       use("remote", there, end.remote)));
}

void TextReport::say_congestion(const EndDirection& direction) const {
  if (!direction.sender_congestion.empty()) {
    say_more(fmt::format("snd_tcp_congestion {}", direction.sender_congestion));
  }
  if (!direction.receiver_congestion.empty()) {
    say_more(fmt::format("rcv_tcp_congestion {}", direction.receiver_congestion));
  }
}

void TextReport::say_server_output(const Results& peer) const {
  if (peer.server_output_json) {
    say(fmt::format("\nServer JSON output:\n{}", document_text(*peer.server_output_json)));
  }
  if (peer.server_output_text) say(fmt::format("\nServer output:\n{}", *peer.server_output_text));
}

void TextReport::on_error(std::string_view what) {
  errors_(plain(fmt::format("{}sluice: {}\n", stamp(), what)));
  complete_ = false;
}

void TextReport::finish() {
  if (!client() || !complete_) return;
  say("");
  say("iperf Done.");
}

}  // namespace

std::unique_ptr<Report> make_text_report(const ReportOptions& options, Sink sink, Sink errors) {
  return std::make_unique<TextReport>(options, std::move(sink), std::move(errors));
}

}  // namespace sluice::perf
