#include "tools/sluice/perf/json_report.hpp"

#include <utility>

#include "tools/sluice/perf/json_parts.hpp"

namespace sluice::perf {
namespace {

// Collects the document.
class JsonReport : public Report {
 public:
  explicit JsonReport(Sink sink) : sink_(std::move(sink)) {}

  void on_begin(Role role) override { connection_.role = role; }

  void on_connected(const ConnectFacts& connection) override {
    connection_ = connection;
    add_connection(document_["start"], connection_);
  }

  void on_start(const StartFacts& start) override {
    start_ = start;
    add_test(document_["start"], connection_, start_);
  }

  void on_interval(const IntervalFacts& facts) override {
    const IntervalTally interval = tally(connection_.role, start_.flows, facts);
    if (!is_worth_telling(interval, start_.interval_seconds)) return;
    document_["intervals"].push_back(interval_part(connection_.parameters.protocol, interval));
  }

  void on_end(const EndFacts& end) override {
    document_["end"] =
        end_part(connection_.parameters.protocol, tally(connection_.role, start_.flows, end));
    if (end.peer && connection_.parameters.wants_server_output) add_server_output(*end.peer);
  }

  void on_error(std::string_view what) override {
    constexpr std::string_view kPrefix = "error - ";  // not in a document
    if (what.starts_with(kPrefix)) what.remove_prefix(kPrefix.size());
    error_ = what;
  }

  void finish() override {
    const Parameters& parameters = connection_.parameters;
    if (!parameters.title.empty()) document_["title"] = parameters.title;
    if (!parameters.extra_data.empty()) document_["extra_data"] = parameters.extra_data;
    document_.update(server_output_);
    if (!error_.empty()) document_["error"] = error_;
    sink_(document_text(document_) + "\n");
  }

  Json document() const override { return document_; }

 protected:
  void say_event(std::string_view event, const Json& what) {
    sink_(print_document({{"event", event}, {"data", what}}) + "\n");
  }

  Sink sink_;
  ConnectFacts connection_;
  Json document_ = {{"start", start_part()}, {"intervals", Json::array()}, {"end", Json::object()}};
  Json server_output_ = Json::object();
  std::string error_;

 private:
  void add_server_output(const Results& peer) {
    if (peer.server_output_json) server_output_["server_output_json"] = *peer.server_output_json;
    if (peer.server_output_text) server_output_["server_output_text"] = *peer.server_output_text;
  }

  StartFacts start_;
};

// Tells each part at once, and keeps the intervals only where the peer asked for them.
class JsonStreamReport final : public JsonReport {
 public:
  using JsonReport::JsonReport;

  void on_start(const StartFacts& start) override {
    JsonReport::on_start(start);
    say_event("start", document_["start"]);
  }

  void on_interval(const IntervalFacts& facts) override {
    Json& intervals = document_["intervals"];
    const std::size_t told = intervals.size();
    JsonReport::on_interval(facts);
    if (intervals.size() == told) return;
    say_event("interval", intervals.back());
    if (!connection_.parameters.wants_server_output) intervals.clear();
  }

  void finish() override {
    if (!error_.empty()) say_event("error", error_);
    for (const auto& [name, output] : server_output_.items()) say_event(name, output);
    say_event("end", document_["end"]);
  }
};

}  // namespace

std::unique_ptr<Report> make_json_report(Sink sink) {
  return std::make_unique<JsonReport>(std::move(sink));
}

std::unique_ptr<Report> make_json_stream_report(Sink sink) {
  return std::make_unique<JsonStreamReport>(std::move(sink));
}

std::string document_text(const nlohmann::ordered_json& document) {
  return document.dump(1, '\t', false, Json::error_handler_t::replace);  // what is no UTF-8
}

}  // namespace sluice::perf
