// A checker that never complains proves nothing: here each meets the fault that it is there for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataplane/sim/pattern.hpp"
#include "dataplane/sim/simulation.hpp"

namespace sluice::sim {
namespace {

using ::testing::HasSubstr;

Scenario one_bulk(std::uint64_t bytes) {
  Scenario scenario = plain_scenario(1);
  scenario.flows.push_back(bulk_flow(bytes));
  return scenario;
}

TEST(PlantedFaults, NoneOnACleanWire) {
  Scenario scenario = one_bulk(1'000'000);
  scenario.flows.push_back(bulk_flow(1'000'000, false));
  scenario.flows.back().port = 999;
  const Outcome outcome = simulate(scenario);
  EXPECT_EQ(outcome.failure, "");
  EXPECT_EQ(outcome.hosts[0].stats.retransmitted, 0U);
  EXPECT_EQ(outcome.hosts[1].stats.bytes_in, 2'000'000U);
}

TEST(PlantedFaults, NoneInTheScenarioThatShowsThem) {
  EXPECT_EQ(simulate(faulty_scenario(1, Fault::none)).failure, "");
}

TEST(PlantedFaults, EachIsCaught) {
  for (const FaultRow& row : all_faults()) {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
      const std::string failure = simulate(faulty_scenario(seed, row.fault)).failure;
      EXPECT_THAT(failure, HasSubstr(std::string(row.caught))) << row.name;
      EXPECT_THAT(failure, HasSubstr("sim seed=" + std::to_string(seed) + " ")) << row.name;
    }
  }
}

TEST(PlantedFaults, AreKnownByName) {
  for (const FaultRow& row : all_faults()) EXPECT_EQ(fault_of(row.name), row.fault);
  EXPECT_EQ(fault_of("no-such-fault"), Fault::none);
}

TEST(PlantedFaults, BytesThatChangeUnderAWrongSumAreDropped) {
  Scenario scenario = one_bulk(300'000);
  scenario.hosts[0].up.options.corrupt = 0.05;
  const Outcome outcome = simulate(scenario);
  EXPECT_EQ(outcome.failure, "");
  EXPECT_GT(outcome.hosts[0].up.corrupted, 0U);
  const auto& drops = outcome.hosts[1].stats.drops;
  EXPECT_GT(drops[static_cast<std::size_t>(DropReason::bad_checksum)], 0U);
}

TEST(PlantedFaults, AFlowThatNeverEndsIsSeen) {
  Scenario scenario = one_bulk(100'000);
  scenario.hosts[0].up.options.loss = 1;
  scenario.hosts[0].options.shard.tcp.connect_timeout = Duration::seconds(7200);
  EXPECT_THAT(simulate(scenario).failure, HasSubstr("flows do not get on"));
}

TEST(PlantedFaults, UnfairSharesAreSeen) {
  EXPECT_DOUBLE_EQ(Fairness::index({5, 5, 5, 5}), 1);
  EXPECT_DOUBLE_EQ(Fairness::index({8, 0, 0, 0}), 0.25);
  Verdict verdict;
  Fairness(0.95, verdict).check({10, 9, 10});
  EXPECT_FALSE(verdict.failed());
  Fairness(0.95, verdict).check({10, 4, 10});
  EXPECT_THAT(verdict.failure(), HasSubstr("Jain's index of 3 flows"));
}

TEST(PlantedFaults, TurnsWithoutAPacketAreSeen) {
  Verdict verdict;
  Progress progress(Instant(), Duration::seconds(1000), verdict);
  for (int i = 0; i < 100'000 && !verdict.failed(); ++i) {
    progress.on_turn(i < 1000, Instant() + Duration::microseconds(i));
  }
  EXPECT_THAT(verdict.failure(), HasSubstr("no packet moves"));
}

TEST(PlantedFaults, BytesThatAreMissingAtTheEndAreSeen) {
  Verdict verdict;
  ByteStream stream(5, "stream", verdict);
  std::array<std::uint8_t, 13> bytes{};
  fill_pattern(5, 0, bytes);
  stream.on_received(bytes);
  EXPECT_FALSE(verdict.failed());
  stream.on_end(14);
  EXPECT_EQ(verdict.failure(), "stream: 13 of 14 bytes arrived");
}

TEST(Pattern, DoesNotDependOnHowItIsCut) {
  std::array<std::uint8_t, 100> whole{};
  fill_pattern(9, 0, whole);
  std::array<std::uint8_t, 100> parts{};
  for (std::size_t at = 0, length = 1; at < 100; at += length, length = length % 11 + 1) {
    fill_pattern(9, at, MutableBytes(parts).subspan(at, std::min(length, 100 - at)));
  }
  EXPECT_EQ(whole, parts);
}

TEST(Pattern, TellsWhereBytesDiffer) {
  std::vector<std::uint8_t> bytes(200'000);
  fill_pattern(9, 1000, bytes);
  EXPECT_EQ(matching_pattern(9, 1000, bytes), bytes.size());
  EXPECT_LT(matching_pattern(9, 1001, bytes), 10U);
  EXPECT_LT(matching_pattern(9, 1000 + 65'521, bytes), 10U);
  bytes[150'000] ^= 1;
  EXPECT_EQ(matching_pattern(9, 1000, bytes), 150'000U);
}

// --- what the wire says -----------------------------------------------------------------------

// A conversation of hand-made packets between a and b, told to the checker.
class WireTalk : public ::testing::Test {
 protected:
  wire::Packet packet(bool from_a, std::uint8_t flags, std::uint32_t sequence, std::uint32_t ack) {
    wire::Packet made;
    made.protocol = wire::kProtocolTcp;
    made.source = IpAddress::v4(from_a ? 0x0a010002 : 0x0a020002);
    made.destination = IpAddress::v4(from_a ? 0x0a020002 : 0x0a010002);
    made.tcp.source_port = from_a ? 1 : 2;
    made.tcp.destination_port = from_a ? 2 : 1;
    made.tcp.flags = flags;
    made.tcp.sequence = sequence;
    made.tcp.acknowledgment = ack;
    made.tcp.window = window;
    return made;
  }
  void say(const wire::Packet& what, std::string_view text = {}) {
    const auto* const bytes = reinterpret_cast<const std::uint8_t*>(text.data());
    checker.on_sent(what, Bytes(bytes, text.size()));
    checker.on_taken(what);
  }
  // a's first byte is 101, b's 501.
  void handshake() {
    say(packet(true, wire::kSyn, 100, 0));
    say(packet(false, wire::kSyn | wire::kAck, 500, 101));
    say(packet(true, wire::kAck, 101, 501));
    EXPECT_FALSE(verdict.failed()) << verdict.failure();
  }
  void expect(std::string_view complaint) {
    EXPECT_THAT(verdict.failure(), HasSubstr(std::string(complaint)));
  }

  std::uint16_t window = 10;
  Verdict verdict;
  WireChecker checker{verdict};
};

TEST_F(WireTalk, HoldsTogether) {
  handshake();
  say(packet(true, wire::kAck, 101, 501), "hello");
  say(packet(true, wire::kAck, 103, 501), "llo you");
  say(packet(false, wire::kAck, 501, 110), "x");
  say(packet(true, wire::kAck | wire::kFin, 110, 502), "!");
  say(packet(false, wire::kAck, 502, 112));
  EXPECT_EQ(verdict.failure(), "");
}

TEST_F(WireTalk, OtherBytesInARetransmission) {
  handshake();
  say(packet(true, wire::kAck, 101, 501), "hello");
  say(packet(true, wire::kAck, 103, 501), "lLo");
  expect("other bytes than were sent before");
}

TEST_F(WireTalk, TextBeyondTheWindow) {
  handshake();
  say(packet(true, wire::kAck, 101, 501), "0123456789a");
  EXPECT_EQ(verdict.failure(), "");  // a window probe may carry one byte
  say(packet(true, wire::kAck, 112, 501), "b");
  expect("beyond the peer's window");
}

TEST_F(WireTalk, AGapInWhatIsSent) {
  handshake();
  say(packet(true, wire::kAck, 102, 501), "x");
  expect("out of nowhere");
}

TEST_F(WireTalk, AnAcknowledgementThatGoesBack) {
  handshake();
  say(packet(true, wire::kAck, 101, 501), "hello");
  say(packet(false, wire::kAck, 501, 106));
  say(packet(false, wire::kAck, 501, 103));
  expect("goes back");
}

TEST_F(WireTalk, AnAcknowledgementOfNothing) {
  handshake();
  say(packet(false, wire::kAck, 501, 102));
  expect("never sent");
}

TEST_F(WireTalk, AWindowThatShrinks) {
  handshake();
  say(packet(true, wire::kAck, 101, 501), "hello");
  window = 4;
  say(packet(false, wire::kAck, 501, 106));
  expect("right edge moves left by 1 bytes");
}

TEST_F(WireTalk, TextBeyondTheFin) {
  handshake();
  say(packet(true, wire::kAck | wire::kFin, 101, 501), "bye");
  say(packet(true, wire::kAck, 104, 501), "x");
  EXPECT_TRUE(verdict.failed());
}

}  // namespace
}  // namespace sluice::sim
