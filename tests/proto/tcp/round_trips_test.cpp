// Round trips from 10 microseconds to 2 seconds: nothing is sent again on a clean path, and what is
// lost is repaired without a timeout where RACK-TLP (RFC 8985) promises it.
#include "tests/support/two_ends.hpp"

namespace sluice::tcp {
namespace {

using namespace test;

class RoundTrips : public testing::TestWithParam<Duration> {
 protected:
  RoundTrips() {
    // A SYN is sent again after a second (RFC 6298 R6298-1), whatever the path.
    ends.client.settings.initial_rto = ends.server.settings.initial_rto = 5_s;
  }
  void expect_clean(const OneEnd& end) {
    EXPECT_EQ(end.counters().retransmitted, 0u);
    EXPECT_EQ(end.counters().timeouts, 0u);
    EXPECT_EQ(end.counters().tail_probes, 0u);
    EXPECT_EQ(end.counters().fast_retransmits, 0u);
    EXPECT_FALSE(end.is_wrong);
  }
  void expect_arrived(std::uint32_t bytes) {
    const auto is_there = [this, bytes] {
      return ends.server.received() == bytes &&
             ends.client.connection->snd_una() == ends.client.connection->snd_nxt();
    };
    EXPECT_TRUE(ends.run_until(is_there, GetParam() * 400 + 20_s));
    EXPECT_EQ(ends.server.received(), bytes);
    EXPECT_FALSE(ends.server.is_wrong);
  }

  TwoEnds ends{GetParam()};
};

TEST_P(RoundTrips, bulk_on_a_clean_path) {
  ends.connect();
  ends.client.send(4'000'000);
  expect_arrived(4'000'000);
  ends.run_for(GetParam() * 5 + 1_s);
  expect_clean(ends.client);
  expect_clean(ends.server);
}

TEST_P(RoundTrips, requests_of_any_size_on_a_clean_path) {
  ends.connect();
  std::uint32_t asked = 0;
  std::uint32_t answered = 0;
  for (const std::uint32_t size : {1u, 100u, 1448u, 1500u, 2896u, 4000u, 14'480u, 30'000u}) {
    for (int i = 0; i < 8; ++i) {
      asked += size;
      ends.client.send(size);
      EXPECT_TRUE(ends.run_until([&] { return ends.server.received() == asked; }, 60_s));
      answered += 3 * size;
      ends.server.send(3 * size);
      EXPECT_TRUE(ends.run_until([&] { return ends.client.received() == answered; }, 60_s));
    }
  }
  expect_clean(ends.client);
  expect_clean(ends.server);
}

TEST_P(RoundTrips, a_small_segment_before_a_full_one_on_a_clean_path) {
  ends.connect();
  for (int i = 0; i < 40; ++i) {
    ends.client.send(100);
    ends.run_for(Duration::nanoseconds(1));
    ends.client.send(1448);
    ends.run_for(GetParam() * 4 + 300_ms);
  }
  expect_clean(ends.client);
}

// The variance of a steady path tends to zero; the ACK of a single segment waits all the same.
TEST_P(RoundTrips, single_segments_after_a_steady_transfer) {
  ends.connect();
  ends.client.send(3'000'000);
  expect_arrived(3'000'000);
  for (int i = 0; i < 60; ++i) {
    ends.client.send(2896);
    ends.run_for(GetParam() * 2 + 1_ms);
  }
  for (int i = 0; i < 3; ++i) {
    ends.client.send(100);
    ends.run_for(GetParam() * 4 + 1_s);
  }
  expect_clean(ends.client);
}

TEST_P(RoundTrips, a_lost_segment_costs_no_timeout) {
  ends.wire.loses = [](const Crossing& it) {
    return it.to_server && it.copy == 0 && it.length > 0 && it.position == 100 * 1448;
  };
  ends.connect();
  ends.client.send(600'000);
  expect_arrived(600'000);
  EXPECT_EQ(ends.client.counters().timeouts, 0u);
  EXPECT_EQ(ends.client.counters().retransmitted, 1u);
}

TEST_P(RoundTrips, a_lost_burst_costs_no_timeout) {
  ends.wire.loses = [](const Crossing& it) {
    return it.to_server && it.copy == 0 && it.position >= 100 * 1448 && it.position < 140 * 1448;
  };
  ends.connect();
  ends.client.send(600'000);
  expect_arrived(600'000);
  EXPECT_EQ(ends.client.counters().timeouts, 0u);
  EXPECT_LE(ends.client.counters().retransmitted, 41u);
}

TEST_P(RoundTrips, a_lost_tail_costs_no_timeout) {
  for (const std::uint32_t lost : {1u, 2u, 5u}) {
    TwoEnds fresh(GetParam());
    fresh.client.settings.initial_rto = fresh.server.settings.initial_rto = 5_s;
    fresh.wire.loses = [lost](const Crossing& it) {
      return it.to_server && it.copy == 0 && it.length > 0 && it.position >= (10 - lost) * 1448;
    };
    fresh.connect();
    fresh.client.send(10 * 1448);
    EXPECT_TRUE(fresh.run_until([&] { return fresh.server.received() == 14'480; }, 30_s));
    EXPECT_EQ(fresh.client.counters().timeouts, 0u) << lost;
    EXPECT_EQ(fresh.client.counters().tail_probes, 1u) << lost;
  }
}

TEST_P(RoundTrips, a_lost_end_with_its_fin_costs_no_timeout) {
  ends.wire.loses = [](const Crossing& it) { return it.copy == 0 && it.has(wire::kFin); };
  ends.connect();
  ends.client.send(5 * 1448 + 100);
  ends.client.close();
  const auto has_ended = [&] { return ends.server.connection->at_end(); };
  EXPECT_TRUE(ends.run_until(has_ended, 30_s));
  EXPECT_EQ(ends.server.received(), 5u * 1448 + 100);
  EXPECT_EQ(ends.client.counters().timeouts, 0u);
}

TEST_P(RoundTrips, a_lost_end_before_a_fin_costs_no_timeout) {
  ends.wire.loses = [](const Crossing& it) {
    return it.copy == 0 && it.length > 0 && it.position >= 4 * 1448;
  };
  ends.connect();
  ends.client.send(5 * 1448 + 100);
  ends.run_for(Duration::nanoseconds(1));
  ends.client.close();  // a FIN of its own
  EXPECT_TRUE(ends.run_until([&] { return ends.server.connection->at_end(); }, 30_s));
  EXPECT_EQ(ends.client.counters().timeouts, 0u);
}

TEST_P(RoundTrips, copies_that_are_lost_again_cost_no_timeout) {
  ends.wire.loses = [](const Crossing& it) {
    return it.to_server && it.copy < 2 && it.length > 0 && it.position == 100 * 1448;
  };
  ends.connect();
  ends.client.send(1'000'000);
  expect_arrived(1'000'000);
  EXPECT_EQ(ends.client.counters().timeouts, 0u);
  EXPECT_EQ(ends.client.counters().retransmitted, 2u);
}

TEST(LongRoundTrip, a_syn_that_is_sent_again_in_vain_changes_nothing) {
  TwoEnds ends(3_s);  // the first timeout is after one
  ends.connect();
  EXPECT_EQ(ends.client.connection->congestion().window(), 14'480u);
  EXPECT_EQ(ends.server.connection->congestion().window(), 14'480u);
  const std::uint64_t before = ends.client.counters().retransmitted;
  EXPECT_GT(before, 0u);
  ends.client.send(100'000);
  EXPECT_TRUE(ends.run_until([&] { return ends.server.received() == 100'000; }, 60_s));
  EXPECT_EQ(ends.client.counters().retransmitted, before);
}

std::string name_of(const testing::TestParamInfo<Duration>& param) {
  return "of_" + std::to_string(param.param.us()) + "_us";
}
INSTANTIATE_TEST_SUITE_P(Paths, RoundTrips,
                         testing::Values(10_us, 100_us, 1_ms, 20_ms, 150_ms, 200_ms, 2_s), name_of);

}  // namespace
}  // namespace sluice::tcp
