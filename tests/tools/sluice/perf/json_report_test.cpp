#include "tools/sluice/perf/json_report.hpp"

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "tests/tools/sluice/perf/facts_of_document.hpp"
#include "tools/sluice/perf/document.hpp"

namespace sluice::perf {
namespace {

const ReportOptions kJson{.form = ReportOptions::Form::json};

Json stock_document(const std::string& name) {
  return Json::parse(stock_output(name + ".json"));
}

std::string type_of(const Json& json) {
  return json.is_number() ? "number" : json.type_name();
}

std::vector<std::string> keys_of(const Json& object) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : object.items()) keys.push_back(key);
  return keys;
}

// Rates and times that iperf3 rounds, or takes of another stream, are within 2 %.
void expect_number(const Json& actual, const Json& expected, const std::string& where) {
  if (expected.is_number_integer()) {
    EXPECT_EQ(actual, expected) << where;
    EXPECT_TRUE(actual.is_number_integer()) << where;
    return;
  }
  const double wanted = expected;
  EXPECT_NEAR(actual.get<double>(), wanted, 0.02 * std::abs(wanted)) << where;
}

// The same keys in the same order, types and values.
void expect_same(const Json& actual, const Json& expected, const std::string& where) {
  ASSERT_EQ(type_of(actual), type_of(expected)) << where;
  if (expected.is_object()) {
    ASSERT_EQ(keys_of(actual), keys_of(expected)) << where;
    for (const auto& [key, value] : expected.items()) {
      expect_same(actual[key], value, where + "." + key);
    }
  } else if (expected.is_array()) {
    ASSERT_EQ(actual.size(), expected.size()) << where;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      expect_same(actual[i], expected[i], where + "[" + std::to_string(i) + "]");
    }
  } else if (expected.is_number()) {
    expect_number(actual, expected, where);
  } else {
    EXPECT_EQ(actual, expected) << where;
  }
}

// As far as it is iperf3's, and without what tells of the machine.
Json comparable(Json document) {
  document["start"]["version"] = "";
  document["start"]["system_info"] = "";
  for (Json& interval : document["intervals"]) interval.erase("sluice");
  return document;
}

class StockDocument : public testing::TestWithParam<std::string> {};

TEST_P(StockDocument, ComesOutOfItsFacts) {
  const Json stock = stock_document(GetParam());
  const Json ours = Json::parse(facts_of(stock).output(kJson));
  expect_same(comparable(ours), comparable(stock), "");
}

INSTANTIATE_TEST_SUITE_P(JsonReport, StockDocument,
                         testing::Values("refused", "tcp_client", "tcp_server",
                                         "tcp_reverse_client", "tcp_reverse_server",
                                         "tcp_both_client", "tcp_both_server", "tcp_interrupted",
                                         "udp_client", "udp_reverse_client", "udp_reverse_server",
                                         "udp_both_client", "udp_both_server"),
                         [](const auto& param_info) { return param_info.param; });

// ---- what iperf3 has not ----

// One second of a client that sends on two streams.
ToldTest two_streams() {
  Course course(Role::client, {});
  course.told().connection.parameters.streams = 2;
  course.add_flow(5, true, 40000, 5201);
  course.add_flow(7, true, 40001, 5201);
  FlowCount slow = sent(1000, 100);
  slow.rtt.add(31);
  slow.rtt.add(31);
  FlowCount fast = sent(3000, 100, 1);
  fast.rtt.add(9);
  course.interval(0, 1, {slow, fast});
  course.finish(1);
  return course.told();
}

Json document_of(const ToldTest& told) {
  return Json::parse(told.output(kJson));
}

TEST(JsonReport, HasTheRoundTripsOfEachInterval) {
  ToldTest told = two_streams();
  told.start.flows[0].congestion = told.start.flows[1].congestion = "cubic";
  const Json sluice = document_of(told)["intervals"][0]["sluice"];
  EXPECT_EQ(sluice.dump(), R"({"streams":[)"
                           R"({"socket":5,"congestion":"cubic","srtt_p50_us":31,"srtt_p99_us":31},)"
                           R"({"socket":7,"congestion":"cubic","srtt_p50_us":9,"srtt_p99_us":9}],)"
                           R"("srtt_p50_us":31,"srtt_p99_us":31})");
}

TEST(JsonReport, HasNoRoundTripsWhereThisSideOnlyReceives) {
  const Json document = document_of(facts_of(stock_document("tcp_server")));
  EXPECT_FALSE(document["intervals"][0].contains("sluice"));
}

TEST(JsonReport, HasCongestionControlsSideBySide) {
  ToldTest told = two_streams();
  EXPECT_FALSE(document_of(told)["end"].contains("sluice"));
  told.start.flows[0].congestion = "cubic";
  told.start.flows[1].congestion = "bbr";
  EXPECT_EQ(document_of(told)["end"]["sluice"].dump(),
            R"({"by_congestion":[)"
            R"({"congestion":"cubic","streams":1,"bytes":1000,"bits_per_second":8000,)"
            R"("retransmits":0,"share_percent":25,"sender":true},)"
            R"({"congestion":"bbr","streams":1,"bytes":3000,"bits_per_second":24000,)"
            R"("retransmits":1,"share_percent":75,"sender":true}]})");
}

// ---- a server's document, and what a peer might do to it ----

TEST(JsonReport, HasADocumentForThePeerBeforeItIsPrinted) {
  const auto report = make_json_report([](std::string_view) { FAIL(); });
  const ToldTest told = facts_of(stock_document("tcp_server"));
  report->on_begin(told.connection.role);
  report->on_connected(told.connection);
  report->on_start(told.start);
  for (const IntervalFacts& interval : told.intervals) report->on_interval(interval);
  report->on_end(*told.end);
  Json stock = stock_document("tcp_server");
  stock.erase("title");  // iperf3 adds them when it prints
  stock.erase("extra_data");
  expect_same(comparable(report->document()), comparable(stock), "");
}

TEST(JsonReport, PrintsWhatIsNoText) {
  ToldTest told = two_streams();
  told.connection.parameters.title = "\xff\xfe";
  told.connection.cookie = "\x80";
  EXPECT_EQ(document_of(told)["title"], "\uFFFD\uFFFD");
}

TEST(JsonReport, LeavesOutTheWordErrorAsStock) {
  ToldTest told = two_streams();
  told.error = "error - the server has terminated";
  EXPECT_EQ(document_of(told)["error"], "the server has terminated");
}

// ---- --json-stream ----

std::vector<Json> events_of(const ToldTest& told) {
  std::istringstream lines(told.output({.form = ReportOptions::Form::json_stream}));
  std::vector<Json> events;
  for (std::string line; std::getline(lines, line);) events.push_back(Json::parse(line));
  return events;
}

TEST(JsonStream, HasALineForEachPart) {
  const ToldTest told = facts_of(stock_document("tcp_reverse_server"));
  const Json whole = document_of(told);
  const std::vector<Json> events = events_of(told);
  ASSERT_EQ(events.size(), 2 + whole["intervals"].size());
  EXPECT_EQ(events.front(), Json({{"event", "start"}, {"data", whole["start"]}}));
  for (std::size_t i = 0; i < whole["intervals"].size(); ++i) {
    EXPECT_EQ(events[1 + i], Json({{"event", "interval"}, {"data", whole["intervals"][i]}}));
  }
  EXPECT_EQ(events.back(), Json({{"event", "end"}, {"data", whole["end"]}}));
}

TEST(JsonStream, TellsOfAnErrorBeforeTheEnd) {
  const std::vector<Json> events = events_of(facts_of(stock_document("refused")));
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].dump(),
            R"({"event":"error","data":"unable to connect to server: Connection refused"})");
  EXPECT_EQ(events[1].dump(), R"({"event":"end","data":{}})");
}

TEST(JsonStream, TellsOfTheServersOutput) {
  const std::vector<Json> events = events_of(facts_of(stock_document("udp_client")));
  ASSERT_GE(events.size(), 3U);
  EXPECT_EQ(events[events.size() - 2]["event"], "server_output_text");
}

TEST(JsonStream, KeepsIntervalsOnlyForAPeerThatAsked) {
  ToldTest told = two_streams();
  for (const bool asked : {false, true}) {
    told.connection.parameters.wants_server_output = asked;
    const auto report = make_json_stream_report([](std::string_view) {});
    told.tell(*report);
    EXPECT_EQ(report->document()["intervals"].size(), asked ? 1U : 0U);
  }
}

}  // namespace
}  // namespace sluice::perf
