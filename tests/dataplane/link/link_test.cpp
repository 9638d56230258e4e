#include "dataplane/link/link.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "dataplane/memory/frame_pool.hpp"
#include "proto/wire/virtio_net.hpp"

namespace sluice {
namespace {

constexpr std::uint32_t kMost = 20'000;

Instant at_us(std::int64_t us) {
  return Instant() + Duration::microseconds(us);
}

class LinkTest : public ::testing::Test {
 protected:
  void make(const LinkOptions& options, std::uint64_t seed = 1, std::uint32_t most = kMost) {
    link.emplace(options, most, seed);
  }
  // `bytes` from the IP header on.
  Link::Fate send(std::uint32_t bytes, Instant now, std::uint32_t number = 0) {
    Frame* const frame = pool.take();
    Slice whole(*frame, 0, wire::kVirtioNetHeaderSize + bytes);
    std::memset(frame->data, 0, whole.size());
    store_be32(frame->data + wire::kVirtioNetHeaderSize, number);
    return link->send({std::move(whole), false}, now);
  }
  // The number of the next packet that has arrived; -1 when there is none.
  std::int64_t take(Instant now) {
    const auto packet = link->take(now);
    if (!packet) return -1;
    return load_be32(packet->whole.data() + wire::kVirtioNetHeaderSize);
  }
  // Sends `count` packets of 40 bytes, a microsecond apart, and lets them arrive.
  void run(int count) {
    for (int i = 0; i < count; ++i) {
      send(40, at_us(i), static_cast<std::uint32_t>(i));
      while (link->take(at_us(i))) {
      }
    }
  }
  const LinkCounters& counters() const { return link->counters(); }

  FramePool pool{kMost + 1, 1600};
  std::optional<Link> link;
};

TEST_F(LinkTest, TakesTheTimeOfItsRateAndDelay) {
  make({.rate_bits = 8'000'000, .delay = Duration::microseconds(500)});  // a byte a microsecond
  send(100, at_us(0));
  send(100, at_us(50));
  EXPECT_EQ(link->next_delivery(), at_us(600));
  EXPECT_FALSE(link->take(at_us(599)));
  EXPECT_TRUE(link->take(at_us(600)));
  EXPECT_EQ(link->next_delivery(), at_us(700));
}

TEST_F(LinkTest, LosesNoNanosecondOfItsRate) {
  make({.rate_bits = 7'000'000'003});  // 40 bytes take 45.7 ns
  Instant last;
  for (int i = 0; i < 10'000; ++i) send(40, Instant());
  while (!link->next_delivery().is_never()) {
    last = link->next_delivery();
    link->take(last);
  }
  EXPECT_EQ(last.ns(), 10'000LL * 320 * 1'000'000'000 / 7'000'000'003);
}

TEST_F(LinkTest, DropsWhatItsQueueCannotHold) {
  make({.rate_bits = 8'000'000, .queue_packets = 3});
  for (int i = 0; i < 5; ++i) send(100, at_us(0));
  EXPECT_EQ(counters().queue_full, 2U);
  send(100, at_us(100));  // one has left
  EXPECT_EQ(counters().queue_full, 2U);
}

TEST_F(LinkTest, DropsWhatItsQueueCannotHoldInBytes) {
  make({.rate_bits = 8'000'000, .queue_bytes = 1000});
  EXPECT_EQ(send(600, at_us(0)), Link::Fate::on_its_way);
  EXPECT_EQ(send(401, at_us(0)), Link::Fate::queue_full);
  EXPECT_EQ(send(400, at_us(0)), Link::Fate::on_its_way);
  EXPECT_EQ(link->backlog_bytes(), 1000U);
  EXPECT_EQ(send(600, at_us(600)), Link::Fate::on_its_way);
}

TEST_F(LinkTest, HoldsNoMorePacketsThanItWasMadeFor) {
  make({.delay = Duration::seconds(1)}, 1, 10);
  for (int i = 0; i < 15; ++i) send(40, at_us(0));
  EXPECT_EQ(counters().queue_full, 5U);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(link->take(at_us(1'000'000)));
  EXPECT_EQ(send(40, at_us(1'000'000)), Link::Fate::on_its_way);
}

TEST_F(LinkTest, KeepsOrderWithJitter) {
  make({.delay = Duration::microseconds(10), .jitter = Duration::microseconds(500)});
  for (std::uint32_t i = 0; i < 100; ++i) send(20, at_us(i), i);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(take(at_us(1000)), i);
}

TEST_F(LinkTest, JitterIsUniform) {
  make({.delay = Duration::milliseconds(1), .jitter = Duration::milliseconds(2)});
  double sum = 0;
  for (int i = 0; i < 2000; ++i) {
    const Instant now = at_us(i * 10'000);
    send(20, now);
    const Duration took = link->next_delivery() - now;
    EXPECT_GE(took, Duration::milliseconds(1));
    EXPECT_LT(took, Duration::milliseconds(3));
    sum += static_cast<double>(took.us());
    link->take(link->next_delivery());
  }
  EXPECT_NEAR(sum / 2000, 2000, 50);
}

TEST_F(LinkTest, FaultsHappenAsOftenAsAsked) {
  make({.loss = 0.1, .reorder = 0.4, .duplicate = 0.2, .corrupt = 0.3}, 7);
  run(10'000);
  EXPECT_NEAR(static_cast<double>(counters().lost), 1000, 100);
  EXPECT_NEAR(static_cast<double>(counters().duplicated), 1800, 150);
  EXPECT_NEAR(static_cast<double>(counters().corrupted), 2700, 150);
  EXPECT_NEAR(static_cast<double>(counters().reordered), 3600, 150);
}

TEST_F(LinkTest, BurstsAreAsLongAndAsManyAsAsked) {
  make({.burst_loss = 0.05, .burst_length = 8}, 3);
  int bursts = 0;
  bool before = false;
  for (int i = 0; i < 200'000; ++i) {
    const bool lost = send(40, at_us(i)) == Link::Fate::lost;
    if (lost && !before) ++bursts;
    before = lost;
    while (link->take(at_us(i))) {
    }
  }
  const auto lost = static_cast<double>(counters().lost);
  EXPECT_NEAR(lost / 200'000, 0.05, 0.005);
  EXPECT_NEAR(lost / bursts, 8, 0.5);
}

TEST_F(LinkTest, ReorderedPacketsAreOvertakenByNoMoreThanTheirDelay) {
  make({.reorder = 0.1, .reorder_delay = Duration::microseconds(50)}, 5);
  int overtaken = 0;
  std::int64_t newest = -1;
  for (std::uint32_t i = 0; i < 5000; ++i) {
    send(40, at_us(i), i);
    for (auto number = take(at_us(i)); number >= 0; number = take(at_us(i))) {
      EXPECT_LE(i - number, 50);
      if (number < newest) ++overtaken;
      newest = std::max(newest, number);
    }
  }
  EXPECT_NEAR(overtaken, 490, 80);
}

TEST_F(LinkTest, ChangesOneByteBehindTheVirtioNetHeader) {
  make({.corrupt = 1});
  for (int i = 0; i < 200; ++i) {
    send(40, Instant());
    const auto packet = link->take(Instant());
    ASSERT_TRUE(packet && packet->is_corrupt);
    const Bytes whole = packet->whole.bytes();
    EXPECT_EQ(std::ranges::count(whole.first(wire::kVirtioNetHeaderSize), 0), 10);
    EXPECT_EQ(std::ranges::count(whole.subspan(wire::kVirtioNetHeaderSize), 0), 39);
  }
}

TEST_F(LinkTest, MarksCapablePacketsBehindALongQueue) {
  make({.rate_bits = 8'000'000, .mark_bytes = 250});
  for (int i = 0; i < 5; ++i) send(100, at_us(0), 0x60200000);  // IPv6, ECT(0)
  EXPECT_EQ(counters().marked, 3U);
}

TEST_F(LinkTest, ChangesOnTheWay) {
  LinkOptions options{.mtu = 1000};
  make(options);
  EXPECT_EQ(send(1001, at_us(0)), Link::Fate::too_big);
  options.mtu = 1500;
  link->change(options);
  EXPECT_EQ(send(1001, at_us(1)), Link::Fate::on_its_way);
  options.is_up = false;
  link->change(options);
  EXPECT_EQ(send(40, at_us(2)), Link::Fate::lost);
  EXPECT_TRUE(link->take(at_us(2)));
  EXPECT_FALSE(link->take(at_us(2)));
}

TEST_F(LinkTest, OneSeedIsOneFate) {
  const LinkOptions options{.loss = 0.3, .reorder = 0.3, .duplicate = 0.3};
  const auto fates = [&](std::uint64_t seed) {
    make(options, seed);
    std::vector<std::int64_t> arrived;
    for (std::uint32_t i = 0; i < 500; ++i) send(40, at_us(i * 1000), i);
    while (!link->next_delivery().is_never()) arrived.push_back(take(link->next_delivery()));
    return arrived;
  };
  EXPECT_EQ(fates(4), fates(4));
  EXPECT_NE(fates(4), fates(5));
}

}  // namespace
}  // namespace sluice
