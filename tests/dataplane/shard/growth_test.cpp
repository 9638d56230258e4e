// A shard whose memory is taken on demand, and the pools for one that stands alone.
#include "dataplane/shard/shard_pools.hpp"
#include "tests/dataplane/shard/shard_fixture.hpp"

namespace sluice::test {
namespace {

ShardOptions on_demand() {
  ShardOptions options = shard_options();
  options.growth = Growth::on_demand;
  return options;
}

class GrowingShard : public ShardTest {
 protected:
  GrowingShard() { make(on_demand()); }
};

TEST_F(GrowingShard, ServesAsManyConnectionsAsItsLimitAllows) {
  listens();
  std::vector<Stream*> streams;
  for (std::uint16_t port = 0; port < 64; ++port) {
    opens(v4_flow(static_cast<std::uint16_t>(5000 + port)));
    streams.push_back(app.stream);
  }
  EXPECT_EQ(gives(v4_flow(6000), text(wire::kSyn, 1000)), DropReason::connection_limit);
  for (std::uint16_t port = 0; port < 64; ++port) {
    EXPECT_EQ(streams[port]->flow().remote_port, 5000 + port) << "none has moved";
    EXPECT_EQ(shard().find(streams[port]->id()), streams[port]);
  }
  for (Stream* const stream : streams) stream->abort();
  EXPECT_EQ(host().takes().size(), 64U);
}

TEST_F(GrowingShard, ForgetsWhoIsGoneHoweverOftenItsMemoryIsTrimmed) {
  listens();
  opens(v4_flow());
  const StreamId gone = app.stream->id();
  app.stream->abort();
  host().takes();
  shard().trim();
  EXPECT_EQ(shard().find(gone), nullptr);
  opens(v4_flow());
  EXPECT_EQ(app.stream->id().slot, gone.slot);
  EXPECT_EQ(shard().find(gone), nullptr);
  shard().trim();
  EXPECT_EQ(shard().find(app.stream->id()), app.stream);
  app.stream->abort();
  host().takes();
}

TEST_F(GrowingShard, KeepsTimeWaitsWhileItIsTrimmed) {
  listens();
  const std::uint32_t ours = waits(v4_flow());
  shard().trim();
  EXPECT_EQ(shard().stats().time_waits, 1U);
  gives(v4_flow(), text(wire::kFin | wire::kAck, 1001, ours));
  EXPECT_EQ(host().takes_one().packet.tcp.acknowledgment, 1002U);
  host().passes(Duration::seconds(61));
  EXPECT_EQ(shard().stats().time_waits, 0U);
  shard().trim();
}

// Where nothing is kept the last ACK is said all the same.
TEST_F(GrowingShard, WithoutTimeWaitsEndsWithItsLastAck) {
  ShardOptions options = on_demand();
  options.max_time_waits = 0;
  make(options);
  listens();
  const std::uint32_t ours = opens(v4_flow());
  app.stream->close();
  host().takes_one();
  gives(v4_flow(), text(wire::kFin | wire::kAck, 1001, ours + 1));
  EXPECT_EQ(host().takes_one().packet.tcp.acknowledgment, 1002U);
  EXPECT_EQ(shard().connections(), 0U);
  EXPECT_EQ(shard().stats().time_waits, 0U);
  EXPECT_EQ(shard().stats().time_wait_recycled, 1U);
  EXPECT_EQ(app.heard, "open closed(closed)");
}

// --- pools ------------------------------------------------------------------------------------

TEST(ShardPools, HoldNothingAtFirst) {
  const ShardPools pools(PoolLimits::of_bytes(1 << 26));
  EXPECT_EQ(pools.held_bytes(), 0U);
  EXPECT_TRUE(pools.is_all_home());
}

TEST(ShardPools, StayWithinTheBytesThatTheyWereGiven) {
  for (const std::uint64_t bytes : {std::uint64_t{1} << 20, std::uint64_t{1} << 26}) {
    ShardPools pools(PoolLimits::of_bytes(bytes));
    std::vector<Slice> packets;
    while (Frame* const frame = pools.take_frame(1500)) packets.emplace_back(*frame, 0, 0);
    std::vector<Slice> blocks;
    while (Frame* const frame = pools.resources().blocks.take()) blocks.emplace_back(*frame, 0, 0);
    EXPECT_GT(pools.held_bytes(), bytes / 2);
    EXPECT_LT(pools.held_bytes(), bytes + bytes / 4);
    packets.clear();
    blocks.clear();
    EXPECT_TRUE(pools.is_all_home());
    pools.trim();
    EXPECT_EQ(pools.held_bytes(), 0U);
  }
}

TEST(ShardPools, OfNoBytesLetTheLargestPacketPass) {
  for (const std::uint64_t bytes :
       {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{UINT64_MAX}}) {
    ShardPools pools(PoolLimits::of_bytes(bytes));
    Frame* const frame = pools.take_frame(65'535);
    ASSERT_NE(frame, nullptr);
    EXPECT_GE(frame->capacity, 65'535U);
    const Slice large(*frame, 0, 65'535);
    const Slice small(*pools.take_frame(40), 0, 40);
    EXPECT_LE(small.frame()->capacity, 4096U);
    EXPECT_EQ(pools.resources().level(), MemoryLevel::plenty);
  }
}

TEST(ShardPools, SmallPacketsMayBorrowLargeFrames) {
  ShardPools pools(PoolLimits::of_bytes(1 << 20));
  std::vector<Slice> packets;
  bool borrowed = false;
  while (Frame* const frame = pools.take_frame(100)) {
    packets.emplace_back(*frame, 0, 0);
    borrowed = borrowed || frame->capacity > 4096;
  }
  EXPECT_TRUE(borrowed);
}

}  // namespace
}  // namespace sluice::test
