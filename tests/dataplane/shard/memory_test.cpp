// One memory for all connections of a shard, and who goes without when it is short.
#include "tests/dataplane/shard/shard_fixture.hpp"

namespace sluice::test {
namespace {

constexpr std::uint32_t kReserve = 32;  // of the host's blocks

class ShardMemory : public ShardTest {
 protected:
  // Somebody else takes blocks until so many are left.
  void leaves(std::uint32_t blocks) {
    while (host().blocks().free_count() > blocks) {
      taken_.emplace_back(*host().blocks().take(), 0, 0);
    }
  }
  void gives_back() { taken_.clear(); }
  void TearDown() override {
    gives_back();
    ShardTest::TearDown();
  }

  TcpText syn() {
    TcpText made = text(wire::kSyn, 1000);
    made.options.has_mss = true;
    made.options.mss = 1440;
    return made;
  }
  DropReason sends(const FlowKey& flow, std::uint32_t from, std::uint32_t ours,
                   std::uint32_t size) {
    return gives(flow, text(wire::kAck, from, ours, std::string(size, 'x')));
  }
  // A segment, but not the one before it.
  void leaves_a_gap(const FlowKey& flow, std::uint32_t ours) {
    EXPECT_EQ(sends(flow, 2001, ours, 1000), DropReason::none);
  }
  // What the shard says now, or once a delayed ACK is due.
  std::uint32_t window() {
    std::vector<SentPacket> all = host().takes();
    if (all.empty()) {
      host().passes(Duration::milliseconds(50));
      all = host().takes();
    }
    EXPECT_FALSE(all.empty());
    return all.empty() ? 0 : all.back().packet.tcp.window;
  }
  MemoryLevel level() { return shard().stats().memory_level; }

 private:
  std::vector<Slice> taken_;
};

TEST_F(ShardMemory, NewConnectionsAreRefusedAndCountedWhileItIsCritical) {
  listens();
  leaves(kReserve - 1);
  EXPECT_EQ(gives(v4_flow(), syn()), DropReason::memory_short);
  EXPECT_TRUE(host().is_silent());
  EXPECT_EQ(host().dropped(DropReason::memory_short), 1U);
  EXPECT_EQ(level(), MemoryLevel::critical);
  EXPECT_EQ(shard().connections(), 0U);
}

TEST_F(ShardMemory, TheSynThatComesAgainFindsRoom) {
  listens();
  leaves(kReserve - 1);
  EXPECT_EQ(gives(v4_flow(), syn()), DropReason::memory_short);
  gives_back();
  opens(v4_flow());
  EXPECT_EQ(app.heard, "open");
  EXPECT_EQ(level(), MemoryLevel::plenty);
}

TEST_F(ShardMemory, OwnConnectionsAreRefusedLikewise) {
  leaves(kReserve - 1);
  ConnectOptions options;
  options.remote = *IpAddress::parse("192.0.2.7");
  options.port = 80;
  host().command(ConnectCommand{options, &app});
  EXPECT_EQ(app.heard, "failed(memory is short)");
  EXPECT_TRUE(host().is_silent());
}

TEST_F(ShardMemory, UnderPressureNewConnectionsAreWelcome) {
  listens();
  leaves(2 * kReserve - 1);
  opens(v4_flow());
  EXPECT_EQ(level(), MemoryLevel::pressure);
}

TEST_F(ShardMemory, EachShortageIsCountedOnce) {
  for (int i = 0; i < 3; ++i) {
    leaves(2 * kReserve - 1);
    host().passes(Duration::milliseconds(1));
    leaves(kReserve - 1);
    host().passes(Duration::milliseconds(1));
    EXPECT_EQ(shard().stats().memory_shortages, static_cast<std::uint64_t>(i) + 1);
    gives_back();
    host().passes(Duration::milliseconds(1));
  }
}

TEST_F(ShardMemory, ConnectionsThatAreThereGoOnWhileItIsCritical) {
  listens();
  const std::uint32_t ours = opens(v4_flow());
  leaves(kReserve - 1);
  std::uint32_t next = 1001;
  for (int i = 0; i < 100; ++i, next += 1000) {
    ASSERT_EQ(sends(v4_flow(), next, ours, 1000), DropReason::none);
    ASSERT_GE(window(), 1000U);
  }
  EXPECT_EQ(app.text.size(), 100'000U);
}

// --- what lies beyond a gap goes first ----------------------------------------------------------

TEST_F(ShardMemory, WhatLiesBeyondGapsGoesFirst) {
  listens();
  const std::uint32_t ours = opens(v4_flow(1));
  leaves_a_gap(v4_flow(1), ours);
  host().takes();
  leaves(kReserve - 1);
  host().passes(Duration::milliseconds(1));
  EXPECT_EQ(shard().stats().gaps_forgotten, 1U);
  EXPECT_EQ(level(), MemoryLevel::pressure) << "what it held was enough";
  EXPECT_EQ(sends(v4_flow(1), 1001, ours, 1000), DropReason::none);
  EXPECT_EQ(host().takes_one().packet.tcp.acknowledgment, 2001U);
  leaves_a_gap(v4_flow(1), ours);
  EXPECT_EQ(app.text.size(), 2000U);
}

TEST_F(ShardMemory, NoMoreGapsAreForgottenThanMust) {
  listens();
  std::vector<std::uint32_t> ours;
  for (std::uint16_t port = 1; port <= 5; ++port) {
    ours.push_back(opens(v4_flow(port)));
    leaves_a_gap(v4_flow(port), ours.back());
    host().takes();
  }
  leaves(kReserve - 2);
  EXPECT_EQ(gives(v4_flow(9), syn()), DropReason::none);
  EXPECT_EQ(shard().stats().gaps_forgotten, 2U);
  host().takes();
  // The oldest two have lost theirs, the third has not.
  for (std::uint16_t port = 2; port <= 3; ++port) {
    EXPECT_EQ(sends(v4_flow(port), 1001, ours.at(port - 1U), 1000), DropReason::none);
    const std::uint32_t end = port == 2 ? 2001U : 3001U;
    EXPECT_EQ(host().takes().back().packet.tcp.acknowledgment, end);
  }
}

TEST_F(ShardMemory, NothingMoreIsHeldBeyondGapsWhileItIsCritical) {
  listens();
  const std::uint32_t ours = opens(v4_flow());
  leaves(kReserve - 1);
  EXPECT_EQ(sends(v4_flow(), 2001, ours, 1000), DropReason::out_of_memory);
  EXPECT_EQ(host().takes_one().packet.tcp.acknowledgment, 1001U);
}

TEST_F(ShardMemory, AGapThatIsFilledIsForgottenByNobody) {
  listens();
  const std::uint32_t ours = opens(v4_flow());
  leaves_a_gap(v4_flow(), ours);
  EXPECT_EQ(sends(v4_flow(), 1001, ours, 1000), DropReason::none);
  host().takes();
  leaves(kReserve - 1);
  host().passes(Duration::milliseconds(1));
  EXPECT_EQ(shard().stats().gaps_forgotten, 0U);
  EXPECT_EQ(app.text.size(), 2000U);
}

// --- readers that do not read -------------------------------------------------------------------

class SlowReaders : public ShardMemory {
 protected:
  // As many bytes as its window lets through; returns how many.
  std::uint32_t fills(const FlowKey& flow) {
    const std::uint32_t ours = half_opens_and_says_window(flow) + 1;
    EXPECT_EQ(gives(flow, text(wire::kAck, 1001, ours)), DropReason::none);
    host().takes();
    std::uint32_t next = 1001;
    while (window_ >= 1000) {
      if (sends(flow, next, ours, 1000) != DropReason::none) {
        ADD_FAILURE() << "refused inside of the window";
        break;
      }
      next += 1000;
      window_ = window();
    }
    return next - 1001;
  }

 private:
  std::uint32_t half_opens_and_says_window(const FlowKey& flow) {
    EXPECT_EQ(gives(flow, syn()), DropReason::none);
    const SentPacket answer = host().takes_one();
    window_ = answer.packet.tcp.window;
    return answer.packet.tcp.sequence;
  }
  std::uint32_t window_ = 0;
};

// With windows of 64 KiB they would hold four times what there is.
TEST_F(SlowReaders, LeaveRoomForOthers) {
  listens();
  app.reads = false;
  std::uint32_t first = 0;
  std::uint32_t last = 0;
  for (std::uint16_t port = 1; port <= 60; ++port) {
    last = fills(v4_flow(port));
    if (port == 1) first = last;
  }
  EXPECT_LE(last, first);
  EXPECT_NE(level(), MemoryLevel::critical);
  EXPECT_EQ(host().dropped(DropReason::out_of_memory), 0U);
  app.reads = true;
  app.text.clear();
  const std::uint32_t ours = opens(v4_flow(99));
  for (std::uint32_t i = 0; i < 200; ++i) {
    ASSERT_EQ(sends(v4_flow(99), 1001 + i * 1000, ours, 1000), DropReason::none);
    ASSERT_GE(window(), 5000U);
  }
  EXPECT_EQ(app.text.size(), 200'000U);
}

}  // namespace
}  // namespace sluice::test
