#include "tools/sluice/perf/numbers.hpp"

#include <gtest/gtest.h>

namespace sluice::perf {
namespace {

TEST(Numbers, SizesHaveFourCharactersAndTheUnitThatFits) {
  EXPECT_EQ(size_text(0), "0.00 Bytes");
  EXPECT_EQ(size_text(1023), "1023 Bytes");
  EXPECT_EQ(size_text(1024), "1.00 KBytes");
  EXPECT_EQ(size_text(131'072), " 128 KBytes");
  EXPECT_EQ(size_text(1'048'575), "1024 KBytes");
  EXPECT_EQ(size_text(9.994 * 1024), "9.99 KBytes");
  EXPECT_EQ(size_text(9.996 * 1024), "10.0 KBytes");
  EXPECT_EQ(size_text(99.96 * 1024), " 100 KBytes");
  EXPECT_EQ(size_text(5e12), "4.55 TBytes");
  EXPECT_EQ(size_text(5e16), "45475 TBytes");
}

TEST(Numbers, RatesAreBitsByThousands) {
  EXPECT_EQ(rate_text(0, 'a'), "0.00 bits/sec");
  EXPECT_EQ(rate_text(2'621'440, 'a'), "21.0 Mbits/sec");
  EXPECT_EQ(rate_text(125, 'a'), "1.00 Kbits/sec");
  EXPECT_EQ(rate_text(2e9, 'a'), "16.0 Gbits/sec");
}

TEST(Numbers, RatesHaveTheUnitAskedFor) {
  EXPECT_EQ(rate_text(1e6, 'k'), "8000 Kbits/sec");
  EXPECT_EQ(rate_text(1e6, 'm'), "8.00 Mbits/sec");
  EXPECT_EQ(rate_text(1e6, 'g'), "0.01 Gbits/sec");
  EXPECT_EQ(rate_text(1e6, 't'), "0.00 Tbits/sec");
  EXPECT_EQ(rate_text(889'502 * 1024.0, 'K'), "889502 KBytes/sec");
  EXPECT_EQ(rate_text(1 << 20, 'M'), "1.00 MBytes/sec");
  EXPECT_EQ(rate_text(6'250'000, 'G'), "0.01 GBytes/sec");
  EXPECT_EQ(rate_text(1e12, 'T'), "0.91 TBytes/sec");
}

TEST(Numbers, RoundTripsAreSevenWide) {
  EXPECT_EQ(rtt_text(0), "   0 us");
  EXPECT_EQ(rtt_text(45), "  45 us");
  EXPECT_EQ(rtt_text(999), " 999 us");
  EXPECT_EQ(rtt_text(1'200), "1.20 ms");
  EXPECT_EQ(rtt_text(123'400), " 123 ms");
  EXPECT_EQ(rtt_text(2'500'000), "2.50 s ");
}

TEST(Numbers, DatesAreInGreenwich) {
  EXPECT_EQ(date_text(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(date_text(1'795'386'824), "Sun, 22 Nov 2026 22:33:44 GMT");
}

TEST(Numbers, NothingIsDividedByNothing) {
  EXPECT_EQ(percent(1, 0), 0);
  EXPECT_EQ(percent(1, 8), 12.5);
  EXPECT_EQ(per_second(8, 0), 0);
  EXPECT_EQ(per_second(8, 2), 4);
}

}  // namespace
}  // namespace sluice::perf
