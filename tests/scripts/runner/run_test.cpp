// Scripts that hold, and what those say that do not.
#include "tests/scripts/runner/run.hpp"

#include <gtest/gtest.h>

namespace sluice::script {
namespace {

// A connection that the peer opened, as descriptor 4; the next line is the 9th.
const std::string kConnected = R"(--initial_receive_window=65535
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 32792 <mss 1000>
+0 > S. 0:0(0) ack 1 <mss 1460>
+.1 < . 1:1(0) ack 1 win 32792
+0 accept(3, ..., ...) = 4
)";

std::string run(const std::string& text) {
  return run_text("a.pkt", text);
}
std::string run_connected(const std::string& text) {
  return run(kConnected + text);
}

TEST(Scripts, HoldWhenAllIsAsTheySay) {
  EXPECT_EQ(run_connected("+0 write(4, ..., 1000) = 1000\n+0 > P. 1:1001(1000) ack 1\n"), "");
}

// --- packets
// --------------------------------------------------------------------------------------

TEST(PacketMessages, ShowWhichFieldDiffersAndHow) {
  EXPECT_EQ(run_connected("+0 write(4, ..., 10) = 10\n+0 > P. 1:12(11) ack 2 win 9\n"),
            "a.pkt:10: the packet differs in seq, ack, win\n"
            "    expected 0.100000 > P. 1:12(11) ack 2 win 9\n"
            "    came     0.100000 > P. 1:11(10) ack 1 win 65535\n"
            "                           ^^^^^^^^ ^^^^^ ^^^^^^^^^\n");
}

TEST(PacketMessages, TellOfTheWrongTime) {
  EXPECT_EQ(run_connected("+0 write(4, ..., 10) = 10\n+.1 > P. 1:11(10) ack 1\n"),
            "a.pkt:10: the packet differs in time\n"
            "    expected 0.200000 > P. 1:11(10) ack 1\n"
            "    came     0.100000 > P. 1:11(10) ack 1 win 65535\n");
}

TEST(PacketMessages, TellWhatCameInsteadOfAMissingOne) {
  EXPECT_EQ(run_connected("+0 < P. 1:11(10) ack 1 win 32792\n+0 > . 1:1(0) ack 11\n"
                          "+0 > . 1:1(0) ack 11\n"
                          "+0 write(4, ..., 10) = 10\n"),
            "a.pkt:11: the packet did not come\n"
            "    expected 0.100000 > . 1:1(0) ack 11\n");
}

TEST(PacketMessages, TellOfOneThatNobodyExpects) {
  EXPECT_EQ(run_connected("+0 write(4, ..., 10) = 10\n+.1 read(4, ..., 10) = -1 EAGAIN\n"),
            "a.pkt:10: a packet came that no line expects\n"
            "    came     0.100000 > P. 1:11(10) ack 1 win 65535\n");
}

TEST(PacketMessages, ThatOfTheLastEventIsNobodysBusiness) {
  EXPECT_EQ(run_connected("+0 write(4, ..., 10) = 10\n"), "");
}

TEST(PacketMessages, AMarkDiffers) {
  EXPECT_EQ(run_connected("+0 write(4, ..., 10) = 10\n+0 > [ect0, ttl 9] P. 1:11(10) ack 1\n"),
            "a.pkt:10: the packet differs in marks\n"
            "    expected 0.100000 > [ect0, ttl 9] P. 1:11(10) ack 1\n"
            "    came     0.100000 > [noecn, ttl 64] P. 1:11(10) ack 1 win 65535\n"
            "                        ^^^^^^^^^^^^^^^\n");
}

TEST(PacketMessages, OptionsDifferInOrder) {
  EXPECT_EQ(
      run("0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"
          "+0 connect(3, ..., ...) = -1 EINPROGRESS\n"
          "+0 > S 0:0(0) <sackOK,mss 1460,TS val 5 ecr 0,nop,wscale 8>\n"),
      "a.pkt:3: the packet differs in options\n"
      "    expected 0.000000 > S 0:0(0) <sackOK,mss 1460,TS val 5 ecr 0,nop,wscale 8>\n"
      "    came     0.000000 > S 0:0(0) win 64240 <mss 1460,sackOK,TS val 5 ecr 0,nop,wscale 8>\n"
      "                                           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n");
}

TEST(Packets, MayBeSaidAsOneThatADeviceCuts) {
  EXPECT_EQ(run_connected("+0 write(4, ..., 2500) = 2500\n+0 > P. 1:2501(2500) ack 1\n"), "");
  EXPECT_NE(run_connected("+0 write(4, ..., 2500) = 2500\n+0 > P. 1:2401(2400) ack 1\n"), "");
}

TEST(Packets, MayComeAtAnyTime) {
  EXPECT_EQ(run_connected("+0 write(4, ..., 10) = 10\n+.05 < . 1:1(0) ack 1 win 32792\n"
                          "* > P. 1:11(10) ack 1\n"),
            "");
}

// --- calls
// ----------------------------------------------------------------------------------------

TEST(CallMessages, TellWhatCameBack) {
  EXPECT_EQ(run_connected("+0 read(4, ..., 10) = 10\n"),
            "a.pkt:9: read(4, ..., 10) returned -1 EAGAIN (Resource temporarily unavailable), "
            "expected 10");
  EXPECT_EQ(run_connected("+0 close(4) = -1 EINVAL\n"),
            "a.pkt:9: close(4) returned 0, expected -1 EINVAL (Invalid argument)");
}

TEST(CallMessages, TellOfACallThatWaitsTooLong) {
  EXPECT_EQ(run_connected("0.1...0.3 read(4, ..., 10) = 10\n+.5 listen(3, 1) = 0\n"),
            "a.pkt:9: read(4, ..., 10) has not returned at 0.302000, expected 10 at 0.300000");
}

TEST(CallMessages, TellOfACallThatReturnsTooEarly) {
  EXPECT_EQ(run_connected("0.1...0.3 read(4, ..., 10) = 10\n"
                          "0.2 < P. 1:11(10) ack 1 win 32792\n+0 > . 1:1(0) ack 11\n"),
            "a.pkt:9: read(4, ..., 10) returned 10 at 0.200000, expected 10 at 0.300000");
}

TEST(Calls, MayWait) {
  EXPECT_EQ(run_connected("0.1...0.2 read(4, ..., 10) = 10\n"
                          "0.2 < P. 1:11(10) ack 1 win 32792\n+0 > . 1:1(0) ack 11\n"),
            "");
}

TEST(Calls, ReadBytesAreChecked) {
  EXPECT_EQ(run_connected("+0 < P. 1:11(10) ack 1 win 32792\n+0 > . 1:1(0) ack 11\n"
                          "+0 read(4, \"0123456789\", 10) = 10\n")
                .substr(0, 50),
            "a.pkt:11: read(4, \"0123456789\", 10): the bytes are");
}

TEST(CallMessages, NumbersOfSocketsAreTheScripts) {
  EXPECT_EQ(run("0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"
                "+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"),
            "a.pkt:2: socket(..., SOCK_STREAM, IPPROTO_TCP) returned 1, expected 3");
  EXPECT_EQ(run("0 close(7) = -1 EBADF\n"), "");
}

TEST(CallMessages, ArgumentsThatCannotBe) {
  EXPECT_EQ(run("0 close(3, 4) = 0\n"), "a.pkt:1:9: close takes 1 arguments, not 2");
  EXPECT_EQ(run("0 fork(3) = 0\n"), "a.pkt:1:8: there is no system call fork");
  EXPECT_EQ(run("0 listen([3], 1) = 0\n"), "a.pkt:1:10: argument 1 of listen must be a number");
}

// --- code
// -----------------------------------------------------------------------------------------

TEST(CodeMessages, TellTheValuesOfABrokenAssertion) {
  EXPECT_EQ(run("0 %{\nassert 1\nassert stack_sockets == 3, 'sockets' }%\n"),
            "a.pkt:3: stack_sockets == 3 does not hold: stack_sockets is 0 (sockets)");
}

TEST(CodeMessages, NeedAConnectionToAskAbout) {
  EXPECT_EQ(run("0 %{ assert tcpi_cwnd == 10 }%\n"),
            "a.pkt:1: no connection is open that tcpi_ names could tell about");
  EXPECT_EQ(run("0 %{ assert tcpi_nothing == 10 }%\n"),
            "a.pkt:1:13: nothing is called 'tcpi_nothing'");
}

TEST(Code, Prints) {
  std::string said;
  RunOptions options;
  options.say = [&said](const std::string& line) { said += line + "\n"; };
  EXPECT_EQ(run_text("a.pkt", "0 %{ print 'sockets', stack_sockets }%\n", options), "");
  EXPECT_EQ(said, "sockets 0\n");
}

// --- the script itself
// ----------------------------------------------------------------------------

TEST(ScriptMessages, SyntaxIsToldByLineAndColumn) {
  EXPECT_EQ(run("0 socket(\n"), "a.pkt:2:1: expected a value, found the end of the script");
}

TEST(ScriptMessages, TimeMustNotRunBackwards) {
  EXPECT_EQ(run("1 close(7) = -1 EBADF\n0.5 close(7) = -1 EBADF\n"),
            "a.pkt:2: time runs backwards: 0.500000 comes after 1.000000");
}

TEST(ScriptMessages, OptionsThatThereAreNot) {
  EXPECT_EQ(run("--colour=red\n"), "a.pkt:1:1: there is no option --colour");
  EXPECT_EQ(run("--sack=2000\n"), "a.pkt:1:1: --sack needs a number from 0 to 255, not '2000'");
  EXPECT_EQ(run("--profile=windows\n"), "a.pkt:1:1: no profile is called 'windows'");
  EXPECT_EQ(run("--mtu=20\n").substr(0, 10), "a.pkt:1:1:");
}

TEST(ScriptMessages, VerboseShowsEachEvent) {
  std::string said;
  RunOptions options;
  options.verbose = true;
  options.say = [&said](const std::string& line) { said += line + "\n"; };
  EXPECT_EQ(
      run_text("a.pkt", "0 < [to \"192.168.0.1\"] R 1:1(0)\n+.5 close(7) = -1 EBADF\n", options),
      "");
  EXPECT_EQ(said, "0.000000 < [to \"192.168.0.1\"] R 1:1(0)\n0.500000 close(7)\n");
}

}  // namespace
}  // namespace sluice::script
