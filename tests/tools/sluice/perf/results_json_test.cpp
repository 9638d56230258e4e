// Results on the wire. What stock peers sent was captured from iperf3 3.12 and 3.17.
#include "tools/sluice/perf/results_json.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::perf {
namespace {

// A result of one stream of which `more` says the members.
std::string results_with(const std::string& more) {
  return R"({"cpu_util_total":1,"cpu_util_user":1,"cpu_util_system":0,)"
         R"("sender_has_retransmits":1,"streams":[)" +
         more + "]}";
}

TEST(ResultsJson, AreReadFromAStockServer) {
  const Results results = parse_results(
      R"({"cpu_util_total":12.114771519659936,"cpu_util_user":12.221041445270989,)"
      R"("cpu_util_system":0,"sender_has_retransmits":18446744073709551615,)"
      R"("congestion_used":"bbr","streams":[{"id":1,"bytes":262144,)"
      R"("retransmits":18446744073709551615,"jitter":3.6011046316474688e-05,"errors":2,)"
      R"("packets":10,"start_time":0,"end_time":0.000899}]})");
  EXPECT_DOUBLE_EQ(results.cpu.total, 12.114771519659936);
  EXPECT_EQ(results.sender_has_retransmits, -1);
  EXPECT_EQ(results.congestion_used, "bbr");
  ASSERT_EQ(results.streams.size(), 1U);
  const StreamResult& stream = results.streams[0];
  EXPECT_EQ(stream.id, 1);
  EXPECT_EQ(stream.bytes, 262'144U);
  EXPECT_EQ(stream.retransmits, -1);
  EXPECT_DOUBLE_EQ(stream.jitter_seconds, 3.6011046316474688e-05);
  EXPECT_EQ(stream.lost, 2);
  EXPECT_EQ(stream.packets, 10U);
  EXPECT_EQ(stream.omitted_packets, 0U);
  EXPECT_DOUBLE_EQ(stream.seconds, 0.000899);
}

TEST(ResultsJson, TellTheOmittedFromTheRest) {
  const Results results = parse_results(results_with(
      R"({"id":3,"bytes":250600,"retransmits":-1,"jitter":0,"errors":4,"omitted_errors":3,)"
      R"("packets":357,"omitted_packets":178,"start_time":0,"end_time":2})"));
  const StreamResult* const stream = results.find(3);
  ASSERT_NE(stream, nullptr);
  EXPECT_EQ(stream->omitted_lost, 3);
  EXPECT_EQ(stream->omitted_packets, 178U);
  EXPECT_EQ(results.find(1), nullptr);
}

TEST(ResultsJson, NeedNoTimes) {
  const std::string text =
      results_with(R"({"id":1,"bytes":98000,"retransmits":7,"jitter":0,"errors":0,"packets":0})");
  EXPECT_EQ(parse_results(text).find(1)->seconds, 0);
}

TEST(ResultsJson, AreSentAsStockPeersReadThem) {
  Results results;
  results.cpu = {.total = 27.25, .user = 0, .system = 27.25};
  results.congestion_used = "cubic";
  results.streams = {{.id = 1, .bytes = 1ULL << 53, .seconds = 0.5}};
  EXPECT_EQ(print_document(to_json(results)),
            R"({"cpu_util_total":27.25,"cpu_util_user":0.0,"cpu_util_system":27.25,)"
            R"("sender_has_retransmits":-1,"congestion_used":"cubic","streams":[{"id":1,)"
            R"("bytes":9007199254740992,"retransmits":-1,"jitter":0.0,"errors":0,)"
            R"("omitted_errors":0,"packets":0,"omitted_packets":0,"start_time":0,)"
            R"("end_time":0.5}]})");
}

TEST(ResultsJson, AreReadAndSentTheSame) {
  Results results;
  results.sender_has_retransmits = 1;
  results.server_output_text = "Accepted connection\n";
  results.server_output_json = Json{{"z", 1}, {"a", Json::array({true, "x"})}};
  for (const int id : {1, 3, 4, 5}) {
    results.streams.push_back({.id = id,
                               .bytes = 1000,
                               .retransmits = id,
                               .jitter_seconds = 1e-5,
                               .lost = 2,
                               .packets = 40,
                               .omitted_lost = 1,
                               .omitted_packets = 20,
                               .seconds = 1.25});
  }
  const std::string text = print_document(to_json(results));
  const Results read = parse_results(text);
  EXPECT_EQ(print_document(to_json(read)), text) << "the order of keys, too";
  EXPECT_EQ(read.server_output_text, results.server_output_text);
}

TEST(ResultsJson, TakeNullForANumberThatIsNone) {
  const std::string text =
      results_with(R"({"id":1,"bytes":1,"retransmits":0,"jitter":null,"errors":0,"packets":null})");
  EXPECT_EQ(parse_results(text).find(1)->jitter_seconds, 0);
}

TEST(ResultsJson, WithoutARequiredMemberAreRefused) {
  const Json whole = Json::parse(
      results_with(R"({"id":1,"bytes":1,"retransmits":0,"jitter":0,"errors":0,"packets":0})"));
  EXPECT_NO_THROW(parse_results(whole.dump()));
  for (const auto& [key, value] : whole.items()) {
    Json less = whole;
    less.erase(key);
    EXPECT_THROW(parse_results(less.dump()), BadDocument) << key;
    less[key] = "of a wrong type";
    EXPECT_THROW(parse_results(less.dump()), BadDocument) << key;
  }
  for (const auto& [key, value] : whole["streams"][0].items()) {
    Json less = whole;
    less["streams"][0].erase(key);
    EXPECT_THROW(parse_results(less.dump()), BadDocument) << key;
  }
}

TEST(ResultsJson, ThatCannotBeAreRefused) {
  const std::string rest = R"("retransmits":0,"jitter":0,"errors":0,"packets":0})";
  for (const char* const begin :
       {R"({"id":1,"bytes":-1,)", R"({"id":1e12,"bytes":1,)", R"({"id":1,"bytes":1e300,)"}) {
    EXPECT_THROW(parse_results(results_with(begin + rest)), BadDocument) << begin;
  }
  EXPECT_THROW(parse_results(results_with("7")), BadDocument);
  EXPECT_THROW(parse_results(results_with("[[]]")), BadDocument);
}

TEST(ResultsJson, OfMoreStreamsThanATestHasAreRefused) {
  const std::string one = R"({"id":1,"bytes":1,"retransmits":0,"jitter":0,"errors":0,"packets":0})";
  std::string many = one;
  for (int i = 1; i < 256; ++i) many += ',' + one;
  EXPECT_EQ(parse_results(results_with(many)).streams.size(), 256U);
  EXPECT_THROW(parse_results(results_with(many + ',' + one)), BadDocument);
}

TEST(ResultsJson, OfNoSensibleTimeHaveNone) {
  for (const char* const time : {"-1", "1e-320", "1e300", "\"1\"", "1e10"}) {
    const std::string text = results_with(
        R"({"id":1,"bytes":1,"retransmits":0,"jitter":0,"errors":0,"packets":0,"end_time":)" +
        std::string(time) + "}");
    EXPECT_EQ(parse_results(text).find(1)->seconds, 0) << time;
  }
}

}  // namespace
}  // namespace sluice::perf
