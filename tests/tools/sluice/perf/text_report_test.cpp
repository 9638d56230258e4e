#include "tools/sluice/perf/text_report.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/tools/sluice/perf/told_test.hpp"

namespace sluice::perf {
namespace {

constexpr std::uint32_t kBlock = 131'072;
constexpr std::uint32_t kWindow = 1'174'405;  // 1.12 MBytes

const ReportOptions kText;
const ReportOptions kVerbose{.verbose = true};

Parameters tcp_parameters(Direction direction, std::uint32_t streams) {
  Parameters parameters;
  parameters.direction = direction;
  parameters.streams = streams;
  parameters.seconds = 2;
  parameters.bits_per_second = 20'000'000;
  return parameters;
}

Parameters udp_parameters(Direction direction, std::uint32_t streams) {
  Parameters parameters;
  parameters.protocol = Protocol::udp;
  parameters.direction = direction;
  parameters.streams = streams;
  parameters.seconds = 1;
  parameters.block_bytes = 1000;
  return parameters;
}

void replace_all(std::string& text, const std::string& old, const std::string& with) {
  for (std::size_t at = 0; (at = text.find(old, at)) != text.npos; at += with.size()) {
    text.replace(at, old.size(), with);
  }
}

// Without the round trips, of which there were none, and without who we are.
std::string as_stock(std::string text) {
  replace_all(text, "Cwnd          RTT p50   p99", "Cwnd");
  replace_all(text, "         -         -       ", "       ");
  if (text.starts_with("sluice ")) text.erase(0, text.find('\n') + 1);
  if (text.starts_with("Linux ")) text.erase(0, text.find('\n') + 1);
  return text;
}

// What a client printed of its server's output.
std::string server_output_in(const std::string& text) {
  const std::string title = "\nServer output:\n";
  const std::size_t from = text.find(title) + title.size();
  return text.substr(from, text.find("\n\n", from) + 1 - from);
}

void add_cpu(Course& course, const CpuUse& host) {
  course.end().cpu = host;
  course.end().congestion = "bbr";
}

void add_peer(Course& course, const CpuUse& cpu) {
  course.add_peer(2.001);
  course.end().peer->cpu = cpu;
  course.end().peer->congestion_used = "bbr";
}

// ---- iperf3's own output, of the same numbers ----

// -t 2 -O 1 -b 20M -P 2 -V
Course two_streams(Role role) {
  Parameters parameters = tcp_parameters(Direction::forward, 2);
  parameters.omit_seconds = 1;
  Course course(role, parameters);
  course.told().connection.cookie = "4vh5mubxrisrv7e2vg5545ylm5ykfarjrvsj";
  course.told().connection.unix_seconds = 1'795'387'853;
  const auto moved = [&](std::uint64_t blocks) {
    return role == Role::client ? sent(blocks * kBlock, kWindow) : received(blocks * kBlock);
  };
  const bool client = role == Role::client;
  course.add_flow(5, client, client ? 47284 : 5201, client ? 5201 : 47284);
  course.add_flow(client ? 7 : 8, client, client ? 47290 : 5201, client ? 5201 : 47290);
  course.interval(0, 1, {moved(20), moved(20)});
  course.omit();
  course.interval(0, 1, {moved(19), moved(19)});
  course.interval(1, 2, {moved(19), moved(19)});
  course.finish(2);
  return course;
}

TEST(TextReport, TellsOfTwoStreamsAsStock) {
  Course course = two_streams(Role::client);
  add_cpu(course, {3.3, 0, 3.3});
  add_peer(course, {0.2, 0, 0.2});
  EXPECT_EQ(as_stock(course.told().output(kVerbose)), stock_output("tcp_two_streams_client.txt"));
}

TEST(TextReport, TellsOfAServersStreamsAsStock) {
  Course course = two_streams(Role::server);
  course.told().connection.control_mss = 0;
  course.told().connection.peer.port = 47274;
  add_cpu(course, {});
  EXPECT_EQ(as_stock(course.told().output(kVerbose)), stock_output("tcp_two_streams_server.txt"));
}

// -t 2 -b 20M -R -V --get-server-output
TEST(TextReport, TellsOfAReverseTestAsStock) {
  Parameters parameters = tcp_parameters(Direction::reverse, 1);
  parameters.wants_server_output = true;
  Course course(Role::client, parameters);
  course.told().connection.cookie = "y5dx6t477ue2ylm3v3nnvtw3iflwhsldk5af";
  course.told().connection.unix_seconds = 1'795'387'857;
  course.add_flow(5, false, 37958, 5201);
  course.interval(0, 1, {received(20 * kBlock)});
  course.interval(1, 2, {received(19 * kBlock)});
  course.finish(2);
  add_cpu(course, {});
  add_peer(course, {});
  const std::string stock = stock_output("tcp_reverse_client.txt");
  course.end().peer->server_output_text = server_output_in(stock);
  EXPECT_EQ(as_stock(course.told().output(kVerbose)), stock);
}

// -t 2 -b 20M --bidir -P 2 --get-server-output
TEST(TextReport, TellsOfBothDirectionsAsStock) {
  Parameters parameters = tcp_parameters(Direction::both, 2);
  parameters.wants_server_output = true;
  Course course(Role::client, parameters);
  course.add_flow(5, true, 37986, 5201);
  course.add_flow(7, true, 37988, 5201);
  course.add_flow(9, false, 37994, 5201);
  course.add_flow(12, false, 38008, 5201);
  for (const std::uint32_t second : {0U, 1U}) {
    const std::uint64_t bytes = (20 - second) * kBlock;
    course.interval(second, second + 1,
                    {sent(bytes, kWindow), sent(bytes, kWindow), received(bytes), received(bytes)});
  }
  course.finish(2);
  course.add_peer(2.001);
  course.end().peer->streams[3].retransmits = 1;
  const std::string stock = stock_output("tcp_both_client.txt");
  course.end().peer->server_output_text = server_output_in(stock);
  EXPECT_EQ(as_stock(course.told().output(kText)), stock);
}

// -u -t 1 -b 2M -l 1000 -P 2
TEST(TextReport, TellsOfDatagramsAsStock) {
  Course course(Role::client, udp_parameters(Direction::forward, 2));
  course.add_flow(5, true, 47499, 5201);
  course.add_flow(7, true, 49630, 5201);
  course.interval(0, 1, {datagrams(250, 1000), datagrams(250, 1000)});
  course.finish(1);
  course.add_peer(1.0004);
  course.end().peer->streams[0].jitter_seconds = 0.000'006;
  course.end().peer->streams[1].jitter_seconds = 0.000'003;
  EXPECT_EQ(course.told().output(kText), stock_output("udp_two_streams_client.txt"));
}

// -u -t 1 -b 2M -l 1000 --bidir --get-server-output
TEST(TextReport, TellsOfDatagramsInBothDirectionsAsStock) {
  Parameters parameters = udp_parameters(Direction::both, 1);
  parameters.wants_server_output = true;
  Course course(Role::client, parameters);
  course.add_flow(5, true, 44226, 5201);
  course.add_flow(7, false, 52042, 5201);
  course.interval(0, 1, {datagrams(250, 1000), datagrams(251, 1000, 0.049)});
  course.finish(1);
  course.add_peer(1.0004);
  course.end().peer->streams[0].jitter_seconds = 0.000'048;
  const std::string stock = stock_output("udp_both_client.txt");
  course.end().peer->server_output_text = server_output_in(stock);
  EXPECT_EQ(course.told().output(kText), stock);
}

// A server with -V, and a client with -u -b 5M -t 1 -O 1 -P 3.
TEST(TextReport, TellsOfAServersDatagramsAsStock) {
  Parameters parameters = udp_parameters(Direction::forward, 3);
  parameters.omit_seconds = 1;
  parameters.block_bytes = 32'768;
  parameters.bits_per_second = 5'000'000;
  Course course(Role::server, parameters);
  course.told().connection.cookie = "ec7o6lrbnprcelvib4xanmqqoy6zr5ucrtfc";
  course.told().connection.unix_seconds = 1'795'386'877;
  course.told().connection.peer.port = 37788;
  course.add_flow(5, false, 5201, 55992);
  course.add_flow(6, false, 5201, 35646);
  course.add_flow(9, false, 5201, 56525);
  const auto moved = [](std::uint64_t packets, double jitter_ms) {
    return datagrams(packets, 32'768, jitter_ms);
  };
  course.interval(0, 1, {moved(20, 0.007), moved(20, 0.0057), moved(20, 0.0057)});
  course.omit();
  course.interval(0, 1, {moved(19, 0.0066), moved(19, 0.0047), moved(19, 0.0047)});
  course.finish(1.0015);
  EXPECT_EQ(as_stock(course.told().output(kVerbose)), stock_output("udp_server.txt"));
}

// -R, interrupted by its user.
TEST(TextReport, TellsOfAnInterruptedTestAsStock) {
  Course course(Role::client, tcp_parameters(Direction::reverse, 1));
  course.add_flow(5, false, 34864, 5201);
  course.interval(0, 1.001, {received(636ULL << 20)});
  course.interval(1.001, 1.5005, {received(312ULL << 20)});
  course.finish(1.5005);
  EXPECT_EQ(course.told().output(kText), stock_output("tcp_reverse_interrupted.txt"));
}

// ---- one idea each ----

std::string line_with(const std::string& text, const std::string& part) {
  const std::size_t at = text.find(part);
  if (at == text.npos) return "";
  const std::size_t begin = text.rfind('\n', at) + 1;
  return text.substr(begin, text.find('\n', at) - begin);
}

Course one_second(FlowCount moved) {
  Course course(Role::client, tcp_parameters(Direction::forward, 1));
  course.add_flow(5, true, 40000, 5201);
  course.interval(0, 1, {std::move(moved)});
  return course;
}

TEST(TextReport, ShowsRoundTripsBesideTheWindow) {
  FlowCount moved = sent(20 * kBlock, kWindow, 3);
  for (int i = 0; i < 98; ++i) moved.rtt.add(30);
  moved.rtt.add(1'200'000);
  moved.rtt.add(1'200'000);
  const std::string text = one_second(moved).told().output(kText);
  EXPECT_EQ(
      line_with(text, "[ ID]"),
      "[ ID] Interval           Transfer     Bitrate         Retr  Cwnd          RTT p50   p99");
  EXPECT_EQ(line_with(text, "  0.00-1.00"),
            "[  5]   0.00-1.00   sec  2.50 MBytes  21.0 Mbits/sec    3   1.12 MBytes"
            "     30 us   1.21 s        ");
}

TEST(TextReport, SaysNothingOfARefusedTestButTheError) {
  ToldTest told;
  told.error = "error - unable to connect to server: Connection refused";
  EXPECT_EQ(told.output(kText),
            "sluice: error - unable to connect to server: Connection refused\n");
}

TEST(TextReport, GivesNoCommandsOfAPeerToTheTerminal) {
  Course course = two_streams(Role::server);
  course.told().connection.cookie = "\x1b[31mred\x7f\r";
  course.told().error = "error - \x1b]0;";
  const std::string text = course.told().output(kVerbose);
  EXPECT_NE(text.find("Cookie: ?[31mred??\n"), text.npos);
  EXPECT_NE(text.find("error - ?]0;\n"), text.npos);
}

TEST(TextReport, IsNotDoneAfterAnError) {
  Course course = one_second(sent(kBlock, kWindow));
  course.finish(1);
  course.add_peer(1);
  EXPECT_NE(course.told().output(kText).find("\n\niperf Done.\n"), std::string::npos);
  course.told().error = "error - control socket has closed unexpectedly";
  EXPECT_EQ(course.told().output(kText).find("iperf Done."), std::string::npos);
}

TEST(TextReport, LeavesOutShortIntervalsWithoutAByte) {
  Course course = one_second(received(kBlock));
  course.interval(1, 1.09, {received(0)});
  EXPECT_EQ(course.told().output(kText).find("1.00-1.09"), std::string::npos);
  course.interval(1.09, 1.1, {received(1)});
  EXPECT_NE(course.told().output(kText).find("1.09-1.10"), std::string::npos);
  course.interval(1.1, 1.21, {received(0)});
  EXPECT_NE(course.told().output(kText).find("1.10-1.21"), std::string::npos);
}

TEST(TextReport, BeginsLinesWithTheTimeAndTheTitleOfAClient) {
  const ReportOptions options{.timestamps = true, .timestamp_format = "now|"};
  Course course = one_second(sent(kBlock, kWindow));
  course.told().connection.parameters.title = "hello";
  course.told().error = "interrupt - the client has terminated";
  const std::string text = course.told().output(options);
  EXPECT_TRUE(text.starts_with("now|hello:  Connecting to host 127.0.0.1, port 5201\n"));
  EXPECT_TRUE(text.ends_with("now|sluice: interrupt - the client has terminated\n"));
  course.told().connection.role = Role::server;
  EXPECT_TRUE(course.told().output(options).starts_with("now|Accepted connection from 127.0.0.1"));
}

TEST(TextReport, TellsWhatEndsATest) {
  Course course = one_second(sent(kBlock, kWindow));
  Parameters& parameters = course.told().connection.parameters;
  const auto told = [&] { return line_with(course.told().output(kVerbose), "Starting Test"); };
  parameters.tos = 8;
  parameters.blocks = 10;
  EXPECT_EQ(told(),
            "Starting Test: protocol: TCP, 1 streams, 131072 byte blocks, omitting 0 "
            "seconds, 10 blocks to send, tos 8");
  parameters.bytes = 204'800;
  EXPECT_EQ(told(),
            "Starting Test: protocol: TCP, 1 streams, 131072 byte blocks, omitting 0 "
            "seconds, 204800 bytes to send, tos 8");
}

TEST(TextReport, TellsTheSizesThatWereChosen) {
  Course course(Role::client, udp_parameters(Direction::forward, 1));
  course.told().connection.block_follows_mss = true;
  course.add_flow(5, true, 40000, 5201);
  EXPECT_NE(course.told().output(kVerbose).find("\nSetting UDP block size to 1000\n"),
            std::string::npos);
  Course limited = one_second(sent(kBlock, kWindow));
  limited.told().connection.parameters.mss = 1000;
  EXPECT_NE(limited.told().output(kVerbose).find("\n      TCP MSS: 1000\n"), std::string::npos);
}

TEST(TextReport, TellsOfDatagramsOutOfOrderBeforeTheReceiver) {
  Course course(Role::server, udp_parameters(Direction::forward, 1));
  course.add_flow(5, false, 5201, 40000);
  FlowCount moved = datagrams(10, 1000);
  moved.lost = 2;
  moved.out_of_order = 3;
  course.interval(0, 0.4, {moved});
  course.finish(0.4);
  EXPECT_TRUE(course.told().output(kText).ends_with(
      "[SUM]  0.0- 0.4 sec  3 datagrams received out-of-order\n"
      "[  5]   0.00-0.40   sec  9.77 KBytes   200 Kbits/sec  0.000 ms  2/10 (20%)  receiver\n"));
}

TEST(TextReport, ShowsCongestionControlsSideBySide) {
  Course course(Role::client, tcp_parameters(Direction::forward, 2));
  course.add_flow(5, true, 40000, 5201);
  course.add_flow(7, true, 40001, 5201);
  course.told().start.flows[0].congestion = "cubic";
  course.told().start.flows[1].congestion = "bbr";
  course.interval(0, 1, {sent(10 * kBlock, kWindow, 4), sent(30 * kBlock, kWindow)});
  course.finish(1);
  EXPECT_TRUE(course.told().output(kText).ends_with(
      "Congestion  Streams     Transfer     Bitrate         Retr   Share\n"
      "cubic             1  1.25 MBytes  10.5 Mbits/sec    4   25.0%\n"
      "bbr               1  3.75 MBytes  31.5 Mbits/sec    0   75.0%\n"));
}

TEST(TextReport, PrintsAServersDocument) {
  Course course = one_second(sent(kBlock, kWindow));
  course.finish(1);
  course.add_peer(1);
  course.end().peer->server_output_json = nlohmann::ordered_json::object({{"start", 1}});
  EXPECT_EQ(course.told().output(kText).find("Server"), std::string::npos);  // nobody asked
  course.told().connection.parameters.wants_server_output = true;
  EXPECT_TRUE(course.told().output(kText).ends_with(
      "\nServer JSON output:\n{\n\t\"start\": 1\n}\n\niperf Done.\n"));
}

}  // namespace
}  // namespace sluice::perf
