#include "tools/sluice/perf/tally.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "tests/tools/sluice/perf/told_test.hpp"

namespace sluice::perf {
namespace {

Parameters streams(Direction direction, std::uint32_t count) {
  Parameters parameters;
  parameters.direction = direction;
  parameters.streams = count;
  return parameters;
}

IntervalTally last_interval(Course& course) {
  const ToldTest& told = course.told();
  return tally(told.connection.role, told.start.flows, told.intervals.back());
}

EndTally end_of(Course& course) {
  return tally(course.told().connection.role, course.told().start.flows, course.end());
}

// A client that sends on 5 and receives on 7.
Course both_ways() {
  Course course(Role::client, streams(Direction::both, 1));
  course.add_flow(5, true, 40000, 5201);
  course.add_flow(7, false, 40001, 5201);
  return course;
}

TEST(Tally, AnIntervalIsTheDifferenceOfTwoCounts) {
  Course course(Role::client, streams(Direction::forward, 2));
  course.add_flow(5, true, 40000, 5201);
  course.add_flow(7, true, 40001, 5201);
  course.interval(0, 1, {sent(100, 1, 2), sent(200, 1, 3)});
  course.interval(1, 1.5, {sent(10, 7, 1), sent(20, 9, 4)});
  const IntervalTally interval = last_interval(course);
  ASSERT_EQ(interval.directions.size(), 1U);
  const IntervalDirection& direction = interval.directions[0];
  EXPECT_EQ(direction.flows[1].traffic.bytes, 20U);
  EXPECT_EQ(direction.flows[1].traffic.bytes_per_second(), 40);
  EXPECT_EQ(direction.flows[1].tcp->retransmits, 4U);
  EXPECT_EQ(direction.flows[1].tcp->congestion_window, 9U);
  EXPECT_EQ(direction.sum.traffic.bytes, 30U);
  EXPECT_EQ(direction.sum.tcp->retransmits, 5U);
}

TEST(Tally, EachSideTellsOfItsOwnStreamsFirst) {
  Course course = both_ways();
  course.interval(0, 1, {sent(1, 1), received(2)});
  EXPECT_TRUE(last_interval(course).directions[0].sends);
  EXPECT_FALSE(last_interval(course).directions[1].sends);
  course.told().connection.role = Role::server;
  EXPECT_FALSE(last_interval(course).directions[0].sends);
}

TEST(Tally, JitterIsAveragedAndLossesAreAdded) {
  Course course(Role::server, streams(Direction::forward, 2));
  course.add_flow(5, false, 5201, 40000);
  course.add_flow(6, false, 5201, 40001);
  FlowCount lossy = datagrams(10, 1000, 3);
  lossy.lost = 4;
  course.interval(0, 1, {lossy, datagrams(10, 1000, 1)});
  const IntervalLine sum = last_interval(course).directions[0].sum;
  EXPECT_DOUBLE_EQ(sum.jitter_seconds, 0.002);
  EXPECT_EQ(sum.lost, 4);
  EXPECT_EQ(sum.lost_percent(), 20);
}

TEST(Tally, ASumHasTheRoundTripsOfAllStreams) {
  Course course(Role::client, streams(Direction::forward, 2));
  course.add_flow(5, true, 40000, 5201);
  course.add_flow(7, true, 40001, 5201);
  FlowCount slow = sent(1, 1);
  slow.rtt.add(31);
  FlowCount fast = sent(1, 1);
  fast.rtt.add(9);
  course.interval(0, 1, {slow, fast});
  const IntervalLine sum = last_interval(course).directions[0].sum;
  EXPECT_EQ(sum.rtt.samples(), 2U);
  EXPECT_EQ(sum.rtt.quantile(1), 31U);
}

TEST(Tally, TheEndHasEachSidesCountAndTime) {
  Course course = both_ways();
  course.interval(0, 1, {sent(100, 1, 2), received(300)});
  course.finish(1);
  course.add_peer(1.25);
  course.end().peer->streams[0].bytes = 90;
  course.end().peer->streams[1].bytes = 330;
  course.end().peer->streams[1].retransmits = 8;
  const EndTally end = end_of(course);
  const EndLine& forward = end.directions[0].flows[0];
  EXPECT_EQ(forward.sent.bytes, 100U);
  EXPECT_EQ(forward.sent.seconds, 1);
  EXPECT_EQ(forward.received.bytes, 90U);
  EXPECT_EQ(forward.received.seconds, 1.25);
  EXPECT_EQ(forward.retransmits, 2U);
  const EndLine& backward = end.directions[1].flows[0];
  EXPECT_EQ(backward.sent.bytes, 330U);
  EXPECT_EQ(backward.sent.seconds, 1.25);
  EXPECT_EQ(backward.received.bytes, 300U);
  EXPECT_EQ(backward.received.seconds, 1);
  EXPECT_EQ(backward.retransmits, 8U);
}

TEST(Tally, APeerThatCannotTellRetransmitsHasNone) {
  Course course(Role::client, streams(Direction::reverse, 1));
  course.add_flow(5, false, 40000, 5201);
  course.interval(0, 1, {received(1)});
  course.finish(1);
  course.add_peer(1);
  EXPECT_TRUE(end_of(course).knows_retransmits);
  course.end().peer->streams[0].retransmits = -1;
  EXPECT_FALSE(end_of(course).knows_retransmits);
  course.end().peer->streams[0].retransmits = 3;
  course.end().peer->sender_has_retransmits = 0;
  EXPECT_FALSE(end_of(course).knows_retransmits);
}

TEST(Tally, WithoutResultsThePeersPartIsNothing) {
  Course course = both_ways();
  course.interval(0, 1, {sent(100, 1), received(300)});
  course.finish(1);
  const EndTally end = end_of(course);
  EXPECT_EQ(end.directions[0].flows[0].received.bytes, 0U);
  EXPECT_EQ(end.directions[0].flows[0].received.seconds, 1);
  EXPECT_EQ(end.directions[1].flows[0].sent.bytes, 0U);
}

// A client that sends 30 datagrams, 10 of them omitted, of which the server has lost 4 and 1.
Course with_omitted_datagrams() {
  Course course(Role::client, streams(Direction::forward, 1));
  course.add_flow(5, true, 40000, 5201);
  course.interval(0, 1, {datagrams(10, 1000)});
  course.omit();
  course.interval(0, 1, {datagrams(20, 1000)});
  course.finish(1);
  course.add_peer(1);
  course.end().peer->streams[0].packets = 29;
  course.end().peer->streams[0].lost = 4;
  return course;
}

TEST(Tally, WhatAPeerOmittedIsLeftOut) {
  Course course = with_omitted_datagrams();
  course.end().peer->streams[0].omitted_packets = 9;
  course.end().peer->streams[0].omitted_lost = 1;
  const EndLine line = end_of(course).directions[0].flows[0];
  EXPECT_EQ(line.sent.bytes, 20'000U);
  EXPECT_EQ(line.packets_sent, 20);
  EXPECT_EQ(line.packets_received, 20);
  EXPECT_EQ(line.lost, 3);
}

TEST(Tally, APeerThatDoesNotSayHasOmittedAsManyAsWe) {
  Course course = with_omitted_datagrams();
  const EndLine line = end_of(course).directions[0].flows[0];
  EXPECT_EQ(line.packets_received, 19);
  EXPECT_EQ(line.lost, 4);
}

TEST(Tally, AReceiverWithoutResultsCountsWhatItSaw) {
  Course course(Role::server, streams(Direction::forward, 1));
  course.add_flow(5, false, 5201, 40000);
  course.interval(0, 1, {datagrams(10, 1000)});
  course.finish(1);
  const EndLine line = end_of(course).directions[0].flows[0];
  EXPECT_EQ(line.packets_sent, 0);
  EXPECT_EQ(line.packets, 10);
}

TEST(Tally, LiesOfAPeerOverflowNothing) {
  Course course(Role::client, streams(Direction::forward, 2));
  course.add_flow(5, true, 40000, 5201);
  course.add_flow(7, true, 40001, 5201);
  course.interval(0, 1, {datagrams(1, 1), datagrams(1, 1)});
  course.finish(1);
  course.add_peer(1);
  for (StreamResult& result : course.end().peer->streams) {
    result.bytes = std::numeric_limits<std::uint64_t>::max();
    result.packets = std::numeric_limits<std::uint64_t>::max();
    result.lost = std::numeric_limits<std::int64_t>::min();
    result.omitted_lost = std::numeric_limits<std::int64_t>::max();
  }
  const EndLine sum = end_of(course).directions[0].sum;
  constexpr std::int64_t kMost = std::int64_t{1} << 53;
  EXPECT_EQ(sum.received.bytes, static_cast<std::uint64_t>(2 * kMost));
  EXPECT_EQ(sum.packets_received, 2 * kMost);
  EXPECT_EQ(sum.lost, -4 * kMost);
}

TEST(Tally, AnUnknownStreamOfThePeerIsNobodys) {
  Course course(Role::client, streams(Direction::forward, 1));
  course.add_flow(5, true, 40000, 5201);
  course.interval(0, 1, {sent(1, 1)});
  course.finish(1);
  course.add_peer(1);
  course.end().peer->streams[0].id = 99;
  EXPECT_EQ(end_of(course).directions[0].flows[0].received.bytes, 0U);
}

// ---- congestion controls side by side ----

// A client that receives on three streams.
Course reverse_of_three(const std::string& congestion) {
  Course course(Role::client, streams(Direction::reverse, 3));
  for (const int socket : {5, 7, 9}) course.add_flow(socket, false, 40000, 5201);
  course.interval(0, 1, {received(100), received(200), received(700)});
  course.finish(1);
  course.add_peer(1);
  course.end().peer->congestion_used = congestion;
  return course;
}

TEST(Tally, APeersListOfAlgorithmsGoesRoundItsStreams) {
  Course course = reverse_of_three("cubic,bbr");
  const std::vector<AlgorithmLine> lines = end_of(course).directions[0].algorithms;
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0].congestion, "cubic");
  EXPECT_EQ(lines[0].streams, 2U);
  EXPECT_EQ(lines[0].sent.bytes, 800U);
  EXPECT_EQ(lines[0].share_percent, 80);
  EXPECT_EQ(lines[1].congestion, "bbr");
  EXPECT_EQ(lines[1].sent.bytes_per_second(), 200);
}

TEST(Tally, OneAlgorithmHasNothingBesideIt) {
  Course course = reverse_of_three("cubic");
  EXPECT_TRUE(end_of(course).directions[0].algorithms.empty());
}

TEST(Tally, AHugeListOfAlgorithmsIsCutShort) {
  Course course = reverse_of_three(std::string(1'000'000, ','));
  EXPECT_TRUE(end_of(course).directions[0].algorithms.empty());
}

}  // namespace
}  // namespace sluice::perf
