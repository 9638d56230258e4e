// Many connections, one memory: what a connection does as it grows short.
#include "tests/support/peer.hpp"

namespace sluice::tcp {
namespace {

using namespace test;

TEST(MemoryLevels, follow_what_is_left_beside_the_reserve) {
  EXPECT_EQ(memory_level(100, 10), MemoryLevel::plenty);
  EXPECT_EQ(memory_level(20, 10), MemoryLevel::plenty);
  EXPECT_EQ(memory_level(19, 10), MemoryLevel::pressure);
  EXPECT_EQ(memory_level(10, 10), MemoryLevel::pressure);
  EXPECT_EQ(memory_level(9, 10), MemoryLevel::critical);
  EXPECT_EQ(memory_level(0, 0), MemoryLevel::plenty);  // without a reserve nobody asks
}

struct Pools {
  explicit Pools(std::uint32_t node_count, std::uint32_t reserve) : nodes(node_count, reserve) {}
  TestFrames blocks{4096};
  SliceNodePool nodes;
  SentSegmentPool sent{8};
  Resources resources{blocks, nodes, sent};
};

using Share = Resources::Share;

TEST(MemoryShare, is_a_part_of_what_is_spare_and_of_what_is_held) {
  Pools pools(1 << 16, 0);
  pools.blocks.spare = 960'000;
  EXPECT_EQ(pools.resources.share_for(0, Share::generous), 480'000u);
  EXPECT_EQ(pools.resources.share_for(0, Share::modest), 7500u);
  pools.blocks.spare = 400'000;
  EXPECT_EQ(pools.resources.share_for(400'000, Share::generous), 400'000u);
  pools.blocks.spare = 0;
  EXPECT_EQ(pools.resources.share_for(0, Share::generous), 0u);
}

// Those who fill what they may, one after the other, and keep it.
TEST(MemoryShare, hundreds_leave_something_to_the_next) {
  Pools pools(1 << 16, 0);
  pools.blocks.spare = 56 << 20;
  for (int i = 0; i < 1000; ++i) {
    pools.blocks.spare -= std::min(65'535u, pools.resources.share_for(0, Share::modest));
  }
  EXPECT_GT(pools.resources.share_for(0, Share::generous), 10'000u);
}

TEST(MemoryShare, of_few_nodes_is_small) {
  Pools pools(20, 10);
  EXPECT_EQ(pools.resources.share_for(0, Share::generous), 10u * 4096 / 2);
  EXPECT_EQ(pools.resources.level(), MemoryLevel::plenty);
  SliceNode* const taken = pools.nodes.take();
  EXPECT_EQ(pools.resources.level(), MemoryLevel::pressure);
  pools.nodes.give_back(*taken);
}

class MemoryBudget : public Conversation {
 protected:
  MemoryBudget() {
    peer.settings.receive_buffer_bytes = 1 << 20;
    peer.says = {.mss = 1000, .scale = 10};
  }
  Seq edge() { return peer.connection().rcv_nxt() + peer.connection().rcv_wnd(); }
};

TEST_F(MemoryBudget, RFC9293_SHLD_14_a_window_that_was_promised_stays_when_memory_goes) {
  peer.settings.initial_receive_buffer_bytes = 1 << 20;
  peer.connects();
  peer.sends(data(1000));
  app.reads_all();
  peer.drains();
  const Seq promised = edge();
  EXPECT_GT(peer.connection().rcv_wnd(), 900'000u);
  peer.blocks.spare = 0;
  peer.blocks.memory_level = MemoryLevel::critical;
  for (int i = 0; i < 800; ++i) {
    peer.sends(data(1000));
    app.reads_all();
    peer.drains();
    ASSERT_GE(edge(), promised);
  }
  EXPECT_EQ(edge(), promised) << "and is not made larger";
}

// Whoever reads all that it gets comes on, if slowly.
TEST_F(MemoryBudget, a_reader_always_has_a_window_of_a_few_segments) {
  peer.connects();
  peer.blocks.spare = 0;
  peer.blocks.memory_level = MemoryLevel::critical;
  for (int i = 0; i < 200; ++i) {
    peer.sends(data(1000));
    app.reads_all();
    peer.ignores_for(50_ms);
    ASSERT_GE(peer.connection().rcv_wnd(), 3000u) << i;
  }
  EXPECT_LE(peer.connection().rcv_wnd(), 4 * 1000u);
}

TEST_F(MemoryBudget, the_window_is_a_share_of_what_is_spare) {
  peer.settings.initial_receive_buffer_bytes = 1 << 20;
  peer.connects();
  peer.blocks.spare = 400'000;
  peer.sends(data(1000));
  app.reads_all();
  peer.drains();
  EXPECT_NEAR(peer.connection().rcv_wnd(), 200'000, 2000);
  peer.blocks.spare = UINT64_MAX;
  peer.sends(data(1000));
  app.reads_all();
  peer.drains();
  EXPECT_GT(peer.connection().rcv_wnd(), 1'000'000u) << "once memory is there again";
}

TEST_F(MemoryBudget, whoever_does_not_read_gets_little_of_what_is_spare) {
  peer.settings.initial_receive_buffer_bytes = 1 << 20;
  peer.blocks.spare = 2'560'000;
  peer.connects();
  EXPECT_EQ(peer.connection().rcv_wnd(), 20'000u) << "of a SYN, too";
  std::uint32_t sent = 0;
  for (; peer.connection().rcv_wnd() >= 1000; sent += 1000) {
    peer.sends(data(1000));
    peer.ignores_for(50_ms);
  }
  EXPECT_EQ(sent, 20'000u);
  peer.blocks.spare = UINT64_MAX;
  app.reads_all();
  peer.drains();
  EXPECT_GT(peer.connection().rcv_wnd(), 1'000'000u);
}

TEST_F(MemoryBudget, buffers_do_not_grow_under_pressure) {
  peer.settings.initial_send_buffer_bytes = 20'000;
  peer.connects();
  peer.blocks.memory_level = MemoryLevel::pressure;
  std::uint32_t acked = 1;
  const auto goes_on = [&] {
    for (int i = 0; i < 10; ++i) {
      app.sends(100'000);
      peer.sends(data(30'000).gso(1000));
      peer.sends(data(30'000).gso(1000));
      app.reads_all();
      peer.drains();
      acked += peer.connection().pipe();
      peer.sends(ack(acked));
      peer.ignores_for(1_ms);
    }
  };
  goes_on();
  EXPECT_EQ(peer.connection().receive_buffer_bytes(), 65'535u);
  EXPECT_EQ(peer.connection().send_buffer_bytes(), 20'000u);
  peer.blocks.memory_level = MemoryLevel::plenty;
  goes_on();
  EXPECT_GT(peer.connection().receive_buffer_bytes(), 100'000u);
  EXPECT_GT(peer.connection().send_buffer_bytes(), 20'000u);
  app.aborts();
  peer.drains();
}

TEST_F(MemoryBudget, what_is_sent_is_a_share_of_what_is_spare) {
  peer.connects();
  peer.blocks.spare = 400'000;
  EXPECT_EQ(peer.connection().send_space(), 200'000u);
  peer.blocks.spare = 0;
  EXPECT_EQ(peer.connection().send_space(), 65'536u) << "for references";
  peer.blocks.scarce = true;
  EXPECT_EQ(app.sends(1000), 0u);
  peer.connection().take_events();
  peer.blocks.scarce = false;
  peer.ignores_for(1_s);
  EXPECT_TRUE(app.hears(kWritable));
}

// Others have taken what was spare, and this one has not sent since.
TEST_F(MemoryBudget, whoever_is_told_of_no_room_is_told_of_room) {
  peer.says.window = 65'535;
  peer.connects();
  EXPECT_EQ(app.sends(200'000), 200'000u);
  peer.drains();
  peer.connection().take_events();
  peer.blocks.spare = 0;
  EXPECT_EQ(peer.connection().send_space(), 0u);
  for (std::uint32_t acked = 1; acked < 200'001;) {
    acked += peer.connection().pipe();
    peer.sends(ack(acked));
    peer.drains();
  }
  EXPECT_TRUE(app.hears(kWritable));
  EXPECT_GT(peer.connection().send_space(), 0u);
}

// Its share may have grown by what it has sent: it knows nothing of that.
TEST_F(MemoryBudget, whoever_fills_all_the_room_there_was_is_told_of_more) {
  peer.connects();
  peer.connection().take_events();
  peer.blocks.spare = 200'000;
  const std::uint32_t space = peer.connection().send_space();
  EXPECT_EQ(app.sends(space), space);
  EXPECT_GT(peer.connection().send_space(), 0u);
  for (std::uint32_t acked = 1; acked < space + 1;) {
    peer.drains();
    acked += peer.connection().pipe();
    peer.sends(ack(acked));
  }
  EXPECT_TRUE(app.hears(kWritable));
}

// RFC 2018 R2018-6.
TEST_F(MemoryBudget, what_lies_beyond_a_gap_can_be_given_up) {
  peer.says.sack = true;
  peer.connects();
  peer.sends(data(1000).seq(1001));
  peer.drains();
  EXPECT_TRUE(peer.connection().has_gap());
  peer.connection().forget_beyond_gap();
  EXPECT_FALSE(peer.connection().has_gap());
  EXPECT_EQ(peer.blocks.out(), 0u);
  EXPECT_EQ(peer.connection().counters().gaps_forgotten, 1u);
  peer.connection().forget_beyond_gap();
  EXPECT_EQ(peer.connection().counters().gaps_forgotten, 1u) << "there was nothing";
  peer.sends(data(1000).seq(1));
  peer.expects(ack(1001).no_sack());
  peer.sends(data(1000).seq(1001));
  app.reads(2000);
  peer.drains();
}

}  // namespace
}  // namespace sluice::tcp
