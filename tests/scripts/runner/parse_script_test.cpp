// What scripts may say, and what a script with a mistake is told.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cerrno>

#include "proto/wire/tcp.hpp"
#include "tests/scripts/runner/notation.hpp"
#include "tests/scripts/runner/script.hpp"

namespace sluice::script {
namespace {

Event event_of(std::string_view line) {
  const Script script = parse_script("a.pkt", line);
  EXPECT_EQ(script.events.size(), 1u);
  return script.events.at(0);
}

Packet packet_of(const std::string& packet) {
  return std::get<Packet>(event_of("0 " + packet).what);
}

Call call_of(const std::string& call) {
  return std::get<Call>(event_of("0 " + call).what);
}

// "LINE:COLUMN: what"
std::string complaint(std::string_view text) {
  try {
    parse_script("a.pkt", text);
  } catch (const SyntaxError& error) {
    return std::to_string(error.place.line) + ":" + std::to_string(error.place.column) + ": " +
           error.what();
  }
  return "none";
}

std::string packet_complaint(const std::string& packet) {
  return complaint("0 " + packet);
}

// --- times
// ----------------------------------------------------------------------------------------

TEST(ScriptTimes, AreAbsoluteRelativeOrAny) {
  using Kind = EventTime::Kind;
  EXPECT_EQ(event_of("1.5 > . 1:1(0) ack 1").time.from, Duration::milliseconds(1500));
  EXPECT_EQ(event_of("1.5 > . 1:1(0) ack 1").time.kind, Kind::absolute);
  EXPECT_EQ(event_of("+.000001 > . 1:1(0) ack 1").time.from, Duration::microseconds(1));
  EXPECT_EQ(event_of("+0 > . 1:1(0) ack 1").time.kind, Kind::relative);
  EXPECT_EQ(event_of("* > . 1:1(0) ack 1").time.kind, Kind::any);
}

TEST(ScriptTimes, ARangeIsForPacketsThatComeOut) {
  const EventTime time = event_of("+.1~+.2 > . 1:1(0) ack 1").time;
  EXPECT_EQ(time.from, Duration::milliseconds(100));
  EXPECT_EQ(time.to, Duration::milliseconds(200));
  EXPECT_EQ(complaint("0~1 close(3) = 0"),
            "1:5: only a packet that comes out ('>') may come at * or in a range of times");
  EXPECT_EQ(complaint("* < . 1:1(0) ack 1 win 9"),
            "1:3: only a packet that comes out ('>') may come at * or in a range of times");
}

TEST(ScriptTimes, MustNotRunBackwards) {
  EXPECT_EQ(complaint("2~1 > . 1:1(0) ack 1"), "1:2: the range runs backwards");
  EXPECT_EQ(complaint("2...1 close(3) = 0"), "1:2: the call ends before it begins");
  EXPECT_EQ(complaint("+1~2 > . 1:1(0) ack 1"),
            "1:4: expected '+' in front of the end of a relative range, found the number 2");
}

TEST(ScriptTimes, AreNeeded) {
  EXPECT_EQ(complaint("close(3) = 0"),
            "1:1: expected a time in seconds such as 0.1, found 'close'");
  EXPECT_EQ(complaint("999999999 close(3) = 0"), "1:1: a time beyond three years");
}

// --- TCP
// ------------------------------------------------------------------------------------------

// Whatever the notation says is said again in the same words.
class Notation : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(
    Lines, Notation,
    ::testing::Values(
        "< S 0:0(0) win 65535 <mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 8>",
        "> S. 0:0(0) ack 1 win 64240 <mss 1460>", "> FP. 1:1001(1000) ack 1", "> - 1:1(0)",
        "< FSRPUEW. 1:1(0) ack 1 win 0 urg 7", "> R 5:5(0)", "> . 1:1(0) ack 1 <...>",
        "> . 1:1(0) ack 1 <nop,nop,sack 1:2 4294967295:3>", "< . 1:1(0) ack 1 win 9 <eol>",
        "< . 1:1(0) ack 1 win 9 <raw \"fd04beef\">", "> [ect0] . 1:1(0) ack 1",
        "> [ect01] . 1:1(0) ack 1", "< [ce] . 1:1(0) ack 1 win 9",
        "> [noecn, ttl 64] . 1:1(0) ack 1", "> [tos 0x20] . 1:1(0) ack 1", "> [df] . 1:1(0) ack 1",
        "> [nodf] udp (7)", "> [flowlabel 0xabcde] . 1:1(0) ack 1",
        "< [bad_checksum] . 1:1(0) ack 1 win 9",
        "< [from \"192.0.2.9\", to \"224.0.0.1\"] S 0:0(0) win 9", "< 40001>8080 S 0:0(0) win 9",
        "> 8080>40001 S. 0:0(0) ack 1", "< udp (1000)", "> udp 53>1024 (1000)", "> frag (1480@0+)",
        "> frag (20@1480)", "< icmp unreachable frag_needed mtu 1200 [1:1461(1460)]",
        "< icmp unreachable port_unreachable [udp (100)]",
        "< icmp time_exceeded [8080>40001 1:1(0)]",
        "< icmpv6 packet_too_big mtu 1280 [1:1441(1440)]", "< icmp echo_request id 7",
        "< icmp type_42 code_1", "< icmpv6 unreachable address_unreachable [1:2(1)]"));

TEST_P(Notation, IsWrittenAsItIsRead) {
  EXPECT_EQ(to_string(packet_of(GetParam())), GetParam());
}

TEST(ScriptPackets, FlagsMayStandInAnyOrderInFrontOfThePoint) {
  const auto tcp = std::get<TcpText>(packet_of("> PF. 1:1(0) ack 1").text);
  EXPECT_EQ(tcp.flags, wire::kFin | wire::kPsh | wire::kAck);
}

TEST(ScriptPackets, SequenceNumbersWrap) {
  const auto tcp = std::get<TcpText>(packet_of("> . 4294967290:4(10) ack 1").text);
  EXPECT_EQ(tcp.sequence, 4'294'967'290u);
  EXPECT_EQ(tcp.length, 10u);
}

TEST(ScriptPackets, WithoutOptionsMeansNone) {
  const auto none = std::get<TcpText>(packet_of("> . 1:1(0) ack 1").text);
  ASSERT_TRUE(none.options.has_value());
  EXPECT_TRUE(none.options->empty());
  EXPECT_FALSE(std::get<TcpText>(packet_of("> . 1:1(0) ack 1 <...>").text).options.has_value());
}

TEST(ScriptPackets, OptionsBelongToTheirOwnLine) {
  const Script script = parse_script("a.pkt", "0 > R 1:1(0)\n+0 < . 1:1(0) ack 1 win 9\n");
  EXPECT_EQ(script.events.size(), 2u);
}

TEST(ScriptPackets, RoundBracketsMarkAsWell) {
  EXPECT_EQ(packet_of("> (tos 0x20) . 1:1(0) ack 1").marks.tos, 0x20);
}

TEST(ScriptPackets, IcmpIsThatOfTheScriptsIpVersion) {
  const Script script =
      parse_script("a.pkt", "--ip_version=ipv6\n0 < icmp packet_too_big mtu 1280");
  EXPECT_TRUE(std::get<IcmpText>(std::get<Packet>(script.events[0].what).text).is_v6);
}

TEST(ScriptPackets, MistakesAreNamed) {
  EXPECT_EQ(packet_complaint("< . 1:5(3) ack 1 win 9"), "1:7: 1:5(3): from 1, 3 bytes end at 4");
  EXPECT_EQ(packet_complaint("< . 1:1(0) win 9"),
            "1:5: the flags say ACK: 'ack' and a number are missing");
  EXPECT_EQ(packet_complaint("< S 1:1(0) ack 1 win 9"),
            "1:5: there is an 'ack' but the flags lack the '.'");
  EXPECT_EQ(packet_complaint("< . 1:1(0) ack 1"),
            "1:5: a packet that goes in needs a window: 'win' and a number");
  EXPECT_EQ(packet_complaint("< . 1:1(0) ack 1 win 9 <...>"),
            "1:26: <...> is for packets that come out: say what goes in");
  EXPECT_EQ(packet_complaint("> . 1:1(0) ack 1 win 70000"), "1:24: the window is at most 65535");
  EXPECT_EQ(packet_complaint("> X 1:1(0)"),
            "1:5: 'X' is no flag: they are S F R P . U E W, or - for none");
  EXPECT_EQ(packet_complaint("> . 1:1(0) ack 1 <mss>"), "1:24: expected the MSS, found '>'");
  EXPECT_EQ(packet_complaint("> . 1:1(0) ack 1 <mss 1 nop>"),
            "1:27: expected '>' behind the TCP options, found 'nop'");
  EXPECT_EQ(packet_complaint("> . 1:1(0) ack 1 <maxseg 1>"), "1:21: 'maxseg' is no TCP option");
  EXPECT_EQ(packet_complaint("> [ect2] . 1:1(0) ack 1"), "1:6: 'ect2' is no mark of a packet");
  EXPECT_EQ(packet_complaint("> . 1:1(0) ack 1 nonsense"),
            "1:20: expected the end of the line, found 'nonsense'");
  EXPECT_EQ(packet_complaint("< icmp unreachable nowhere"),
            "1:22: 'nowhere' is no code of 'unreachable'");
  EXPECT_EQ(packet_complaint("< frag (8@0+)"), "1:10: fragments can be expected, not sent");
}

// --- calls
// ----------------------------------------------------------------------------------------

TEST(ScriptCalls, TakeWordsNumbersAndLists) {
  const Call call = call_of("setsockopt(3, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, 8) = 0");
  EXPECT_EQ(call.name, "setsockopt");
  ASSERT_EQ(call.arguments.size(), 5u);
  EXPECT_EQ(call.arguments[0].number, 3);
  EXPECT_EQ(call.arguments[3].field("linger")->number, 0);
  EXPECT_EQ(call.arguments[3].field("other"), nullptr);
  EXPECT_EQ(call.result.number, 0);
  EXPECT_EQ(call.source, "setsockopt(3, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, 8)");
}

TEST(ScriptCalls, FlagsAreCombined) {
  const Call call = call_of("recv(4, ..., 10, MSG_PEEK|MSG_DONTWAIT) = 10");
  EXPECT_EQ(call.arguments[3].number, MSG_PEEK | MSG_DONTWAIT);
  EXPECT_TRUE(call.arguments[1].is_any());
}

TEST(ScriptCalls, FailWithTheirError) {
  const Call call = call_of("connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)");
  EXPECT_EQ(call.error, EINPROGRESS);
  EXPECT_EQ(complaint("0 close(3) = -1"), "1:16: -1 needs its error: -1 EAGAIN");
  EXPECT_EQ(complaint("0 close(3) = 0 EAGAIN"), "1:22: an error stands behind -1 only");
  EXPECT_EQ(complaint("0 close(3) = -1 EOOPS"), "1:17: 'EOOPS' is no error");
}

TEST(ScriptCalls, ResultsMayHaveANote) {
  EXPECT_EQ(call_of("fcntl(3, F_GETFL) = 0x2 (flags O_RDWR)").result.number, 2);
}

TEST(ScriptCalls, AddressesAndMessages) {
  const Call bind = call_of(
      "bind(3, {sa_family = AF_INET, sin_port = htons(80), sin_addr = inet_addr(\"192.0.2.1\")}, "
      "16) = 0");
  EXPECT_EQ(bind.arguments[1].field("sin_port")->number, 80);
  EXPECT_EQ(bind.arguments[1].field("sin_addr")->text, "192.0.2.1");
  const Call send =
      call_of("sendmsg(3, {msg_name(...)=..., msg_iov(1)=[{..., 9}], msg_flags=0}, 0) = 9");
  EXPECT_EQ(send.arguments[1].field("msg_iov")->items[0].items[1].number, 9);
  EXPECT_EQ(send.arguments[1].field("msg_iov()")->number, 1);
}

TEST(ScriptCalls, MayWait) {
  EXPECT_EQ(std::get<Call>(event_of("0.1...0.2 accept(3, ..., ...) = 4").what).until,
            Duration::milliseconds(200));
  EXPECT_FALSE(call_of("accept(3, ..., ...) = 4").until.has_value());
}

TEST(ScriptCalls, MistakesAreNamed) {
  EXPECT_EQ(complaint("0 close(3)"),
            "1:11: expected '=' and the result behind the call, found the end of the script");
  EXPECT_EQ(complaint("0 close(SO_WHAT) = 0"), "1:9: 'SO_WHAT' is no constant");
  EXPECT_EQ(complaint("0 close(3 = 0"), "1:11: expected ')' behind a list, found '='");
}

// --- the rest
// -------------------------------------------------------------------------------------

TEST(ScriptOptions, StandInFront) {
  const Script script = parse_script("a.pkt", "--mtu=1400\n--sack=0\n0 close(3) = 0\n");
  ASSERT_EQ(script.options.size(), 2u);
  EXPECT_EQ(script.options[0].name, "mtu");
  EXPECT_EQ(script.options[0].value, "1400");
  EXPECT_EQ(complaint("0 close(3) = 0\n--mtu=1400\n"),
            "2:1: options stand in front of the first event");
}

TEST(ScriptCommands, AreNotRun) {
  EXPECT_EQ(complaint("`sysctl -q a=b`\n"),
            "1:1: commands are not run: set up the stack by --name=value lines");
}

}  // namespace
}  // namespace sluice::script
