// What is held by reference, what is copied, and what happens when memory runs out.
#include "tests/support/peer.hpp"

namespace sluice::tcp {
namespace {

using namespace test;

class Memory : public Conversation {
 protected:
  // Leaves `left` nodes in the pool; the rest comes back at the end.
  void take_nodes(std::uint32_t left) {
    while (peer.nodes.free_count() > left) taken_.push_back(peer.nodes.take());
  }
  void give_nodes_back() {
    for (SliceNode* node : taken_) peer.nodes.give_back(*node);
    taken_.clear();
  }
  void TearDown() override { give_nodes_back(); }
  std::vector<SliceNode*> taken_;
};

TEST_F(Memory, text_in_order_is_held_by_reference) {
  peer.connects();
  peer.sends(data(1000));
  peer.drains();
  EXPECT_EQ(peer.arriving.out(), 1u);
  EXPECT_EQ(peer.blocks.out(), 0u);
  app.reads(1000);
  EXPECT_EQ(peer.arriving.out(), 0u);
}

TEST_F(Memory, settle_copies_what_pins_too_much) {
  peer.arriving.pooled = true;
  peer.arriving_capacity = 65'536;
  peer.connects();
  peer.sends(data(1000));
  EXPECT_EQ(peer.arriving.out(), 1u);
  peer.connection().settle();
  EXPECT_EQ(peer.arriving.out(), 0u);
  EXPECT_EQ(peer.blocks.out(), 1u);
  app.reads(1000);
  EXPECT_EQ(peer.blocks.out(), 0u);
  peer.drains();
}

TEST_F(Memory, settle_leaves_what_fills_its_frame) {
  peer.arriving.pooled = true;
  peer.arriving_capacity = 65'536;
  peer.connects();
  peer.sends(data(20'000));
  peer.connection().settle();
  EXPECT_EQ(peer.arriving.out(), 1u);
  app.reads(20'000);
  peer.drains();
}

TEST_F(Memory, small_text_behind_unread_text_is_copied_together) {
  peer.arriving.pooled = true;
  peer.arriving_capacity = 65'536;
  peer.connects();
  peer.sends(data(100));
  for (int i = 0; i < 10; ++i) peer.sends(data(100));
  peer.drains();
  EXPECT_EQ(peer.arriving.out(), 1u);
  EXPECT_EQ(peer.blocks.out(), 1u);
  app.reads(1100);
}

TEST_F(Memory, everything_is_copied_when_frames_are_scarce) {
  peer.arriving.pooled = peer.arriving.scarce = true;
  peer.connects();
  peer.sends(data(3000));
  EXPECT_EQ(peer.arriving.out(), 0u);
  EXPECT_EQ(peer.blocks.out(), 2u);
  app.reads(3000);
  peer.drains();
}

TEST_F(Memory, small_pieces_beyond_a_gap_share_blocks) {
  peer.connects();
  for (std::uint32_t i = 0; i < 8; ++i) peer.sends(data(512).seq(101 + i * 512));
  EXPECT_EQ(peer.blocks.out(), 2u);
  peer.sends(data(100).seq(1));
  app.reads(100 + 8 * 512);
  peer.drains();
}

TEST_F(Memory, small_pieces_beyond_a_gap_are_copied) {
  peer.connects();
  peer.sends(data(4095).seq(101));
  EXPECT_EQ(peer.arriving.out(), 0u);
  peer.sends(data(4096).seq(10'001));
  EXPECT_EQ(peer.arriving.out(), 1u);
  peer.drains();
}

TEST_F(Memory, no_node_for_text_in_order_drops_it_and_it_comes_again) {
  peer.connects();
  take_nodes(0);
  EXPECT_EQ(peer.sends(data(100).seq(1)), DropReason::out_of_memory);
  EXPECT_EQ(peer.connection().rcv_nxt(), peer.peer_iss + 1u);
  EXPECT_EQ(peer.arriving.out(), 0u);
  give_nodes_back();
  EXPECT_EQ(peer.sends(data(100).seq(1)), DropReason::none);
  peer.expects(ack(101));
  app.reads(100);
}

TEST_F(Memory, of_text_in_order_as_much_is_taken_as_there_is_room_for) {
  peer.arriving.pooled = peer.arriving.scarce = true;
  peer.connects();
  peer.blocks.limit = 1;
  EXPECT_EQ(peer.sends(data(3000).seq(1).flag(wire::kFin)), DropReason::out_of_memory);
  EXPECT_EQ(peer.connection().readable(), 2048u);
  EXPECT_EQ(peer.state(), State::established);
  peer.expects(ack(2049));
  peer.blocks.limit = 10;
  EXPECT_EQ(peer.sends(data(3000).seq(1).flag(wire::kFin)), DropReason::none);
  peer.expects(ack(3002));
  app.reads(3000);
}

// What a block of the reserve holds: the next connection may need one, too.
TEST_F(Memory, the_reserve_gives_one_block_to_a_buffer_that_holds_nothing) {
  peer.arriving.pooled = peer.arriving.scarce = true;
  peer.connects();
  peer.blocks.scarce = true;
  EXPECT_EQ(peer.sends(data(10'000).seq(1)), DropReason::out_of_memory);
  EXPECT_EQ(peer.connection().readable(), 2048u);
  EXPECT_EQ(peer.sends(data(10'000).seq(1)), DropReason::out_of_memory);
  EXPECT_EQ(peer.connection().readable(), 2048u);
  app.reads(2048);
  EXPECT_EQ(peer.sends(data(10'000).seq(1)), DropReason::out_of_memory);
  app.reads(2048);
  peer.drains();
}

TEST_F(Memory, no_block_behind_unread_text_leaves_that_alone) {
  peer.arriving.pooled = peer.arriving.scarce = true;
  peer.connects();
  peer.blocks.limit = 2;
  peer.sends(data(4096));
  EXPECT_EQ(peer.sends(data(3000).seq(4097)), DropReason::out_of_memory);
  EXPECT_EQ(peer.connection().readable(), 4096u);
  app.reads(4096);
  peer.sends(data(3000).seq(4097));
  app.reads(3000);
  peer.drains();
}

TEST_F(Memory, no_memory_beyond_a_gap_still_owes_a_duplicate_ack) {
  peer.connects();
  peer.blocks.limit = 0;
  EXPECT_EQ(peer.sends(data(100).seq(101)), DropReason::out_of_memory);
  peer.expects(ack(1));
  peer.blocks.limit = 10;
  peer.sends(data(100).seq(1));
  peer.expects(ack(101));
  peer.sends(data(100).seq(101));
  peer.expects(ack(201));
  app.reads(200);
}

// RFC 2018 R2018-6.
TEST_F(Memory, pieces_beyond_a_gap_give_way_to_what_comes_before_them) {
  peer.says.sack = true;
  peer.connects();
  take_nodes(2);
  peer.sends(data(100).seq(101));
  peer.sends(data(100).seq(301));
  peer.drains();
  EXPECT_EQ(peer.sends(data(100).seq(1)), DropReason::none);
  peer.expects(ack(101).no_sack());
  EXPECT_EQ(peer.blocks.out(), 0u);
  app.reads(100);
}

TEST_F(Memory, a_fin_waits_for_text_that_found_no_memory) {
  peer.connects();
  take_nodes(0);
  EXPECT_EQ(peer.sends(data(100).seq(1).flag(wire::kFin)), DropReason::out_of_memory);
  EXPECT_EQ(peer.state(), State::established);
  give_nodes_back();
  peer.sends(data(100).seq(1).flag(wire::kFin));
  peer.expects(ack(102));
  EXPECT_EQ(peer.state(), State::close_wait);
}

TEST_F(Memory, send_takes_what_memory_allows) {
  peer.connects();
  peer.blocks.limit = 2;
  EXPECT_EQ(app.sends(10'000), 4096u);
  peer.drains();
  peer.sends(ack(4097));
  EXPECT_EQ(peer.blocks.out(), 0u);
  EXPECT_TRUE(app.hears(kOpened | kWritable));
  peer.blocks.limit = 100;
  EXPECT_EQ(app.sends(10'000), 10'000u);
  peer.drains();
}

TEST_F(Memory, send_without_any_memory_takes_nothing_and_tells_later) {
  peer.connects();
  peer.connection().take_events();
  take_nodes(0);
  EXPECT_EQ(app.sends(100), 0u);
  EXPECT_EQ(app.lends(100, own), 0u);
  EXPECT_EQ(own.out(), 0u);
  give_nodes_back();
  peer.ignores_for(1_s);
  EXPECT_TRUE(app.hears(kWritable));
  EXPECT_EQ(app.sends(100), 100u);
  peer.drains();
}

TEST_F(Memory, a_connection_that_goes_takes_nothing_along) {
  peer.connects();
  app.sends(5000);
  peer.sends(data(1000));
  peer.sends(data(100).seq(5001));
  peer.drains();
  app.aborts();
  peer.drains();
  EXPECT_EQ(peer.blocks.out() + peer.arriving.out(), 0u);
}

}  // namespace
}  // namespace sluice::tcp
