#include "tools/sluice/perf/datagram_receipt.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <initializer_list>

namespace sluice::perf {
namespace {

DatagramReceipt receipt_of(std::initializer_list<std::uint64_t> sequences) {
  DatagramReceipt receipt;
  for (const std::uint64_t sequence : sequences) receipt.on_datagram({0, sequence}, Instant());
  return receipt;
}

void expect(const DatagramReceipt& receipt, std::uint64_t highest, std::uint64_t lost,
            std::uint64_t out_of_order) {
  EXPECT_EQ(receipt.highest(), highest);
  EXPECT_EQ(receipt.lost(), lost);
  EXPECT_EQ(receipt.out_of_order(), out_of_order);
}

TEST(DatagramReceipt, CountsWhatComesInOrder) {
  expect(receipt_of({}), 0, 0, 0);
  expect(receipt_of({1, 2, 3}), 3, 0, 0);
}

TEST(DatagramReceipt, CountsGapsAsLost) {
  expect(receipt_of({3}), 3, 2, 0);
  expect(receipt_of({1, 2, 6}), 6, 3, 0);
}

// What a stock server of 3.12 and one of 3.17 answered to these.
TEST(DatagramReceipt, ReckonsAsStockServersDo) {
  expect(receipt_of({1, 2, 5, 4, 3, 6, 10, 10}), 10, 2, 3);
}

TEST(DatagramReceipt, HasNoFewerLostThanNone) {
  expect(receipt_of({1, 1, 1, 0}), 1, 0, 3);
}

TEST(DatagramReceipt, BearsNumbersThatLie) {
  expect(receipt_of({UINT64_MAX, 1, 0, UINT64_MAX}), UINT64_MAX, UINT64_MAX - 4, 3);
}

// RFC 1889 A.8, by hand: transits of 100, 116 and 100 us.
TEST(DatagramReceipt, SmoothsTheJitter) {
  DatagramReceipt receipt;
  const auto come = [&](std::int64_t sent_us, std::int64_t arrival_us) {
    receipt.on_datagram({sent_us, 1}, Instant() + Duration::microseconds(arrival_us));
  };
  come(1'000, 1'100);
  EXPECT_EQ(receipt.jitter_seconds(), 0);
  come(2'000, 2'116);
  EXPECT_NEAR(receipt.jitter_seconds(), 1e-6, 1e-12);
  come(3'000, 3'100);
  EXPECT_NEAR(receipt.jitter_seconds(), 1e-6 + (16e-6 - 1e-6) / 16, 1e-12);
}

TEST(DatagramReceipt, DoesNotMindTheClocksDifference) {
  DatagramReceipt receipt;
  for (std::int64_t i = 0; i < 10; ++i) {
    receipt.on_datagram({500'000'000'000 + i * 1'000, 1}, Instant() + Duration::milliseconds(i));
  }
  EXPECT_NEAR(receipt.jitter_seconds(), 0, 1e-9);
}

TEST(DatagramReceipt, BearsClocksThatLie) {
  DatagramReceipt receipt;
  receipt.on_datagram({0xffff'ffffLL * 1'000'001, 1}, Instant());
  receipt.on_datagram({0, 2}, Instant::never());
  EXPECT_TRUE(std::isfinite(receipt.jitter_seconds()));
}

}  // namespace
}  // namespace sluice::perf
