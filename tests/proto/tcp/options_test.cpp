// What an application chooses for one connection.
#include "tests/support/peer.hpp"

namespace sluice::tcp {
namespace {

using namespace test;

constexpr SendFlags kMore{.more = true};

class Options : public Conversation {
 protected:
  // As app.sends(), with flags.
  void sends(std::uint32_t count, SendFlags flags) {
    Stream bytes(count);
    Stream& stream = peer.app_stream();
    for (std::uint32_t i = 0; i < count; ++i) bytes[i] = pattern_byte(stream.size() + i);
    EXPECT_EQ(peer.connection().send(Bytes(bytes), flags), count);
    stream.insert(stream.end(), bytes.begin(), bytes.end());
  }
};

// --- cork and MSG_MORE ---------------------------------------------------------------------------

TEST_F(Options, a_cork_holds_back_what_fills_no_segment) {
  peer.connects();
  peer.connection().set_cork(true);
  app.sends(2500);
  peer.expects(ack(1).seq(1).len(2000).gso(1000));
  peer.nothing();
  peer.connection().set_cork(false);
  peer.sends(ack(2001));
  peer.expects(psh_ack().seq(2001).len(500));
}

TEST_F(Options, RFC9293_MUST_60_a_cork_holds_for_200_ms_at_most) {
  peer.connects();
  peer.connection().set_cork(true);
  app.sends(500);
  peer.nothing();
  peer.after(200_ms);
  peer.expects(psh_ack().seq(1).len(500));
}

TEST_F(Options, a_fin_pulls_the_cork) {
  peer.connects();
  peer.connection().set_cork(true);
  app.sends(500);
  app.shuts_down();
  peer.expects(fin_psh_ack().seq(1).len(500));
}

TEST_F(Options, nodelay_sends_what_is_corked_and_leaves_the_cork) {
  peer.connects();
  peer.connection().set_cork(true);
  app.sends(500);
  peer.nothing();
  peer.connection().set_nodelay(true);
  peer.expects(psh_ack().seq(1).len(500));
  app.sends(300);
  peer.nothing();
  peer.connection().set_cork(false);
  peer.expects(psh_ack().seq(501).len(300));
}

TEST_F(Options, more_holds_back_as_a_cork_does) {
  peer.connects();
  sends(1500, kMore);
  peer.expects(ack(1).seq(1).len(1000));
  peer.nothing();
  app.sends(500);
  peer.expects(psh_ack().seq(1001).len(1000));
}

TEST_F(Options, RFC9293_MUST_61_what_is_followed_by_more_is_not_pushed) {
  peer.connects();
  sends(1000, kMore);
  peer.expects(ack(1).seq(1).len(1000));
  peer.nothing();
}

// --- buffers
// ---------------------------------------------------------------------------------------

TEST_F(Options, a_fixed_receive_buffer_does_not_grow) {
  peer.connects();
  peer.connection().set_receive_buffer(8000);
  for (int i = 0; i < 100; ++i) {
    peer.sends(data(1000));
    app.reads_all();
    peer.drains();
    peer.ignores_for(1_ms);
  }
  EXPECT_EQ(peer.connection().receive_buffer_bytes(), 8000u);
  EXPECT_LE(peer.connection().rcv_wnd(), 65'535u);
}

// RFC 9293 SHLD-14.
TEST_F(Options, RFC9293_SHLD_14_a_smaller_receive_buffer_leaves_the_window_that_was_offered) {
  peer.connects();
  peer.connection().set_receive_buffer(8000);
  peer.sends(data(1000));
  peer.expects(ack(1001).win(64'535));
}

TEST_F(Options, a_receive_buffer_larger_than_the_limit_can_be_told) {
  peer.settings.receive_buffer_bytes = 65'535;
  peer.says.scale = 0;
  peer.open_options = [](Connection& connection) { connection.set_receive_buffer(1 << 20); };
  peer.opens();
  EXPECT_EQ(peer.connection().snapshot().rcv_wscale, 5);
}

TEST_F(Options, a_fixed_send_buffer_takes_no_more) {
  peer.connects();
  peer.connection().set_send_buffer(3000);
  EXPECT_EQ(app.sends(5000), 3000u);
  peer.drains();
  peer.sends(ack(3001));
  EXPECT_EQ(peer.connection().send_space(), 3000u);
}

TEST_F(Options, settings_without_tuning_leave_buffers_as_they_start) {
  peer.settings.autotune_receive = peer.settings.autotune_send = false;
  peer.settings.initial_send_buffer_bytes = 20'000;
  peer.connects();
  EXPECT_EQ(app.sends(30'000), 20'000u);
  for (std::uint32_t at = 1000; at <= 20'000; at += 1000) {
    peer.drains();
    peer.sends(ack(at + 1));
  }
  EXPECT_EQ(peer.connection().send_buffer_bytes(), 20'000u);
  EXPECT_EQ(peer.connection().receive_buffer_bytes(), 65'535u);
}

TEST_F(Options, who_has_little_unsent_may_send) {
  peer.connects();
  peer.connection().set_unsent_low_water(4000);
  EXPECT_EQ(app.sends(60'000), 42'000u);  // what the window takes, and a burst of half the peer's
  EXPECT_FALSE(peer.connection().is_writable());
  peer.connection().take_events();
  peer.expects(ack(1).seq(1).len(10'000));
  peer.sends(ack(10'001));
  peer.expects(ack(1).len(20'000));
  EXPECT_TRUE(app.hears(0));
  peer.sends(ack(30'001));
  peer.expects(psh_ack().len(12'000));
  EXPECT_TRUE(app.hears(kWritable));
}

// --- segments and acknowledgements
// -----------------------------------------------------------------

TEST_F(Options, RFC9293_MUST_14_the_largest_segment_is_told_in_the_syn) {
  peer.open_options = [](Connection& connection) { connection.set_max_segment(600); };
  peer.called();
  peer.expects(syn());
  EXPECT_EQ(peer.last().options.mss, 600);
}

TEST_F(Options, a_largest_segment_set_later_bounds_what_is_sent) {
  peer.connects();
  peer.connection().set_max_segment(400);
  app.sends(1000);
  peer.expects(psh_ack().len(1000).gso(400));
}

TEST_F(Options, the_largest_segment_has_a_floor) {
  peer.connects();
  peer.connection().set_max_segment(1);
  EXPECT_EQ(peer.connection().send_mss(), kMinSendMss);
}

TEST_F(Options, RFC9293_SHLD_18_no_quick_acks_delay_the_first) {
  peer.settings.quick_acks = 0;
  peer.connects();
  peer.sends(data(1000));
  peer.nothing();
  peer.sends(data(1000));
  peer.expects(ack(2001));
}

TEST_F(Options, quick_acks_pay_at_once) {
  peer.settings.quick_acks = 0;
  peer.connects();
  peer.sends(data(1000));
  peer.nothing();
  peer.connection().set_quick_ack(true);
  peer.expects(ack(1001));
  peer.sends(data(1000));
  peer.expects(ack(2001));
  peer.connection().set_quick_ack(false);
  peer.sends(data(1000));
  peer.nothing();
}

// --- patience
// --------------------------------------------------------------------------------------

TEST_F(Options, RFC9293_MUST_22_so_many_syns_and_no_more) {
  peer.open_options = [](Connection& connection) { connection.set_syn_retries(2); };
  peer.called();
  peer.expects(syn());
  peer.at(1_s);
  peer.expects(syn());
  peer.at(3_s);
  peer.expects(syn());
  peer.at(7_s);
  peer.nothing();
  EXPECT_EQ(peer.connection().close_reason(), CloseReason::timed_out);
}

TEST_F(Options, a_listener_repeats_its_syn_ack_so_often) {
  peer.settings.syn_ack_retries = 1;
  peer.opens();
  peer.expects(syn_ack());
  peer.at(1_s);
  peer.expects(syn_ack());
  peer.at(3_s);
  peer.nothing();
  EXPECT_EQ(peer.connection().close_reason(), CloseReason::timed_out);
}

TEST_F(Options, RFC9293_MUST_21_the_user_timeout_bounds_a_syn) {
  peer.open_options = [](Connection& connection) { connection.set_user_timeout(5_s); };
  peer.called();
  EXPECT_EQ(peer.ignores_for(10_s), 3u);
  EXPECT_EQ(peer.connection().close_reason(), CloseReason::timed_out);
}

TEST_F(Options, RFC9293_MUST_27_interval_and_count_of_keepalives) {
  peer.connects();
  peer.connection().set_keepalive(10_s, peer.now());
  peer.connection().set_keepalive_interval(2_s);
  peer.connection().set_keepalive_probes(2);
  peer.at(10_s);
  peer.expects(ack(1).seq(0));
  peer.at(12_s);
  peer.expects(ack(1).seq(0));
  peer.at(14_s);
  peer.expects(rst_ack());
  EXPECT_EQ(peer.connection().close_reason(), CloseReason::timed_out);
}

TEST_F(Options, fin_wait_2_lasts_as_long_as_asked) {
  peer.connects();
  peer.connection().set_fin_wait_2_timeout(3_s);
  app.closes();
  peer.expects(fin_ack());
  peer.sends(ack(2));
  peer.at(3_s);
  EXPECT_EQ(peer.state(), State::closed);
}

// --- the end
// ---------------------------------------------------------------------------------------

TEST_F(Options, what_was_received_can_be_read_after_a_reset) {
  peer.open_options = [](Connection& connection) { connection.set_keep_unread(true); };
  peer.connects();
  peer.sends(data(100));
  peer.sends(rst());
  EXPECT_EQ(peer.connection().close_reason(), CloseReason::reset);
  EXPECT_TRUE(peer.connection().was_reset());
  EXPECT_EQ(peer.connection().ended_in(), State::established);
  app.reads(100);
  EXPECT_FALSE(peer.connection().at_end());
}

TEST_F(Options, who_aborts_reads_no_more) {
  peer.open_options = [](Connection& connection) { connection.set_keep_unread(true); };
  peer.connects();
  peer.sends(data(100));
  app.aborts();
  EXPECT_EQ(peer.connection().readable(), 0u);
  EXPECT_FALSE(peer.connection().was_reset());
}

TEST_F(Options, RFC9293_SHLD_3_who_is_deaf_resets_text_once_its_fin_is_out) {
  peer.connects();
  peer.connection().stop_receiving();
  EXPECT_EQ(peer.sends(data(10)), DropReason::none);
  app.shuts_down();
  peer.drains();
  EXPECT_EQ(peer.sends(data(10).ack(2)), DropReason::tcp_after_close);
  peer.expects(rst().seq(2));
  EXPECT_EQ(peer.connection().close_reason(), CloseReason::reset);
}

TEST_F(Options, a_deferred_accept_waits_for_text) {
  peer.open_options = [](Connection& connection) { connection.set_defer_accept(2); };
  peer.opens();
  peer.expects(syn_ack());
  peer.sends(ack(1));
  EXPECT_EQ(peer.state(), State::syn_received);
  peer.at(2_s);  // nothing is repeated to who has heard
  peer.sends(data(10));
  EXPECT_EQ(peer.state(), State::established);
}

TEST_F(Options, a_deferred_accept_gives_a_last_chance) {
  peer.open_options = [](Connection& connection) { connection.set_defer_accept(2); };
  peer.opens();
  peer.expects(syn_ack());
  peer.sends(ack(1));
  peer.at(1_s);
  peer.nothing();
  peer.at(3_s);
  peer.expects(syn_ack());
  peer.sends(ack(1));
  EXPECT_EQ(peer.state(), State::established);
}

// --- errors of the path
// ----------------------------------------------------------------------------

// RFC 9293 MUST-47, SHLD-25.
TEST_F(Options, RFC9293_MUST_47_a_soft_error_tells_why_it_timed_out) {
  peer.connects();
  peer.connection().set_user_timeout(5_s);
  app.sends(10);
  peer.drains();
  peer.connection().on_path_error(PathError::host_unreachable, peer.our_iss + 1u, 0);
  EXPECT_EQ(peer.connection().path_error(), PathError::host_unreachable);
  peer.ignores_for(10_s);
  EXPECT_EQ(peer.connection().close_reason(), CloseReason::unreachable);
  EXPECT_EQ(peer.connection().path_error(), PathError::host_unreachable);
}

TEST_F(Options, a_soft_error_is_forgotten_when_the_peer_answers) {
  peer.connects();
  app.sends(10);
  peer.drains();
  peer.connection().on_path_error(PathError::net_unreachable, peer.our_iss + 1u, 0);
  peer.sends(ack(11));
  EXPECT_EQ(peer.connection().path_error(), std::nullopt);
}

TEST_F(Options, a_soft_error_can_be_taken) {
  peer.connects();
  app.sends(10);
  peer.drains();
  peer.connection().on_path_error(PathError::net_unreachable, peer.our_iss + 1u, 0);
  EXPECT_EQ(peer.connection().take_path_error(), PathError::net_unreachable);
  EXPECT_EQ(peer.connection().path_error(), std::nullopt);
}

TEST_F(Options, RFC5461_R5461_1_attempts_can_end_with_soft_errors) {
  peer.settings.gives_up_unreachable = true;
  peer.called();
  peer.expects(syn());
  peer.connection().on_path_error(PathError::host_unreachable, peer.our_iss, 0);
  EXPECT_EQ(peer.connection().close_reason(), CloseReason::unreachable);
}

TEST(PathErrorOf, RFC1122_R1122_6_each_code_of_icmp_has_its_meaning) {
  const auto v4 = [](std::uint8_t type, std::uint8_t code) {
    return path_error_of({type, code, 0}, false);
  };
  const auto v6 = [](std::uint8_t type, std::uint8_t code) {
    return path_error_of({type, code, 0}, true);
  };
  EXPECT_EQ(v4(3, 0), PathError::net_unreachable);
  EXPECT_EQ(v4(3, 3), PathError::port_unreachable);
  EXPECT_EQ(v4(3, 4), PathError::packet_too_big);
  EXPECT_EQ(v4(3, 13), PathError::prohibited);
  EXPECT_EQ(v4(3, 16), std::nullopt);
  EXPECT_EQ(v4(4, 0), std::nullopt);  // source quench
  EXPECT_EQ(v4(11, 0), PathError::time_exceeded);
  EXPECT_EQ(v4(12, 0), PathError::parameter_problem);
  EXPECT_EQ(v6(1, 0), PathError::net_unreachable);
  EXPECT_EQ(v6(1, 4), PathError::port_unreachable);
  EXPECT_EQ(v6(1, 7), std::nullopt);
  EXPECT_EQ(v6(2, 0), PathError::packet_too_big);
  EXPECT_EQ(v6(3, 0), PathError::time_exceeded);
  EXPECT_EQ(v6(128, 0), std::nullopt);
}

// --- reading
// ---------------------------------------------------------------------------------------

TEST_F(Options, what_is_peeked_can_be_read_again) {
  peer.connects();
  peer.sends(data("hello"));
  peer.sends(data(" world"));
  Stream into(20);
  EXPECT_EQ(peer.connection().peek(into), 11u);
  EXPECT_EQ(std::string(into.begin(), into.begin() + 11), "hello world");
  EXPECT_EQ(peer.connection().peek(into, 4), 7u);
  EXPECT_EQ(std::string(into.begin(), into.begin() + 7), "o world");
  EXPECT_EQ(peer.connection().peek(into, 11), 0u);
  EXPECT_EQ(peer.connection().peek(MutableBytes(into).first(3), 3), 3u);
  EXPECT_EQ(std::string(into.begin(), into.begin() + 3), "lo ");
  app.reads(11);
  peer.drains();
}

}  // namespace
}  // namespace sluice::tcp
