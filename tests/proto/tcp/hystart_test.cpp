// HyStart++ by itself (RFC 9406).
#include "proto/tcp/hystart.hpp"

#include <gtest/gtest.h>

namespace sluice::tcp {
namespace {

class HyStartRounds : public testing::Test {
 protected:
  // A round of acknowledgements that show this round trip; true: slow start is over.
  bool round(Duration rtt, int acks = 10) {
    next_ += 10'000;  // sent in this round, while the round before it is acknowledged
    bool is_over = false;
    for (int i = 1; i <= acks; ++i) {
      AckEvent event;
      event.rtt = rtt;
      event.send_sequence = next_;
      event.acked_sequence = next_ - 20'000 + static_cast<std::uint64_t>(10'000 * i / acks);
      is_over = hystart.on_ack(event) || is_over;
    }
    return is_over;
  }

  HyStart hystart;
  std::uint64_t next_ = 20'000;
};

constexpr Duration ms(std::int64_t n) {
  return Duration::milliseconds(n);
}
constexpr Duration us(std::int64_t n) {
  return Duration::microseconds(n);
}

TEST_F(HyStartRounds, RFC9406_R9406_4_R9406_5_a_longer_round_trip_makes_it_conservative) {
  round(ms(40));
  round(ms(40));
  EXPECT_FALSE(hystart.is_conservative());
  EXPECT_EQ(hystart.limited(8000), 8000u);
  round(ms(45));  // 40 / 8 = 5
  EXPECT_TRUE(hystart.is_conservative());
  EXPECT_EQ(hystart.limited(8000), 2000u);
}

TEST_F(HyStartRounds, RFC9406_R9406_4_the_threshold_is_an_eighth_from_4_to_16_ms) {
  struct Row {
    Duration rtt;
    Duration threshold;
  };
  for (const Row& row : {Row{ms(1), ms(4)}, Row{ms(40), ms(5)}, Row{ms(1000), ms(16)}}) {
    for (const bool is_reached : {false, true}) {
      hystart = HyStart();
      round(row.rtt);
      round(row.rtt);
      round(row.rtt + row.threshold - us(is_reached ? 0 : 1));
      EXPECT_EQ(hystart.is_conservative(), is_reached) << row.rtt.us();
    }
  }
}

TEST_F(HyStartRounds, RFC9406_R9406_4_R9406_9_seven_samples_prove_nothing) {
  round(ms(40));
  round(ms(40));
  round(ms(100), 7);
  EXPECT_FALSE(hystart.is_conservative());
}

TEST_F(HyStartRounds, RFC9406_R9406_7_it_ends_after_five_rounds) {
  round(ms(40));
  round(ms(40));
  EXPECT_FALSE(round(ms(60)));  // the first of the five
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(round(ms(60))) << i;
  EXPECT_TRUE(round(ms(60)));
}

TEST_F(HyStartRounds, RFC9406_R9406_6_it_goes_on_when_the_round_trip_falls_again) {
  round(ms(40));
  round(ms(40));
  round(ms(60));
  round(ms(59));
  EXPECT_FALSE(hystart.is_conservative());
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(round(ms(59)));
}

TEST_F(HyStartRounds, noise_of_microseconds_does_not_end_it) {
  for (int i = 0; i < 100; ++i) {
    EXPECT_FALSE(round(us(i % 2 == 0 ? 10 : 3000)));
    EXPECT_FALSE(hystart.is_conservative());
  }
}

TEST_F(HyStartRounds, acknowledgements_without_a_round_trip_are_no_samples) {
  round(ms(40));
  round(ms(40));
  round(Duration());
  round(ms(100));  // there is no round before it to compare with
  EXPECT_FALSE(hystart.is_conservative());
}

}  // namespace
}  // namespace sluice::tcp
