// The script's numbers and the wire's.
#include "tests/scripts/runner/flow.hpp"

#include <gtest/gtest.h>

#include "tests/scripts/runner/notation.hpp"
#include "tests/scripts/runner/parse_packet.hpp"

namespace sluice::script {
namespace {

TcpText text_of(const std::string& line) {
  Reader reader(line);
  return std::get<TcpText>(parse_packet_line(reader, false).text);
}

std::string line_of(const TcpText& text) {
  Packet packet;
  packet.direction = Direction::out;
  packet.text = text;
  return to_string(packet);
}

class FlowTest : public ::testing::Test {
 protected:
  // What the stack says on the wire while the script expects `expected`, in the script's numbers.
  std::string comes(const std::string& wire, const std::string& expected = "") {
    const TcpText wanted = expected.empty() ? TcpText() : text_of(expected);
    return line_of(flow.to_script(text_of(wire), expected.empty() ? nullptr : &wanted));
  }
  // What the script says, on the wire.
  std::string goes(const std::string& script) { return line_of(flow.to_wire(text_of(script))); }

  Flow flow;
};

TEST_F(FlowTest, CountsOursFromOurSyn) {
  EXPECT_EQ(comes("> S 7000:7000(0)", "> S 0:0(0)"), "> S 0:0(0)");
  EXPECT_EQ(comes("> . 7001:7011(10) ack 5"), "> . 1:11(10) ack 5");
  EXPECT_EQ(goes("< . 1:1(0) ack 11 win 9"), "> . 1:1(0) ack 7011 win 9");
  EXPECT_EQ(flow.position_of_ours(7001), 0u);
}

TEST_F(FlowTest, TheScriptMayBeginAnywhere) {
  EXPECT_EQ(comes("> S 7000:7000(0)", "> S 100:100(0)"), "> S 100:100(0)");
  EXPECT_EQ(comes("> . 7001:7001(0) ack 1"), "> . 101:101(0) ack 1");
}

TEST_F(FlowTest, ThePeersNumbersAreTheScripts) {
  EXPECT_EQ(goes("< S 900:900(0) win 9"), "> S 900:900(0) win 9");
  EXPECT_EQ(flow.position_of_peers(901), 0u);
}

TEST_F(FlowTest, WithoutASynNothingIsShifted) {
  EXPECT_EQ(goes("< . 1:1(0) ack 55 win 9"), "> . 1:1(0) ack 55 win 9");
  EXPECT_EQ(comes("> R 55:55(0)"), "> R 55:55(0)");
}

TEST_F(FlowTest, ASynThatIsRepeatedMustBeTheSame) {
  comes("> S 7000:7000(0)", "> S 0:0(0)");
  EXPECT_EQ(comes("> S 7001:7001(0)", "> S 0:0(0)"), "> S 1:1(0)");
}

TEST_F(FlowTest, AfterASynOfThePeerOursMayBeAnother) {
  comes("> S 7000:7000(0)", "> S 0:0(0)");
  goes("< S 3:3(0) win 9");
  EXPECT_EQ(comes("> S. 9000:9000(0) ack 4", "> S. 0:0(0) ack 4"), "> S. 0:0(0) ack 4");
  EXPECT_EQ(comes("> . 9001:9001(0) ack 4"), "> . 1:1(0) ack 4");
}

TEST_F(FlowTest, SackBlocksThatGoInAreOurs) {
  comes("> S 7000:7000(0)", "> S 0:0(0)");
  EXPECT_EQ(goes("< . 1:1(0) ack 1 win 9 <nop,nop,sack 1:11 21:31>"),
            "> . 1:1(0) ack 7001 win 9 <nop,nop,sack 7001:7011 7021:7031>");
  EXPECT_EQ(comes("> . 7001:7001(0) ack 1 <nop,nop,sack 1:11>"),
            "> . 1:1(0) ack 1 <nop,nop,sack 1:11>");
}

TEST_F(FlowTest, OurClockIsCountedFromTheFirstTimestamp) {
  comes("> S 7000:7000(0) <TS val 500 ecr 0>", "> S 0:0(0) <TS val 100 ecr 0>");
  EXPECT_EQ(comes("> . 7001:7001(0) ack 1 <TS val 510 ecr 9>"),
            "> . 1:1(0) ack 1 <TS val 110 ecr 9>");
  EXPECT_EQ(goes("< . 1:1(0) ack 1 win 9 <TS val 7 ecr 110>"),
            "> . 1:1(0) ack 7001 win 9 <TS val 7 ecr 510>");
}

TEST_F(FlowTest, NoTimeStaysNone) {
  comes("> S 7000:7000(0) <TS val 500 ecr 0>", "> S 0:0(0) <TS val 100 ecr 0>");
  EXPECT_EQ(goes("< S 1:1(0) win 9 <TS val 7 ecr 0>"), "> S 1:1(0) win 9 <TS val 7 ecr 0>");
  EXPECT_EQ(comes("> R 7001:7001(0) <TS val 0 ecr 7>"), "> R 1:1(0) <TS val 0 ecr 7>");
}

TEST_F(FlowTest, RemembersWhichBytesAreUrgent) {
  goes("< S 0:0(0) win 9");
  goes("< U. 1:11(10) ack 1 win 9 urg 10");
  EXPECT_TRUE(flow.urgent.contains(9));
}

TEST(FlowsTest, ALineMeansTheCurrentFlowUnlessItSaysOtherwise) {
  const Endpoints current{IpAddress::v4(1), IpAddress::v4(2), 80, 4000};
  const Flows flows(current);
  const auto ends = [&flows](const std::string& line) {
    Reader reader(line);
    return flows.ends_of(parse_packet_line(reader, false));
  };
  EXPECT_EQ(ends("< S 0:0(0) win 9"), current);
  EXPECT_EQ(ends("< 4001>81 S 0:0(0) win 9"), (Endpoints{current.local, current.remote, 81, 4001}));
  EXPECT_EQ(ends("> 81>4001 S 0:0(0)"), (Endpoints{current.local, current.remote, 81, 4001}));
  EXPECT_EQ(ends("< [from \"0.0.0.9\"] S 0:0(0) win 9"),
            (Endpoints{current.local, IpAddress::v4(9), 80, 4000}));
}

}  // namespace
}  // namespace sluice::script
