// When we acknowledge, and what window we tell: RFC 9293 3.8.6, RFC 5681 4.2.
#include "tests/support/peer.hpp"

namespace sluice::tcp {
namespace {

using namespace test;

class Acknowledging : public Conversation {
 protected:
  // Past the first segments, which are acknowledged one by one.
  void grow_up() {
    for (int i = 0; i < 16; ++i) {
      peer.sends(data(1000));
      peer.expects(ack().len(0));
      app.reads_all();
    }
    peer.drains();
    base_ = peer.nxt();
  }
  std::uint32_t base_ = 1;
};

TEST_F(Acknowledging, a_young_connection_pays_one_ack_a_segment) {
  peer.connects();
  for (int i = 0; i < 4; ++i) peer.sends(data(1000));
  for (std::uint32_t i = 1; i <= 4; ++i) peer.expects(ack(1 + i * 1000));
  peer.nothing();
}

TEST_F(Acknowledging, what_a_young_connection_owes_rides_on_data) {
  peer.connects();
  for (int i = 0; i < 4; ++i) peer.sends(data(1000));
  app.sends(10);
  peer.expects(psh_ack().ack(4001).len(10));
  peer.nothing();
}

TEST_F(Acknowledging, RFC9293_SHLD_18_MUST_40_one_segment_waits) {
  peer.connects();
  grow_up();
  peer.sends(data(1000));
  peer.nothing();
  peer.after(40_ms);
  peer.expects(ack(base_ + 1000));
  peer.nothing();
}

// RFC 9293 SHLD-19.
TEST_F(Acknowledging, RFC5681_R5681_18_the_second_does_not) {
  peer.connects();
  grow_up();
  peer.sends(data(1000));
  peer.nothing();
  peer.sends(data(1000));
  peer.expects(ack(base_ + 2000));
  peer.nothing();
}

TEST_F(Acknowledging, RFC9293_SHLD_19_small_segments_count_by_their_size) {
  peer.connects();
  grow_up();
  peer.sends(data(500));
  peer.nothing();
  peer.sends(data(500));
  peer.expects(ack(base_ + 1000));
}

TEST_F(Acknowledging, RFC9293_MUST_58_MUST_59_one_ack_a_turn) {
  peer.connects();
  grow_up();
  for (int i = 0; i < 10; ++i) peer.sends(data(1000));
  peer.expects(ack(base_ + 10'000));
  peer.nothing();
}

TEST_F(Acknowledging, RFC9293_SHLD_19_a_super_segment_counts_as_many) {
  peer.connects();
  grow_up();
  peer.sends(data(10'000).gso(1000));
  peer.expects(ack(base_ + 10'000));
  peer.nothing();
}

TEST_F(Acknowledging, an_ack_rides_on_data) {
  peer.connects();
  grow_up();
  peer.sends(data(1000));
  app.sends(10);
  peer.expects(psh_ack().ack(base_ + 1000).len(10));
  peer.nothing();
  peer.after(100_ms);
  peer.nothing();
}

TEST_F(Acknowledging, RFC5681_R5681_18_more_than_a_full_segment_is_told_at_once) {
  peer.connects();
  grow_up();
  peer.sends(data(100).seq(base_));
  peer.nothing();
  peer.sends(data(1000).seq(base_ + 100));
  peer.expects(ack(base_ + 1100));
}

TEST_F(Acknowledging, RFC5681_R5681_12_each_segment_beyond_a_gap_owes_one) {
  peer.connects();
  grow_up();
  for (std::uint32_t i = 1; i <= 5; ++i) peer.sends(data(100).seq(base_ + i * 100));
  for (int i = 0; i < 5; ++i) peer.expects(ack(base_));
  peer.nothing();
}

TEST_F(Acknowledging, RFC5681_R5681_13_duplicates_never_ride_on_data) {
  peer.connects();
  grow_up();
  for (std::uint32_t i = 1; i <= 3; ++i) peer.sends(data(100).seq(base_ + i * 100));
  app.sends(10);
  for (int i = 0; i < 3; ++i) peer.expects(ack(base_).len(0));
  peer.expects(psh_ack().ack(base_).len(10));
  peer.nothing();
}

TEST_F(Acknowledging, RFC5681_R5681_12_a_filled_gap_is_told_at_once) {
  peer.connects();
  grow_up();
  peer.sends(data(100).seq(base_ + 100));
  peer.expects(ack(base_));
  peer.sends(data(50).seq(base_));
  peer.expects(ack(base_ + 50));
  peer.sends(data(50).seq(base_ + 50));
  peer.expects(ack(base_ + 200));
  peer.nothing();
}

TEST_F(Acknowledging, RFC5681_R5681_19_no_more_acks_than_segments) {
  peer.connects();
  for (std::uint32_t i = 0; i < 40; ++i) peer.sends(data(100).seq(i % 2 == 0 ? 1 + i * 100 : 101));
  EXPECT_LE(peer.drains(), 40u);
  peer.sends(data(10).seq(1).flag(wire::kFin));
  EXPECT_LE(peer.drains(), 1u);
}

TEST_F(Acknowledging, a_flood_of_duplicates_is_answered_within_bounds) {
  peer.connects();
  peer.sends(data(100));
  peer.drains();
  for (int i = 0; i < 500; ++i) peer.sends(data(100).seq(1));
  EXPECT_LE(peer.drains(), 8u);
}

TEST(AckDebtTable, order_of_payment) {
  const Settings settings;
  AckDebt debt(settings);
  const Instant now;
  debt.on_in_order({.bytes = 100, .full_bytes = 100, .now = now}, Seq(100), {});
  debt.owe_duplicate(Seq(100), {5, 9});
  debt.on_in_order({.bytes = 100, .full_bytes = 100, .now = now}, Seq(200), {});
  EXPECT_TRUE(debt.has_duplicates());
  const OwedAck first = debt.pop_duplicate();
  EXPECT_EQ(first.ack, Seq(100));
  EXPECT_EQ(first.first_block, (wire::SackBlock{5, 9}));
  EXPECT_FALSE(debt.has_duplicates());
  EXPECT_TRUE(debt.is_due());
  EXPECT_EQ(debt.pop(Seq(200)).ack, Seq(200));
  debt.on_sent(true);
  EXPECT_FALSE(debt.is_due());
  EXPECT_TRUE(debt.deadline().is_never());
}

// --- the window we tell
// ---------------------------------------------------------------------------

TEST_F(Acknowledging, RFC9293_MUST_39_R9293_4_no_small_steps_of_the_window) {
  peer.settings.receive_buffer_bytes = 8000;
  peer.connects();
  peer.sends(data(8000).gso(1000));
  peer.expects(ack(8001).win(0));
  app.reads(500);
  peer.nothing();
  app.reads(500);
  peer.nothing();
  app.reads(1000);
  peer.expects(ack(8001).win(2000));
  app.reads(500);
  peer.nothing();
}

TEST_F(Acknowledging, RFC9293_R9293_4_half_of_a_small_buffer_is_enough) {
  peer.settings.receive_buffer_bytes = 4096;
  peer.our_mss = 9000;
  peer.connects();
  peer.sends(data(4096));
  peer.expects(ack(4097).win(0));
  app.reads(2047);
  peer.nothing();
  app.reads(1);
  peer.expects(ack(4097).win(2048));
}

TEST_F(Acknowledging, reading_does_not_chatter_without_window_scaling) {
  peer.settings.receive_buffer_bytes = peer.settings.initial_receive_buffer_bytes = 1 << 20;
  peer.connects();
  grow_up();
  for (int i = 0; i < 10; ++i) {
    peer.sends(data(1000));
    peer.sends(data(1000));
    peer.expects(ack());
    app.reads_all();
    peer.nothing();
  }
}

TEST_F(Acknowledging, RFC9293_SHLD_14_the_edge_never_moves_left) {
  peer.says.scale = 2;
  peer.settings.receive_buffer_bytes = peer.settings.initial_receive_buffer_bytes = 100'003;
  peer.connects();
  Seq edge = peer.connection().rcv_nxt() + peer.connection().rcv_wnd();
  for (int i = 0; i < 120; ++i) {
    peer.sends(data(777));
    peer.drains();
    if (i % 3 == 0) app.reads(std::min(1000u, peer.connection().readable()));
    const Seq now = peer.connection().rcv_nxt() + peer.connection().rcv_wnd();
    EXPECT_GE(now, edge);
    edge = now;
  }
}

}  // namespace
}  // namespace sluice::tcp
