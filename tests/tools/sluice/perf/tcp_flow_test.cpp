#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <thread>

#include "tests/tools/sluice/perf/flow_fixture.hpp"

namespace sluice::perf {
namespace {

using std::chrono::milliseconds;

class TcpReceiver : public FlowTest {
 protected:
  bool counts(std::uint64_t bytes) {
    return comes_true([&] { return count().bytes == bytes; });
  }
};

TEST_F(TcpReceiver, CountsWhatComesAndWhatHasComeBefore) {
  const auto peer = connect();
  ASSERT_TRUE(peer->send_all(ByteVector(10'000)));
  EXPECT_EQ(count().bytes, 0U);
  start();
  EXPECT_TRUE(counts(10'000));
  ASSERT_TRUE(peer->send_all(ByteVector(1'000'000)));
  EXPECT_TRUE(counts(1'010'000));
  EXPECT_EQ(on_core([this] { return flow_->received(); }), 1'010'000U);
  EXPECT_FALSE(count().tcp) << "a receiver's TCP has nothing to say";
}

TEST_F(TcpReceiver, ReadsOnAfterTheEndAndCountsNoMore) {
  const auto peer = connect();
  start();
  ASSERT_TRUE(peer->send_all(ByteVector(10'000)));
  EXPECT_TRUE(counts(10'000));
  stop();
  EXPECT_TRUE(peer->send_all(ByteVector(20'000'000))) << "more than any buffer holds";
  EXPECT_EQ(count().bytes, 10'000U);
}

TEST_F(TcpReceiver, EndsItsBudget) {
  Told<bool> reached;
  Parameters parameters;
  parameters.blocks = 3;
  parameters.block_bytes = 1000;
  Budget budget(parameters, [&] {
    flow_->stop();
    reached.tell(true);
  });
  plan_.budget = &budget;
  const auto peer = connect();
  start();
  ASSERT_TRUE(peer->send_all(ByteVector(2'999)));
  EXPECT_TRUE(counts(2'999));
  EXPECT_EQ(reached.count(), 0U);
  ASSERT_TRUE(peer->send_all(ByteVector(1)));
  EXPECT_TRUE(reached.wait());
  EXPECT_EQ(count().bytes, 3'000U);
}

TEST_F(TcpReceiver, TellsOnceThatThePeerIsGone) {
  const auto peer = connect();
  start();
  peer->shutdown_send();
  EXPECT_EQ(lost_.wait(), co::Outcome::end);
  on_core([this] { flow_->close(); });
  EXPECT_TRUE(peer->is_at_end());
  EXPECT_EQ(lost_.count(), 1U);
}

TEST_F(TcpReceiver, TellsAtItsStartWhatWasLostBefore) {
  connect()->reset_on_close();
  std::this_thread::sleep_for(milliseconds(20));
  on_core([this] {
    flow_->start();
    EXPECT_EQ(lost_.count(), 0U) << "not out of start()";
  });
  EXPECT_EQ(lost_.wait(), co::Outcome::reset);
}

TEST_F(TcpReceiver, SaysNothingOfWhatItClosesItself) {
  const auto peer = connect();
  start();
  on_core([this] { flow_->close(); });
  EXPECT_TRUE(peer->is_at_end());
  on_core([this] { flow_.reset(); });
  EXPECT_EQ(lost_.count(), 0U);
}

TEST_F(TcpReceiver, MayGoWhileItsConnectionIsOpen) {
  const auto peer = connect();
  start();
  on_core([this] { flow_.reset(); });
  EXPECT_TRUE(peer->is_at_end());
}

TEST_F(TcpReceiver, MayGoAfterItsCore) {
  const auto peer = connect();
  start();
  engine_.stop();
  EXPECT_EQ(lost_.wait(), co::Outcome::stopped);
  flow_.reset();
}

class TcpSending : public FlowTest {
 protected:
  TcpSending() { plan_.sends = true; }
  // What the peer gets until we end.
  static std::size_t receive_all(KernelTcp& peer) {
    std::size_t all = 0;
    while (const std::size_t some = peer.receive(1 << 20).size()) all += some;
    return all;
  }
};

TEST_F(TcpSending, CountsWhatArrives) {
  const auto peer = connect();
  std::thread ending([this] {
    EXPECT_TRUE(comes_true([this] { return count().bytes > 20'000'000; }));
    on_core([this] { flow_->close(); });
  });
  start();
  const std::size_t arrived = receive_all(*peer);
  ending.join();
  EXPECT_EQ(count().bytes, arrived);
  EXPECT_EQ(on_core([this] { return flow_->received(); }), 0U);
}

TEST_F(TcpSending, KeepsLittleWaitingForAPeerThatDoesNotRead) {
  const auto peer = connect(65'536);
  start();
  std::this_thread::sleep_for(milliseconds(100));
  EXPECT_LE(count().bytes, 600'000U) << "what the peer's buffer holds, and what the mark allows";
  on_core([this] { flow_->close(); });
  EXPECT_EQ(receive_all(*peer), count().bytes);
}

TEST_F(TcpSending, SendsDigits) {
  plan_.parameters.repeating_payload = true;
  const auto peer = connect();
  start();
  const ByteVector bytes = peer->receive(300'000);
  for (std::size_t i = 0; i < bytes.size(); ++i) ASSERT_EQ(bytes[i], '0' + i % 10) << i;
}

TEST_F(TcpSending, SendsAsMuchAsItsBudgetHas) {
  Told<bool> reached;
  Parameters parameters;
  parameters.bytes = 1'000'000;
  Budget budget(parameters, [&] {
    engine_.post(0, [this] { flow_->close(); });
    reached.tell(true);
  });
  plan_.budget = &budget;
  const auto peer = connect();
  start();
  EXPECT_EQ(receive_all(*peer), 8 * 131'072U) << "whole blocks";
  EXPECT_TRUE(reached.wait());
  EXPECT_EQ(count().bytes, 8 * 131'072U);
}

TEST_F(TcpSending, SpendsItsBudgetAfterTheOmittedSeconds) {
  Told<bool> reached;
  Parameters parameters;
  parameters.bytes = 1'000'000;
  Budget budget(parameters, [&] { reached.tell(true); });
  plan_.budget = &budget;
  plan_.parameters.omit_seconds = 1;
  const auto peer = connect();
  start();
  peer->receive(3'000'000);
  EXPECT_EQ(reached.count(), 0U);
  const std::uint64_t omitted = on_core([this] { return flow_->begin_counting().bytes; });
  EXPECT_GE(omitted, 3'000'000U);
  peer->receive(omitted - 3'000'000 + 8 * 131'072);
  EXPECT_TRUE(reached.wait());
  EXPECT_EQ(count().bytes, omitted + 8 * 131'072U);
  stop();  // the budget goes first
}

TEST_F(TcpSending, EndsItsBudgetNotBeforeAllIsSent) {
  Told<std::uint64_t> unsent;
  Parameters parameters;
  parameters.bytes = 2'000'000;
  Budget budget(parameters, [&] { unsent.tell(stream_->snapshot().notsent_bytes); });
  plan_.budget = &budget;
  const auto peer = connect(65'536);
  start();
  std::this_thread::sleep_for(milliseconds(50));
  EXPECT_EQ(unsent.count(), 0U) << "the peer does not read";
  EXPECT_EQ(peer->receive(16 * 131'072).size(), 16 * 131'072U);
  EXPECT_EQ(unsent.wait(), 0U);
  EXPECT_EQ(unsent.count(), 1U);
  stop();  // the budget goes first
}

TEST_F(TcpSending, IsNotFasterThanItsRate) {
  plan_.parameters.bits_per_second = 80'000'000;
  const auto peer = connect();
  const auto begin = std::chrono::steady_clock::now();
  start();
  peer->receive(5'000'000);
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  EXPECT_GE(taken.count(), 0.45);  // 40 Mbit, but for what a block is ahead
}

TEST_F(TcpSending, HearsThatThePeerHasGone) {
  connect()->reset_on_close();
  start();
  EXPECT_EQ(lost_.wait(), co::Outcome::reset);
  const std::uint64_t bytes = count().bytes;
  EXPECT_TRUE(count().tcp) << "what was known before";
  std::this_thread::sleep_for(milliseconds(10));
  EXPECT_EQ(count().bytes, bytes);
}

TEST_F(TcpSending, KnowsItsConnection) {
  plan_.congestion = "newreno";
  const auto peer = connect();
  start();
  for (int i = 0; i < 20; ++i) {
    peer->receive(500'000);
    std::this_thread::sleep_for(milliseconds(3));
  }
  const auto [first, next] = on_core([this] { return std::pair{flow_->count(), flow_->count()}; });
  ASSERT_TRUE(first.tcp);
  EXPECT_GT(first.tcp->congestion_window, 10'000U);
  EXPECT_GT(first.tcp->send_window, 10'000U);
  EXPECT_EQ(first.tcp->path_mtu, 1500U);
  EXPECT_GT(first.tcp->rtt_us, 0U);
  EXPECT_GT(first.rtt.samples(), 5U);
  EXPECT_EQ(next.rtt.samples(), 0U) << "samples are told once";
  const auto extremes = on_core([this] { return flow_->extremes(); });
  EXPECT_GE(extremes.max_congestion_window, first.tcp->congestion_window);
  EXPECT_GT(extremes.min_rtt_us, 0U);
  EXPECT_LE(extremes.min_rtt_us, extremes.mean_rtt_us);
  EXPECT_LE(extremes.mean_rtt_us, extremes.max_rtt_us);
}

TEST_F(TcpSending, MayGoWhileItSends) {
  const auto peer = connect();
  start();
  peer->receive(1'000'000);
  on_core([this] { flow_.reset(); });
  EXPECT_GT(receive_all(*peer), 0U) << "what was accepted, and FIN";
}

TEST_F(TcpSending, MayGoAfterItsCore) {
  const auto peer = connect();
  start();
  peer->receive(1'000'000);
  engine_.stop();
  flow_.reset();
}

}  // namespace
}  // namespace sluice::perf
