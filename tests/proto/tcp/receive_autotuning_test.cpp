// How the receive buffer finds its size: alone, fed with what a path and an application do.
#include "proto/tcp/receive_autotuning.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace sluice::tcp {
namespace {

constexpr std::uint32_t kStart = 65'535;
constexpr std::uint32_t kLimit = 32 << 20;
constexpr std::uint32_t kSegment = 1448;
constexpr Duration kRtt = Duration::milliseconds(100);

class ReceiveAutotuningTest : public ::testing::Test {
 protected:
  ReceiveAutotuningTest() { tuning.start(kStart, kLimit, now); }

  // One round trip: `bytes` come, evenly, and the application takes `taken` of each segment.
  void receives(std::uint64_t bytes, double taken = 1, bool may_grow = true) {
    const auto segments = static_cast<std::int64_t>(bytes / kSegment);
    const Instant began = now;
    for (std::int64_t i = 0; i < segments; ++i) {
      now = began + rtt * i / segments;
      if (echoes) tuning.on_echo(rtt);
      tuning.on_text(known_rtt, may_grow, now);
      tuning.on_taken(static_cast<std::uint32_t>(kSegment * taken));
    }
    now = began + rtt;
  }

  ReceiveAutotuning tuning;
  Instant now = Instant() + Duration::seconds(5);
  Duration rtt = kRtt;
  Duration known_rtt = kRtt;  // from the handshake
  bool echoes = true;
};

TEST_F(ReceiveAutotuningTest, starts_as_it_is_told) {
  EXPECT_EQ(tuning.buffer_bytes(), kStart);
}

// 1 Gbit/s: 12.5 MB each round trip, once the window lets them through.
TEST_F(ReceiveAutotuningTest, opens_for_a_long_fat_path_within_some_round_trips) {
  int rounds = 0;
  for (; tuning.buffer_bytes() < 25'000'000 && rounds < 20; ++rounds) {
    receives(std::min<std::uint64_t>(tuning.buffer_bytes(), 12'500'000));
  }
  EXPECT_LE(rounds, 10);
}

// The sender's window doubles each round trip: ours is never the smaller one.
TEST_F(ReceiveAutotuningTest, slow_start_is_never_held_back) {
  std::uint64_t congestion_window = 10 * kSegment;
  for (int round = 0; round < 10; ++round) {
    ASSERT_GE(tuning.buffer_bytes(), congestion_window) << "round " << round;
    receives(congestion_window);
    congestion_window *= 2;
  }
}

TEST_F(ReceiveAutotuningTest, keeps_its_limit) {
  for (int round = 0; round < 20; ++round) receives(tuning.buffer_bytes());
  EXPECT_EQ(tuning.buffer_bytes(), kLimit);
}

TEST_F(ReceiveAutotuningTest, one_that_starts_at_its_limit_is_fixed) {
  tuning.start(kStart, kStart, now);
  for (int round = 0; round < 10; ++round) receives(kStart);
  EXPECT_EQ(tuning.buffer_bytes(), kStart);
}

TEST_F(ReceiveAutotuningTest, a_reader_that_takes_little_keeps_what_it_has) {
  for (int round = 0; round < 50; ++round) receives(kStart, 0.1);
  EXPECT_EQ(tuning.buffer_bytes(), kStart);
}

TEST_F(ReceiveAutotuningTest, a_reader_that_takes_nothing_keeps_what_it_has) {
  for (int round = 0; round < 50; ++round) receives(kStart, 0);
  EXPECT_EQ(tuning.buffer_bytes(), kStart);
}

TEST_F(ReceiveAutotuningTest, a_sender_that_brings_little_changes_nothing) {
  for (int round = 0; round < 50; ++round) receives(10'000);
  EXPECT_EQ(tuning.buffer_bytes(), kStart);
}

// All of the buffer at a time, but a hundred round trips between: that is little in one.
TEST_F(ReceiveAutotuningTest, a_reader_that_comes_rarely_keeps_what_it_has) {
  for (int i = 0; i < 50; ++i) {
    tuning.on_text(known_rtt, true, now);
    tuning.on_taken(kStart);
    now = now + kRtt * 100;
  }
  EXPECT_EQ(tuning.buffer_bytes(), kStart);
}

TEST_F(ReceiveAutotuningTest, never_shrinks) {
  receives(60'000);
  receives(60'000);
  const std::uint32_t before = tuning.buffer_bytes();
  EXPECT_GT(before, kStart);
  for (int round = 0; round < 20; ++round) receives(1448);
  EXPECT_EQ(tuning.buffer_bytes(), before);
}

TEST_F(ReceiveAutotuningTest, does_not_grow_when_it_may_not_and_does_afterwards) {
  for (int round = 0; round < 10; ++round) receives(60'000, 1, false);
  EXPECT_EQ(tuning.buffer_bytes(), kStart);
  for (int round = 0; round < 2; ++round) receives(60'000);
  EXPECT_GE(tuning.buffer_bytes(), 110'000U);
}

// --- the round trip -------------------------------------------------------------------------

TEST_F(ReceiveAutotuningTest, grows_by_the_handshakes_round_trip_without_timestamps) {
  echoes = false;
  for (int round = 0; round < 12; ++round) {
    receives(std::min<std::uint64_t>(tuning.buffer_bytes(), 12'500'000));
  }
  EXPECT_GE(tuning.buffer_bytes(), 24'000'000U);
}

TEST_F(ReceiveAutotuningTest, learns_the_round_trip_from_echoes) {
  known_rtt = Duration();
  for (int round = 0; round < 3; ++round) receives(14'480);
  EXPECT_EQ(tuning.round_trip(Duration()), kRtt);
  for (int round = 0; round < 12; ++round) {
    receives(std::min<std::uint64_t>(tuning.buffer_bytes(), 12'500'000));
  }
  EXPECT_GE(tuning.buffer_bytes(), 24'000'000U);
}

// What a peer waited before it sent again makes one echo late; the next sets it right.
TEST_F(ReceiveAutotuningTest, a_late_echo_is_soon_forgotten) {
  for (int round = 0; round < 3; ++round) receives(14'480);
  now = now + Duration::seconds(8);
  tuning.on_echo(Duration::seconds(8));
  tuning.on_text(known_rtt, true, now);
  EXPECT_LT(tuning.round_trip(known_rtt), Duration::milliseconds(1200));
  for (int round = 0; round < 15; ++round) receives(14'480);
  EXPECT_EQ(tuning.round_trip(known_rtt), kRtt);
}

TEST_F(ReceiveAutotuningTest, a_queue_makes_the_round_trip_longer) {
  for (int round = 0; round < 3; ++round) receives(14'480);
  rtt = kRtt * 2;
  for (int round = 0; round < 40; ++round) receives(14'480);
  EXPECT_GT(tuning.round_trip(known_rtt), Duration::milliseconds(190));
}

TEST_F(ReceiveAutotuningTest, an_impossible_echo_is_ignored) {
  tuning.on_echo(Duration::seconds(40'000));
  tuning.on_echo(Duration());
  tuning.on_text(known_rtt, true, now + kRtt);
  EXPECT_EQ(tuning.round_trip(known_rtt), kRtt);
}

}  // namespace
}  // namespace sluice::tcp
