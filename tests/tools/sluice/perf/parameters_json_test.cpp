// Parameters on the wire. What stock clients sent was captured from iperf3 3.12.
#include "tools/sluice/perf/parameters_json.hpp"

#include <gtest/gtest.h>

namespace sluice::perf {
namespace {

// -A 1,2 -O 1 -t 3 -w 64K -M 1000 -N -C reno -S 0x10 -b 50M/4 --fq-rate 100M --pacing-timer 500
// -T hello --extra-data xx --repeating-payload -Z --get-server-output --udp-counters-64bit
// --dont-fragment -P 3 --bidir
constexpr std::string_view kEverything =
    R"({"tcp":true,"omit":1,"time":3,"num":0,"blockcount":0,"MSS":1000,)"
    R"("nodelay":true,"parallel":3,"bidirectional":true,"window":65536,"len":131072,)"
    R"("bandwidth":50000000,"fqrate":100000000,"pacing_timer":500,"burst":4,"TOS":16,)"
    R"("title":"hello","extra_data":"xx","congestion":"reno","get_server_output":1,)"
    R"("udp_counters_64bit":1,"repeating_payload":1,"zerocopy":1,"dont_fragment":1,)"
    R"("client_version":"3.12"})";

std::string sent(const Parameters& parameters) {
  return print_document(to_json(parameters));
}

TEST(ParametersJson, AreWhatAStockClientSendsByDefault) {
  Parameters parameters;
  parameters.seconds = 0;
  parameters.bytes = 5ULL << 30;
  parameters.streams = 128;
  EXPECT_EQ(sent(parameters),
            R"({"tcp":true,"omit":0,"time":0,"num":5368709120,"blockcount":0,"parallel":128,)"
            R"("len":131072,"pacing_timer":1000,"client_version":"3.12"})");
}

TEST(ParametersJson, AreWhatAStockClientSendsForUdp) {
  Parameters parameters;
  parameters.protocol = Protocol::udp;
  parameters.direction = Direction::reverse;
  parameters.seconds = 0;
  parameters.blocks = 5;
  parameters.block_bytes = 1000;
  EXPECT_EQ(sent(parameters),
            R"({"udp":true,"omit":0,"time":0,"num":0,"blockcount":5,"parallel":1,"reverse":true,)"
            R"("len":1000,"pacing_timer":1000,"client_version":"3.12"})");
}

TEST(ParametersJson, NameTheServersCpuWhereStockClientsDo) {
  Parameters parameters;
  parameters.server_cpu = 5;
  EXPECT_TRUE(sent(parameters).starts_with(R"({"tcp":true,"omit":0,"server_affinity":5,"time":)"));
}

TEST(ParametersJson, AreReadAndSentTheSame) {
  const Parameters parameters = parse_parameters(kEverything);
  EXPECT_EQ(sent(parameters), kEverything);
  EXPECT_EQ(parameters.direction, Direction::both);
  EXPECT_EQ(parameters.tos, 16);
  EXPECT_EQ(parameters.burst, 4U);
  EXPECT_EQ(parameters.fq_bits_per_second, 100'000'000U);
  EXPECT_TRUE(parameters.counters_64bit && parameters.dont_fragment && parameters.zerocopy);
}

TEST(Parameters, LeaveAStreamTheLowerOfTwoRates) {
  Parameters parameters;
  EXPECT_EQ(parameters.paced_bits_per_second(), 0U);
  parameters.fq_bits_per_second = 5;
  EXPECT_EQ(parameters.paced_bits_per_second(), 5U);
  parameters.bits_per_second = 7;
  EXPECT_EQ(parameters.paced_bits_per_second(), 5U);
  parameters.fq_bits_per_second = 0;
  EXPECT_EQ(parameters.paced_bits_per_second(), 7U);
}

TEST(ParametersJson, MayAllBeAbsent) {
  const Parameters parameters = parse_parameters(R"({"tcp":true})");
  EXPECT_EQ(parameters.protocol, Protocol::tcp);
  EXPECT_EQ(parameters.seconds, 10U);
  EXPECT_EQ(parameters.streams, 1U);
  EXPECT_EQ(parameters.block_bytes, 131'072U);
  EXPECT_EQ(sent(parse_parameters("{}")), sent(Parameters()));
}

TEST(ParametersJson, LeaveTheDatagramToTheSession) {
  EXPECT_EQ(parse_parameters(R"({"udp":true})").block_bytes, 0U);
  EXPECT_EQ(parse_parameters(R"({"udp":true,"len":0})").block_bytes, 0U);
  EXPECT_EQ(parse_parameters(R"({"udp":true,"len":1400})").block_bytes, 1400U);
}

TEST(ParametersJson, AreTakenInEveryForm) {
  const Parameters parameters = parse_parameters(
      R"({"UDP":true,"Time":3.9,"PARALLEL":2e0,"bandwidth":1.5e9,"len":1e3,"reverse":1,)"
      R"("mss":1000,"unknown":[1,{"a":[]}],"udp_counters_64bit":true})");
  EXPECT_EQ(parameters.protocol, Protocol::udp);
  EXPECT_EQ(parameters.seconds, 3U);
  EXPECT_EQ(parameters.streams, 2U);
  EXPECT_EQ(parameters.bits_per_second, 1'500'000'000U);
  EXPECT_EQ(parameters.block_bytes, 1000U);
  EXPECT_EQ(parameters.direction, Direction::reverse);
  EXPECT_EQ(parameters.mss, 1000U);
  EXPECT_TRUE(parameters.counters_64bit);
}

TEST(ParametersJson, OfAWrongTypeAreAbsent) {
  const Parameters parameters = parse_parameters(
      R"({"tcp":true,"time":"5","parallel":[4],"len":{},"reverse":"yes","title":7,"TOS":null,)"
      R"("nodelay":false,"congestion":["cubic"],"bidirectional":0})");
  EXPECT_EQ(sent(parameters), sent(Parameters()));
}

TEST(ParametersJson, OfTooMuchBecomeWhatThereIs) {
  const Parameters parameters =
      parse_parameters(R"({"time":4000000000,"omit":1e12,"window":9e9,"MSS":99999,"burst":5000})");
  EXPECT_EQ(parameters.seconds, kMaxSeconds);
  EXPECT_EQ(parameters.omit_seconds, kMaxSeconds);
  EXPECT_EQ(parameters.window_bytes, kMaxWindowBytes);
  EXPECT_EQ(parameters.mss, 65'535U);
  EXPECT_EQ(parameters.burst, kMaxBurst);
  EXPECT_EQ(parse_parameters(R"({"bandwidth":9e18})").bits_per_second, kMaxBitsPerSecond);
  EXPECT_EQ(parse_parameters(R"({"MSS":1})").mss, 88U);
}

TEST(ParametersJson, TakeATitleThatIsNoUtf8) {
  EXPECT_EQ(parse_parameters("{\"title\":\"a\\\"\xff!\",\"time\":7}").seconds, 7U);
  Parameters parameters;
  parameters.title = "\xc3(";
  EXPECT_EQ(parse_parameters(sent(parameters)).title, "\xef\xbf\xbd(");
}

TEST(ParametersJson, ThatNobodyCouldAgreeOnAreRefused) {
  for (const char* const text : {R"({"parallel":0})",
                                 R"({"parallel":129})",
                                 R"({"parallel":-1})",
                                 R"({"parallel":18446744073709551615})",
                                 R"({"parallel":1e300})",
                                 R"({"len":-1})",
                                 R"({"len":1048577})",
                                 R"({"udp":true,"len":15})",
                                 R"({"udp":true,"len":65508})",
                                 R"({"time":-1})",
                                 R"({"num":-5})",
                                 R"({"blockcount":1e19})",
                                 R"({"bandwidth":-1e308})",
                                 R"({"window":-1})",
                                 R"({"TOS":256})",
                                 R"({"TOS":-1})",
                                 R"({"omit":-2.5})",
                                 R"({"MSS":-9223372036854775808})",
                                 R"({"sctp":true})",
                                 R"({"reverse":true,"bidirectional":true})"}) {
    EXPECT_THROW(parse_parameters(text), BadDocument) << text;
  }
}

TEST(ParametersJson, RefuseInOneLine) {
  try {
    parse_parameters(R"({"parallel":-3})");
    FAIL();
  } catch (const BadDocument& error) {
    EXPECT_STREQ(error.what(), "parameters with parallel of -3");
  }
}

}  // namespace
}  // namespace sluice::perf
