// What is sent, and when: Nagle, silly windows, probes, super-segments.
#include "tests/support/peer.hpp"

namespace sluice::tcp {
namespace {

using namespace test;

class Sending : public Conversation {};

// --- segments -----------------------------------------------------------------------------------

TEST_F(Sending, RFC9293_MUST_61_SHLD_27_the_last_segment_carries_psh) {
  peer.settings.max_payload_bytes = 0;
  peer.connects();
  app.sends(2500);
  peer.expects(ack(1).seq(1).len(1000));
  peer.expects(ack(1).seq(1001).len(1000));
  peer.expects(psh_ack().seq(2001).len(500));
  peer.nothing();
}

TEST_F(Sending, RFC9293_SHLD_28_one_super_segment_of_whole_segments) {
  peer.connects();
  app.sends(20'500);
  peer.expects(ack(1).seq(1).len(10'000).gso(1000));  // the initial window
  peer.nothing();
}

TEST_F(Sending, a_super_segment_ends_in_psh) {
  peer.connects();
  app.sends(4500);
  peer.expects(psh_ack().seq(1).len(4500).gso(1000));
  EXPECT_EQ(peer.connection().counters().segments_out, 6u);  // SYN-ACK and five
}

TEST_F(Sending, one_segment_needs_no_gso_size) {
  peer.connects();
  app.sends(1000);
  peer.expects(psh_ack().len(1000).gso(0));
}

TEST_F(Sending, a_super_segment_has_a_largest_size) {
  peer.settings.max_payload_bytes = 3500;
  peer.connects();
  app.sends(8000);
  peer.expects(ack(1).len(3000).gso(1000));
  peer.expects(ack(1).len(3000).gso(1000));
  peer.expects(psh_ack().len(2000).gso(1000));
}

TEST_F(Sending, a_segment_has_at_most_eighteen_pieces) {
  peer.connects();
  for (int i = 0; i < 20; ++i) EXPECT_EQ(app.lends(150, own), 150u);
  peer.expects(ack(1).len(2000).pieces(14));  // 18 pieces hold 2700: whole segments of them
  peer.expects(psh_ack().len(1000).pieces(7));
  peer.nothing();
  peer.sends(ack(3001));
  peer.nothing();
  EXPECT_EQ(own.out(), 0u);
}

TEST_F(Sending, tiny_pieces_still_go) {
  peer.connects();
  for (int i = 0; i < 20; ++i) EXPECT_EQ(app.lends(10, own), 10u);
  peer.expects(ack(1).seq(1).len(180).pieces(18));
  peer.drains();
  peer.sends(ack(181));
  peer.drains();
  EXPECT_EQ(peer.connection().snd_nxt(), peer.our_iss + 201u);
}

TEST_F(Sending, what_is_sent_by_reference_is_released_when_acknowledged) {
  peer.connects();
  app.lends(500, own);
  app.lends(500, own);
  peer.expects(psh_ack().len(1000));
  peer.nothing();
  EXPECT_EQ(own.out(), 2u);
  EXPECT_EQ(peer.blocks.out(), 0u);
  peer.sends(ack(500));
  EXPECT_EQ(own.out(), 2u);
  peer.sends(ack(501));
  EXPECT_EQ(own.out(), 1u);
  peer.sends(ack(1001));
  EXPECT_EQ(own.out(), 0u);
}

TEST_F(Sending, a_small_slice_of_a_large_pooled_frame_is_copied) {
  own.pooled = true;
  peer.connects();
  app.lends(100, own, 65'536);
  EXPECT_EQ(own.out(), 0u);
  EXPECT_EQ(peer.blocks.out(), 1u);
  app.lends(20'000, own, 65'536);
  EXPECT_EQ(own.out(), 1u);
  own.scarce = true;
  app.lends(3000, own);
  EXPECT_EQ(own.out(), 1u);
  peer.drains();
}

TEST_F(Sending, the_send_buffer_has_a_size) {
  peer.settings.send_buffer_bytes = 4096;
  peer.connects();
  peer.connection().take_events();
  EXPECT_EQ(app.sends(5000), 4096u);
  EXPECT_EQ(peer.connection().send_space(), 0u);
  peer.drains();
  peer.sends(ack(1001));
  EXPECT_TRUE(app.hears(0));
  peer.sends(ack(3001));
  EXPECT_TRUE(app.hears(kWritable));
  EXPECT_EQ(peer.connection().send_space(), 3000u);
}

// --- Nagle --------------------------------------------------------------------------------------

TEST_F(Sending, RFC9293_SHLD_7_a_second_small_segment_waits) {
  peer.connects();
  app.sends(10);
  peer.expects(psh_ack().len(10));
  app.sends(10);
  peer.nothing();
  app.sends(10);
  peer.nothing();
  peer.sends(ack(11));
  peer.expects(psh_ack().seq(11).len(20));
}

TEST_F(Sending, RFC9293_SHLD_7_a_small_segment_follows_full_ones_at_once) {
  peer.connects();
  app.sends(1000);
  peer.expects(psh_ack().len(1000));
  app.sends(10);
  peer.expects(psh_ack().seq(1001).len(10));  // Minshall: no small one is outstanding
  app.sends(10);
  peer.nothing();
  app.sends(1000);
  peer.expects(ack(1).seq(1011).len(1000));
  peer.nothing();
}

TEST_F(Sending, RFC9293_MUST_17_nagle_can_be_turned_off) {
  peer.connects();
  peer.connection().set_nodelay(true);
  for (std::uint32_t i = 0; i < 5; ++i) {
    app.sends(10);
    peer.expects(psh_ack().seq(1 + 10 * i).len(10));
  }
}

TEST_F(Sending, RFC9293_MUST_17_nagle_can_be_off_from_the_start) {
  peer.settings.nagle = false;
  peer.connects();
  app.sends(10);
  peer.expects(psh_ack());
  app.sends(10);
  peer.expects(psh_ack());
}

TEST_F(Sending, RFC9293_MUST_60_a_close_lets_the_last_small_segment_go) {
  peer.connects();
  app.sends(10);
  peer.expects(psh_ack());
  app.sends(10);
  app.closes();
  peer.expects(fin_psh_ack().seq(11).len(10));
}

// --- windows ------------------------------------------------------------------------------------

TEST_F(Sending, RFC5681_R5681_1_never_beyond_the_window) {
  peer.connects();
  peer.sends(ack(1).win(2500));
  app.sends(9000);
  peer.expects(ack(1).len(2000).gso(1000));
  peer.nothing();
  peer.sends(ack(2001).win(2500));
  peer.expects(ack(1).seq(2001).len(2000));
  peer.nothing();
}

TEST_F(Sending, RFC9293_MUST_38_R9293_3_no_silly_segment_into_a_small_window) {
  peer.connects();
  app.sends(5000);
  peer.expects(psh_ack().len(5000));
  app.sends(5000);
  peer.expects(psh_ack().len(5000));
  peer.sends(ack(10'001).win(400));
  app.sends(5000);
  peer.nothing();
  peer.sends(ack(10'001).win(1000));
  peer.expects(ack(1).len(1000));
}

TEST_F(Sending, RFC9293_R9293_3_half_of_the_largest_window_is_enough) {
  peer.says.window = 800;
  peer.connects();
  app.sends(5000);
  peer.expects(ack(1).seq(1).len(800));
  peer.sends(ack(801).win(300));
  peer.nothing();
  peer.sends(ack(801).win(400));
  peer.expects(ack(1).seq(801).len(400));
}

TEST_F(Sending, RFC9293_R9293_3_the_override_timer_fills_a_small_window) {
  peer.connects();
  peer.sends(ack(1).win(100));
  app.sends(5000);
  peer.nothing();
  peer.at(200_ms);
  peer.expects(ack(1).seq(1).len(100));
  peer.nothing();
  peer.sends(ack(101).win(100));
  peer.nothing();
  peer.after(200_ms);  // again so soon: nothing was lost
  peer.expects(ack(1).seq(101).len(100));
}

TEST_F(Sending, RFC9293_R9293_3_what_the_override_sent_is_retransmitted_like_all_else) {
  peer.connects();
  peer.sends(ack(1).win(100));
  app.sends(5000);
  peer.nothing();
  peer.at(200_ms);
  peer.expects(ack(1).seq(1).len(100));
  peer.at(1200_ms);
  peer.expects(ack(1).seq(1).len(100));
  EXPECT_EQ(peer.connection().counters().timeouts, 1u);
  EXPECT_EQ(peer.connection().congestion().window(), 1000u);
}

TEST_F(Sending, RFC9293_MUST_34_SHLD_15_a_shrunk_window_takes_no_new_data) {
  peer.connects();
  app.sends(5000);
  peer.expects(psh_ack().len(5000));
  app.sends(1000);
  peer.expects(psh_ack().len(1000));
  peer.sends(ack(1001).win(2000));  // the edge was at 65536, is at 3001
  app.sends(1000);
  peer.nothing();
  peer.sends(ack(6001).win(2000));
  peer.expects(psh_ack().seq(6001).len(1000));
}

TEST_F(Sending, RFC9293_SHLD_16_a_shrunk_window_bounds_what_is_sent_again) {
  peer.connects();
  app.sends(5000);
  peer.expects(psh_ack().len(5000));
  peer.sends(ack(1).win(1500));
  peer.at(1_s);
  peer.expects(ack(1).seq(1).len(1000));
  peer.sends(ack(1001).win(500));
  peer.expects(ack(1).seq(1001).len(500));
  peer.nothing();
}

TEST_F(Sending, RFC9293_MUST_36_SHLD_29_SHLD_30_a_closed_window_is_probed_ever_more_slowly) {
  peer.connects();
  peer.sends(ack(1).win(0));
  app.sends(100);
  peer.nothing();
  peer.at(1_s);
  peer.expects(ack(1).seq(1).len(1));
  peer.sends(ack(1));
  peer.at(3_s);
  peer.expects(ack(1).seq(1).len(1));
  peer.at(7_s);
  peer.expects(ack(1).seq(1).len(1));
  peer.nothing();
}

TEST_F(Sending, RFC9293_MUST_35_a_refused_probe_and_a_window_that_opens) {
  peer.connects();
  peer.sends(ack(1).win(0));
  app.sends(100);
  peer.nothing();
  peer.at(1_s);
  peer.expects(ack(1).seq(1).len(1));
  peer.sends(ack(1).win(0));
  peer.nothing();
  peer.sends(ack(1).win(5000));
  peer.expects(ack(1).seq(1).len(1));
  peer.expects(psh_ack().seq(2).len(99));
  peer.nothing();
}

TEST_F(Sending, RFC9293_MUST_35_an_accepted_probe_and_a_window_that_opens) {
  peer.connects();
  peer.sends(ack(1).win(0));
  app.sends(100);
  peer.nothing();
  peer.at(1_s);
  peer.expects(ack(1).seq(1).len(1));
  peer.sends(ack(2).win(0));
  peer.nothing();
  peer.sends(ack(2).win(5000));
  peer.expects(psh_ack().seq(2).len(99));
  peer.nothing();
}

// Two window updates, and a closed window between them that came late.
TEST_F(Sending, RFC9293_MUST_35_a_stale_closed_window_makes_nothing_lost) {
  peer.connects();
  peer.sends(ack(1).win(0));
  app.sends(3000);
  peer.nothing();
  peer.sends(ack(1).win(5000));
  EXPECT_EQ(peer.drains(), 1u);
  peer.sends(ack(1).win(0));
  peer.nothing();
  peer.sends(ack(1).win(5000));
  peer.nothing();
  EXPECT_EQ(peer.connection().counters().retransmitted, 0u);
}

TEST_F(Sending, RFC9293_MUST_37_answered_probes_keep_a_connection_alive) {
  peer.settings.user_timeout = 30_s;
  peer.connects();
  peer.sends(ack(1).win(0));
  app.sends(100);
  for (int i = 0; i < 50; ++i) {
    while (peer.drains() == 0) peer.ignores_for(1_s);
    peer.sends(ack(1).win(0));
  }
  EXPECT_EQ(peer.state(), State::established);
  EXPECT_GT(peer.clock(), 1000_s);
  peer.sends(ack(1).win(1000));
  EXPECT_GT(peer.drains(), 0u);
  peer.sends(ack(101));
  EXPECT_EQ(peer.connection().snd_una(), peer.our_iss + 101u);
}

TEST_F(Sending, RFC9293_R9293_10_unanswered_probes_end_in_the_user_timeout) {
  peer.connects();
  peer.sends(ack(1).win(0));
  app.sends(100);
  peer.ignores_for(290_s);
  EXPECT_EQ(peer.state(), State::established);
  peer.ignores_for(70_s);
  EXPECT_EQ(peer.state(), State::closed);
  EXPECT_EQ(peer.connection().close_reason(), CloseReason::timed_out);
}

TEST_F(Sending, RFC5681_R5681_13_answers_to_probes_are_no_duplicates) {
  peer.connects();
  peer.sends(ack(1).win(0));
  app.sends(100);
  for (int i = 0; i < 6; ++i) {
    peer.ignores_for(i == 0 ? 1500_ms : 60_s);
    peer.sends(ack(1).win(0));
  }
  EXPECT_EQ(peer.connection().counters().fast_retransmits, 0u);
  EXPECT_EQ(peer.connection().congestion().window(), 10'000u);
}

TEST_F(Sending, RFC9293_SA_3_acks_stay_inside_a_window_that_refused_our_probe) {
  peer.says.window = 100;
  peer.connects();
  app.sends(100);
  peer.expects(psh_ack().seq(1).len(100));
  peer.sends(ack(101).win(0));
  app.sends(100);
  peer.nothing();
  peer.after(1_s);
  peer.expects(ack(1).seq(101).len(1));
  peer.sends(data(500).ack(101).win(0));
  peer.expects(ack(501).seq(101));  // at 102 the peer would have to drop it
}

// What was overtaken tells of less room than there is; who has taken what was sent since would not
// look at an ACK from before it, and neither would we at its own: for ever.
TEST_F(Sending, RFC9293_R9293_8_acks_come_from_the_largest_edge_that_was_offered) {
  peer.says.window = 100;
  peer.connects();
  peer.sends(ack(1).win(1000));
  app.sends(1000);
  peer.expects(psh_ack().seq(1).len(1000));
  peer.sends(ack(1).win(100));  // sent before
  peer.sends(data(500).ack(1).win(100));
  peer.expects(ack(501).seq(1001));
}

TEST_F(Sending, a_fin_waits_for_a_window_and_is_probed) {
  peer.connects();
  peer.sends(ack(1).win(0));
  app.closes();
  peer.nothing();
  peer.at(1_s);
  peer.expects(fin_ack().seq(1));
  peer.sends(ack(2).win(0));
  EXPECT_EQ(peer.state(), State::fin_wait_2);
  peer.nothing();
}

TEST_F(Sending, a_fin_does_not_pass_a_full_window) {
  peer.connects();
  peer.sends(ack(1).win(1000));
  app.sends(1000);
  app.closes();
  peer.expects(psh_ack().seq(1).len(1000));
  peer.nothing();
  peer.sends(ack(1001).win(1000));
  peer.expects(fin_ack().seq(1001).len(0));
}

TEST_F(Sending, RFC9293_MUST_16_sack_blocks_take_their_room_from_the_payload) {
  peer.says.sack = peer.says.timestamps = true;
  peer.connects();
  peer.sends(data(10).seq(101));
  peer.expects(ack(1).sack({{101, 111}}));
  app.sends(5000);
  peer.expects(psh_ack().sack({{101, 111}}).gso(976).len(5000));  // 12 and 12
}

}  // namespace
}  // namespace sluice::tcp
