#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>

#include "tests/tools/sluice/perf/flow_fixture.hpp"
#include "tools/sluice/perf/datagram_header.hpp"

namespace sluice::perf {
namespace {

constexpr std::uint32_t kBlock = 1000;

ByteVector datagram(std::uint64_t sequence, std::size_t size = kBlock,
                    CounterWidth width = CounterWidth::bits32) {
  ByteVector bytes(size);
  build_datagram_header(bytes, width, {.sent_us = 1'000'000, .sequence = sequence});
  return bytes;
}

class UdpReceiving : public FlowTest {
 protected:
  UdpReceiving() { plan_.parameters.block_bytes = kBlock; }
  bool counts(std::uint64_t datagrams) {
    return comes_true([&] { return count().bytes == datagrams * kBlock; });
  }
  // What ends a test.
  static Parameters two_datagrams() {
    Parameters parameters;
    parameters.blocks = 2;
    parameters.block_bytes = kBlock;
    return parameters;
  }
};

TEST_F(UdpReceiving, CountsWhatComesAndWhatHasComeBefore) {
  const auto peer = bind();
  peer->send(datagram(1));
  peer->send({'9', '8', '7', '6'});  // the greeting again
  EXPECT_TRUE(counts(1));
  start();
  for (const std::uint64_t sequence : {2, 5, 4, 3, 6, 10, 10}) peer->send(datagram(sequence));
  EXPECT_TRUE(counts(8));
  const FlowCount all = count();
  EXPECT_EQ(all.packets, 10U);
  EXPECT_EQ(all.lost, 2);
  EXPECT_EQ(all.out_of_order, 3U);
  EXPECT_GT(all.jitter_seconds, 0);
  EXPECT_EQ(on_core([this] { return flow_->received(); }), 8 * kBlock);
}

TEST_F(UdpReceiving, SpendsItsBudgetAfterTheOmittedSeconds) {
  Told<bool> reached;
  Budget budget(two_datagrams(), [&] { reached.tell(true); });
  plan_.budget = &budget;
  plan_.parameters.omit_seconds = 1;
  const auto peer = bind();
  start();
  for (const std::uint64_t sequence : {1, 2, 3}) peer->send(datagram(sequence));
  EXPECT_TRUE(counts(3));
  EXPECT_EQ(on_core([this] { return flow_->begin_counting().packets; }), 3U);
  EXPECT_EQ(reached.count(), 0U);
  for (const std::uint64_t sequence : {4, 5}) peer->send(datagram(sequence));
  EXPECT_TRUE(reached.wait());
  on_core([this] { flow_.reset(); });  // the budget goes first
}

TEST_F(UdpReceiving, TellsDatagramsThatComeAsOneApart) {
  plan_.parameters.counters_64bit = true;
  const auto peer = bind();
  start();
  peer->set_segment(kBlock);
  ByteVector several;
  for (std::uint64_t sequence = 1; sequence <= 40; ++sequence) {
    const ByteVector one = datagram(sequence, sequence == 40 ? 500 : kBlock, CounterWidth::bits64);
    several.insert(several.end(), one.begin(), one.end());
  }
  ASSERT_EQ(peer->send(several), 0);
  EXPECT_TRUE(comes_true([&] { return count().bytes == 39 * kBlock + 500; }));
  EXPECT_EQ(count().packets, 40U);
  EXPECT_EQ(count().lost, 0);
  EXPECT_EQ(count().out_of_order, 0U);
}

TEST_F(UdpReceiving, CountsNothingAfterTheEnd) {
  const auto peer = bind();
  start();
  peer->send(datagram(1));
  EXPECT_TRUE(counts(1));
  stop();
  peer->send(datagram(2));
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(count().bytes, kBlock);
}

TEST_F(UdpReceiving, EndsItsBudget) {
  Told<bool> reached;
  Budget budget(two_datagrams(), [&] { reached.tell(true); });
  plan_.budget = &budget;
  const auto peer = bind();
  start();
  peer->send(datagram(1));
  EXPECT_TRUE(counts(1));
  EXPECT_EQ(reached.count(), 0U);
  peer->send(datagram(2));
  EXPECT_TRUE(reached.wait());
}

class UdpSending : public FlowTest {
 protected:
  UdpSending() {
    plan_.sends = true;
    plan_.parameters.block_bytes = kBlock;
  }
  // Sends `datagrams`, and no more.
  void start_with(std::uint64_t datagrams) {
    Parameters parameters = plan_.parameters;
    parameters.blocks = datagrams;
    budget_.emplace(parameters, [this] { reached_.tell(true); });
    plan_.budget = &*budget_;
    peer_ = bind();
    start();
  }
  // All of them come, each with its number and the time.
  void expect_numbers(std::uint64_t datagrams, CounterWidth width = CounterWidth::bits32) {
    std::int64_t sent_us = 0;
    for (std::uint64_t i = 1; i <= datagrams; ++i) {
      const auto bytes = peer_->receive();
      ASSERT_TRUE(bytes) << i;
      ASSERT_EQ(bytes->size(), plan_.parameters.block_bytes);
      const auto header = parse_datagram_header(*bytes, width);
      ASSERT_EQ(header->sequence, i);
      ASSERT_GE(header->sent_us, sent_us);
      sent_us = header->sent_us;
    }
    EXPECT_TRUE(reached_.wait());
    EXPECT_EQ(count().packets, datagrams);
    EXPECT_EQ(count().bytes, datagrams * plan_.parameters.block_bytes);
    peer_->set_patience(20);
    EXPECT_FALSE(peer_->receive());
  }

  std::optional<Budget> budget_;
  Told<bool> reached_;
  std::unique_ptr<KernelUdp> peer_;
};

TEST_F(UdpSending, NumbersWhatItSends) {
  plan_.parameters.bits_per_second = 200'000'000;
  start_with(1'500);
  expect_numbers(1'500);
}

TEST_F(UdpSending, SpendsItsBudgetAfterTheOmittedSeconds) {
  plan_.parameters.bits_per_second = 20'000'000;
  plan_.parameters.omit_seconds = 1;
  start_with(200);
  ASSERT_TRUE(comes_true([&] { return count().packets > 300; }));
  EXPECT_EQ(reached_.count(), 0U);
  const std::uint64_t omitted = on_core([this] { return flow_->begin_counting().packets; });
  EXPECT_TRUE(reached_.wait());
  EXPECT_EQ(count().packets, omitted + 200);
}

TEST_F(UdpSending, NumbersWith64Bits) {
  plan_.parameters.counters_64bit = true;
  start_with(100);
  expect_numbers(100, CounterWidth::bits64);
}

TEST_F(UdpSending, SendsWhatDoesNotFitTheDeviceInFragments) {
  plan_.parameters.block_bytes = 20'000;
  start_with(40);
  expect_numbers(40);
}

TEST_F(UdpSending, SendsTheLargest) {
  plan_.parameters.block_bytes = kMaxDatagramBytes;
  start_with(3);
  expect_numbers(3);
}

TEST_F(UdpSending, IsLostWhenItMustNotFragment) {
  plan_.parameters.block_bytes = 20'000;
  plan_.parameters.dont_fragment = true;
  const auto peer = bind();
  start();
  EXPECT_EQ(lost_.wait(), co::Outcome::unavailable);
  EXPECT_EQ(count().packets, 0U);
}

TEST_F(UdpSending, SendsWhatFollowsTheHeaderAsAsked) {
  plan_.parameters.repeating_payload = true;
  start_with(1);
  const auto bytes = peer_->receive();
  ASSERT_TRUE(bytes);
  EXPECT_EQ(std::string(bytes->begin() + 12, bytes->begin() + 22), "2345678901");
}

TEST_F(UdpSending, IsNotFasterThanItsRate) {
  plan_.parameters.bits_per_second = 8'000'000;
  const auto begin = std::chrono::steady_clock::now();
  start_with(500);
  expect_numbers(500);
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  EXPECT_GE(taken.count(), 0.44);
}

// Nobody asks the core in the meantime: that would wake it.
TEST_F(UdpSending, SendsOnWhenThereWasNoRoom) {
  const auto peer = bind();
  start();
  for (int i = 0; i <= 5'000; ++i) ASSERT_TRUE(peer->receive()) << i;
  EXPECT_GT(count().packets, 5'000U);
  stop();
  const std::uint64_t packets = count().packets;
  std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(count().packets, packets);
}

TEST_F(UdpSending, MayGoWhileItSends) {
  const auto peer = bind();
  on_core([this] {
    flow_->start();
    flow_.reset();
  });
  on_core([] {});
}

TEST_F(UdpSending, MayGoAfterItsCore) {
  const auto peer = bind();
  start();
  ASSERT_TRUE(peer->receive());
  engine_.stop();
  flow_.reset();
}

class UdpSendingV6 : public UdpSending {};

TEST_F(UdpSendingV6, IsLostWhenNoDatagramIsSoLarge) {
  plan_.parameters.block_bytes = kMaxDatagramBytes;
  engine_.bind({.address = {}, .port = kPort}, *this);
  ASSERT_TRUE(is_ipv6_heard());
  KernelUdp peer("fd05::100");
  peer.connect_to("fd05::101", kPort);
  peer.send({'9', '8', '7', '6'});
  ASSERT_TRUE(up_.wait());
  start();
  EXPECT_EQ(lost_.wait(), co::Outcome::unavailable);
  EXPECT_EQ(count().packets, 0U);
}

}  // namespace
}  // namespace sluice::perf
