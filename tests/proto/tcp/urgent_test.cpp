// Urgent data (RFC 9293 3.8.5, RFC 6093), both ways.
#include "tests/support/peer.hpp"

namespace sluice::tcp {
namespace {

using namespace test;

constexpr SendFlags kUrgently{.urgent = true};

class Urgent6093 : public Conversation {
 protected:
  Connection& tcp() { return peer.connection(); }
  // As a socket does: the urgent byte is no part of the stream.
  void out_of_line() { tcp().set_urgent_inline(false); }
  // What one read gives.
  std::string reads() {
    const Slice slice = tcp().read(UINT32_MAX);
    return {slice.bytes().begin(), slice.bytes().end()};
  }
  void hears_urgent() { EXPECT_TRUE(app.hears(kUrgent)); }
  void hears_urgent_byte() { EXPECT_TRUE(app.hears(kUrgent | kReadable)); }
  std::optional<std::uint8_t> peeks() { return tcp().take_urgent_byte(true); }
  void connects() {
    peer.connects();
    EXPECT_TRUE(app.hears(kOpened));
  }
};

// --- sending ------------------------------------------------------------------------------------

TEST_F(Urgent6093, RFC9293_MUST_62_the_pointer_counts_to_the_byte_behind_the_last_urgent_one) {
  // MUST-30.
  connects();
  app.sends(100, kUrgently);
  peer.expects(psh_ack().seq(1).len(100).urg(100));
  peer.sends(ack(101));
  app.sends(10);
  peer.expects(psh_ack().seq(101).len(10).urg_off());
}

TEST_F(Urgent6093, RFC9293_MUST_62_what_lies_in_front_of_the_urgent_data_points_to_its_end) {
  connects();
  app.sends(2500);
  app.sends(1, kUrgently);
  app.sends(10);
  peer.expects(ack().seq(1).len(1000).urg(2501));
  peer.expects(ack().seq(1001).len(1000).urg(1501));
  peer.expects(psh_ack().seq(2001).len(511).urg(501));
  app.sends(10);
  peer.expects(psh_ack().seq(2512).len(10).urg_off());
}

TEST_F(Urgent6093, RFC9293_MUST_31_urgent_data_may_be_longer_than_the_pointer_can_say) {
  connects();
  app.sends(70'000, kUrgently);
  for (std::uint32_t seq = 1; seq < 70'001; seq += 1000) {
    const bool is_last = seq == 69'001;
    const std::uint32_t ahead = std::min(70'001 - seq, 65'535U);
    peer.expects((is_last ? psh_ack() : ack()).seq(seq).len(1000).urg(ahead));
    peer.sends(ack(seq + 1000));
  }
}

TEST_F(Urgent6093, RFC9293_MUST_62_a_hint_never_points_to_what_was_sent_as_not_urgent) {
  peer.settings.max_payload_bytes = 0;
  peer.says.scale = 7;
  peer.settings.initial_window_segments = 100;
  connects();
  app.sends(66'000);
  EXPECT_EQ(peer.drains(), 66U);
  app.sends(10, kUrgently);
  peer.expects(psh_ack().seq(66'001).urg(10));
  peer.at(1_s);
  peer.expects(ack().seq(1).len(1000).urg_off());
}

TEST_F(Urgent6093, RFC9293_MUST_30_what_is_sent_again_says_so_again) {
  connects();
  app.sends(10);
  peer.expects(psh_ack().seq(1).len(10).urg_off());
  app.sends(10, kUrgently);
  peer.expects(psh_ack().seq(11).len(10).urg(10));
  peer.at(1_s);
  peer.expects(psh_ack().seq(1).len(20).urg(20));
}

TEST_F(Urgent6093, RFC6093_no_super_segment_carries_a_pointer) {
  connects();
  app.sends(2000);
  peer.expects(psh_ack().len(2000).gso(1000));
  app.sends(3000, kUrgently);
  peer.expects(ack().seq(2001).len(1000).gso(0).urg(3000));
  peer.expects(ack().seq(3001).len(1000).gso(0).urg(2000));
  peer.expects(psh_ack().seq(4001).len(1000).gso(0).urg(1000));
  peer.sends(ack(5001));
  app.sends(2000);
  peer.expects(psh_ack().len(2000).gso(1000).urg_off());
}

TEST_F(Urgent6093, RFC9293_MUST_17_nagle_and_cork_do_not_hold_back_what_is_urgent) {
  connects();
  tcp().set_cork(true);
  app.sends(10);
  peer.nothing();
  app.sends(1, kUrgently);
  peer.expects(psh_ack().seq(1).len(11).urg(11));
}

TEST_F(Urgent6093, RFC9293_MUST_66_a_closed_window_does_not_keep_it_secret) {
  connects();
  peer.sends(ack(1).win(0));
  app.sends(10, kUrgently);
  peer.nothing();
  peer.sends(data(10));
  peer.expects(ack(11).seq(1).urg(10));
  peer.at(1_s);
  peer.expects(ack().seq(1).len(1).urg(10));
}

TEST_F(Urgent6093, RFC9293_MUST_66_a_probe_without_text_comes_with_one_that_tells) {
  peer.settings.as_linux = true;
  connects();
  peer.sends(ack(1).win(0));
  app.sends(10, kUrgently);
  for (int probes = 0; probes < 2; ++probes) {
    peer.nothing();
    peer.at(tcp().deadline() - Peer::kStart);
    peer.expects(ack().seq(1).len(0).urg(10));
    peer.expects(ack().seq(0).len(0).urg(11));
    peer.nothing();
    peer.sends(ack(1));
  }
}

TEST_F(Urgent6093, RFC9293_MUST_30_it_waits_for_the_handshake) {
  peer.called();
  app.sends(10, kUrgently);
  peer.expects(syn().urg_off());
  peer.answers();
  peer.expects(psh_ack().seq(1).len(10).urg(10));
}

// --- receiving ----------------------------------------------------------------------------------

TEST_F(Urgent6093, RFC9293_MUST_32_the_application_hears_of_each_pointer_that_advances) {
  // SA-23.
  connects();
  peer.sends(ack(1).urg(20));
  hears_urgent();
  EXPECT_EQ(tcp().urgent_byte(), UrgentByte::awaited);
  peer.sends(ack(1).urg(20));
  peer.sends(ack(1).urg(10));
  EXPECT_TRUE(app.hears(0));
  peer.sends(ack(1).urg(30));
  hears_urgent();
  peer.sends(data(25).urg(30));
  EXPECT_TRUE(app.hears(kReadable));
  peer.sends(data(5).urg(5));
  hears_urgent_byte();
  EXPECT_EQ(tcp().urgent_byte(), UrgentByte::here);
}

TEST_F(Urgent6093, RFC9293_MUST_33_how_much_urgent_data_remains_can_be_asked) {
  connects();
  EXPECT_EQ(tcp().bytes_to_mark(), std::nullopt);
  peer.sends(data(10).urg(20));
  EXPECT_EQ(tcp().bytes_to_mark(), 19U);
  app.reads(4);
  EXPECT_EQ(tcp().bytes_to_mark(), 15U);
  peer.sends(data(10).urg(10));
  app.reads(15);
  EXPECT_TRUE(tcp().at_urgent_mark());
  app.reads(1);
  EXPECT_EQ(tcp().bytes_to_mark(), std::nullopt);
  EXPECT_EQ(tcp().urgent_byte(), UrgentByte::none);
}

TEST_F(Urgent6093, RFC6093_in_line_a_read_stops_in_front_of_the_urgent_byte) {
  connects();
  peer.sends(data("abcdXefg").urg(5));
  EXPECT_EQ(reads(), "abcd");
  EXPECT_TRUE(tcp().at_urgent_mark());
  EXPECT_EQ(reads(), "Xefg");
}

TEST_F(Urgent6093, RFC6093_out_of_line_it_is_left_out) {
  connects();
  out_of_line();
  peer.sends(data("abcdXefg").urg(5));
  EXPECT_EQ(peeks(), 'X');
  EXPECT_EQ(tcp().take_urgent_byte(), 'X');
  EXPECT_EQ(tcp().urgent_byte(), UrgentByte::taken);
  EXPECT_EQ(tcp().take_urgent_byte(), std::nullopt);
  EXPECT_EQ(tcp().next_run().length, 4U);
  EXPECT_EQ(reads(), "abcd");
  EXPECT_EQ(tcp().next_run().skipped, 1U);
  EXPECT_EQ(tcp().next_run().length, 3U);
  EXPECT_EQ(reads(), "efg");
  EXPECT_EQ(tcp().urgent_byte(), UrgentByte::none);
}

TEST_F(Urgent6093, RFC6093_nothing_but_an_urgent_byte_is_read_past) {
  connects();
  out_of_line();
  peer.sends(data("X").urg(1));
  EXPECT_EQ(tcp().read(0).size(), 0U);
  EXPECT_EQ(tcp().urgent_byte(), UrgentByte::here);
  EXPECT_EQ(reads(), "");
  EXPECT_EQ(tcp().urgent_byte(), UrgentByte::none);
  EXPECT_EQ(tcp().readable(), 0U);
}

TEST_F(Urgent6093, RFC6093_a_newer_pointer_makes_the_older_byte_an_ordinary_one) {
  connects();
  out_of_line();
  peer.sends(data("abXcd").urg(3));
  peer.sends(data("efYgh").urg(3));
  EXPECT_EQ(tcp().take_urgent_byte(), 'Y');
  EXPECT_EQ(reads(), "abXcd");
  EXPECT_EQ(reads(), "ef");
  EXPECT_EQ(reads(), "gh");
}

TEST_F(Urgent6093, RFC6093_a_byte_that_the_next_read_would_leave_out_stays_out) {
  connects();
  out_of_line();
  peer.sends(data("X").urg(1));
  peer.sends(data("Y").urg(1));
  EXPECT_EQ(tcp().readable(), 1U);
  EXPECT_EQ(tcp().take_urgent_byte(), 'Y');
}

TEST_F(Urgent6093, RFC6093_an_urgent_byte_beyond_a_gap_is_awaited) {
  connects();
  out_of_line();
  peer.sends(data("dX").seq(4).urg(2));
  hears_urgent();
  EXPECT_EQ(tcp().urgent_byte(), UrgentByte::awaited);
  peer.sends(data("abc").seq(1));
  hears_urgent_byte();
  EXPECT_EQ(tcp().take_urgent_byte(), 'X');
  EXPECT_EQ(reads(), "abc");
  EXPECT_EQ(reads(), "d");
}

TEST_F(Urgent6093, RFC9293_MUST_66_a_closed_window_lets_the_pointer_in) {
  // SA-2.
  peer.settings.receive_buffer_bytes = 4096;
  connects();
  peer.sends(data(4096));
  peer.expects(ack(4097).win(0));
  EXPECT_TRUE(app.hears(kReadable));
  peer.sends(ack(1).urg(5));
  hears_urgent();
  peer.sends(data(1).urg(9));  // a window probe
  hears_urgent();
  EXPECT_EQ(tcp().bytes_to_mark(), 4096U + 8U);
}

TEST_F(Urgent6093, RFC9293_SA_23_an_old_pointer_says_nothing) {
  connects();
  peer.sends(data(100));
  EXPECT_TRUE(app.hears(kReadable));
  peer.sends(ack(1).urg(0));
  peer.sends(data(50).seq(51).urg(20));  // all of it came before
  peer.sends(data(60).seq(51).urg(0));   // some of it
  EXPECT_TRUE(app.hears(kReadable));
  peer.sends(ack(1).seq(5000).urg(0));  // one byte in front of it
  EXPECT_EQ(tcp().bytes_to_mark(), 4999U - 1U);
  EXPECT_EQ(reads().size() + reads().size(), 110U);
}

TEST_F(Urgent6093, RFC9293_SA_23_a_pointer_beyond_the_end_hides_nothing) {
  connects();
  out_of_line();
  peer.sends(data(10).flag(wire::kFin).urg(60'000));
  EXPECT_EQ(tcp().urgent_byte(), UrgentByte::awaited);
  EXPECT_EQ(reads().size(), 10U);
  EXPECT_TRUE(tcp().at_end());
  EXPECT_EQ(reads(), "");
}

TEST_F(Urgent6093, RFC9293_SA_23_a_pointer_to_the_fin_hides_nothing) {
  connects();
  out_of_line();
  peer.sends(data("ab").flag(wire::kFin).urg(3));
  EXPECT_EQ(reads(), "ab");
  EXPECT_TRUE(tcp().at_urgent_mark());
  EXPECT_EQ(reads(), "");
  EXPECT_TRUE(tcp().at_end());
}

TEST_F(Urgent6093, RFC9293_SA_23_nothing_is_urgent_to_those_who_have_gone) {
  connects();
  app.closes();
  peer.expects(fin_ack());
  app.hears(0);
  peer.sends(ack(2).urg(5));
  EXPECT_TRUE(app.hears(0));
}

TEST_F(Urgent6093, RFC9293_SA_23_a_reset_takes_it_along) {
  connects();
  out_of_line();
  peer.sends(data("abXcd").urg(3));
  peer.sends(rst());
  EXPECT_EQ(tcp().urgent_byte(), UrgentByte::none);
  EXPECT_EQ(tcp().take_urgent_byte(), std::nullopt);
  EXPECT_EQ(reads(), "");
}

// Any pointer in any state, at any place: nothing but the mark comes of it.
class UrgentInState : public Urgent6093, public ::testing::WithParamInterface<State> {};

TEST_P(UrgentInState, RFC9293_SA_23_any_pointer_is_harmless) {
  peer.reaches(GetParam());
  for (const std::uint32_t pointer : {0U, 1U, 2U, 100U, 0x7fffU, 0xffffU}) {
    for (const std::uint32_t seq : {0U, 1U, 2U, 3U, 900U, 65'000U, 66'000U, 0x8000'0000U}) {
      for (const std::uint32_t length : {0U, 1U, 90U}) {
        peer.sends(data(length).seq(seq).urg(pointer));
        peer.drains();
        EXPECT_LE(tcp().bytes_to_mark().value_or(0), tcp().readable() + tcp().rcv_wnd() + 0xffff);
        tcp().take_urgent_byte(true);
        EXPECT_LE(tcp().next_run().length, tcp().readable());
      }
    }
    tcp().set_urgent_inline(pointer % 2 == 0);
    while (tcp().readable() > 0) reads();
  }
}

INSTANTIATE_TEST_SUITE_P(States, UrgentInState,
                         ::testing::Values(State::syn_sent, State::syn_received, State::established,
                                           State::fin_wait_1, State::fin_wait_2, State::close_wait,
                                           State::closing, State::last_ack, State::time_wait));

}  // namespace
}  // namespace sluice::tcp
