// Keepalive, the user timeout, and what ICMP says.
#include "tests/support/peer.hpp"

namespace sluice::tcp {
namespace {

using namespace test;

class Keepalive : public Conversation {};

TEST_F(Keepalive, RFC9293_MUST_25_off_by_default) {
  peer.connects();
  peer.drains();
  EXPECT_TRUE(peer.connection().deadline().is_never());
}

TEST_F(Keepalive, RFC9293_MUST_28_the_interval_is_two_hours) {
  EXPECT_GE(Settings().keepalive_idle, Duration::seconds(7200));
}

TEST_F(Keepalive, RFC9293_MUST_24_MUST_26_MUST_27_SHLD_12_MAY_5_after_the_idle_time) {
  peer.connects();
  peer.connection().set_keepalive(100_s, peer.now());
  peer.at(100_s);
  peer.expects(ack(1).seq(0).len(0));
  peer.nothing();
  peer.sends(ack(1));
  peer.at(200_s);
  peer.expects(ack(1).seq(0).len(0));
}

TEST_F(Keepalive, RFC9293_MUST_24_it_can_be_switched_off) {
  peer.connects();
  peer.connection().set_keepalive(100_s, peer.now());
  peer.at(50_s);
  peer.connection().set_keepalive(Duration(), peer.now());
  peer.at(1000_s);
  peer.nothing();
}

TEST_F(Keepalive, RFC9293_MUST_26_what_was_heard_puts_it_off) {
  peer.connects();
  peer.connection().set_keepalive(100_s, peer.now());
  peer.at(60_s);
  peer.sends(ack(1));
  peer.at(160_s);
  peer.ignores_for(75_s);
  EXPECT_EQ(peer.state(), State::established);
}

TEST_F(Keepalive, RFC9293_MUST_26_not_while_something_is_outstanding) {
  peer.connects();
  peer.connection().set_keepalive(2_s, peer.now());
  app.sends(10);
  peer.expects(psh_ack());
  peer.at(1_s);
  peer.expects(psh_ack().seq(1));
  peer.at(3_s);
  peer.expects(psh_ack().seq(1));
  peer.nothing();
}

TEST_F(Keepalive, RFC9293_MUST_29_one_unanswered_probe_proves_nothing) {
  peer.connects();
  peer.connection().set_keepalive(100_s, peer.now());
  peer.at(100_s);
  peer.expects(ack(1).seq(0));
  for (int i = 1; i < 9; ++i) {
    peer.after(75_s);
    peer.expects(ack(1).seq(0));
    EXPECT_EQ(peer.state(), State::established);
  }
  peer.after(75_s);
  peer.expects(rst_ack().seq(1));
  EXPECT_EQ(peer.connection().close_reason(), CloseReason::timed_out);
}

TEST_F(Keepalive, RFC9293_MUST_27_answers_count_when_the_idle_time_is_below_the_interval) {
  peer.connects();
  peer.connection().set_keepalive(1_s, peer.now());
  peer.at(1_s);
  for (int i = 0; i < 30; ++i) {
    peer.expects(ack(1).seq(0));
    peer.sends(ack(1));
    peer.after(75_s);
  }
  EXPECT_EQ(peer.state(), State::established);
}

TEST_F(Keepalive, a_peers_probe_is_answered) {
  peer.connects();
  peer.sends(data(5));
  peer.expects(ack(6));
  peer.sends(ack(1).seq(5));
  peer.expects(ack(6).seq(1));
  peer.sends(data(1).seq(5));  // MAY-6: with a byte of garbage
  peer.expects(ack(6).seq(1));
  peer.nothing();
}

// --- giving up
// --------------------------------------------------------------------------------------

class GivingUp : public Conversation {};

TEST_F(GivingUp, RFC9293_MUST_20_SHLD_11_R9293_10_silence_ends_a_connection) {
  peer.connects();
  peer.connection().take_events();
  app.sends(10);
  peer.ignores_for(299_s);
  EXPECT_EQ(peer.state(), State::established);
  peer.ignores_for(1_s);
  EXPECT_EQ(peer.state(), State::closed);
  EXPECT_EQ(peer.connection().close_reason(), CloseReason::timed_out);
  EXPECT_TRUE(app.hears(kClosed));
  EXPECT_EQ(peer.blocks.out(), 0u);
}

TEST_F(GivingUp, RFC9293_MUST_21_the_application_sets_its_own_patience) {
  peer.connects();
  peer.connection().set_user_timeout(10_s);
  app.sends(10);
  peer.ignores_for(9900_ms);
  EXPECT_EQ(peer.state(), State::established);
  peer.ignores_for(100_ms);
  EXPECT_EQ(peer.connection().close_reason(), CloseReason::timed_out);
}

TEST_F(GivingUp, RFC9293_SHLD_10_three_retransmissions_are_borne) {
  peer.connects();
  app.sends(10);
  peer.ignores_for(8_s);
  EXPECT_GE(peer.connection().counters().timeouts, 3u);
  EXPECT_EQ(peer.state(), State::established);
}

TEST_F(GivingUp, RFC9293_MUST_20_progress_begins_the_count_anew) {
  peer.connects();
  peer.connection().set_user_timeout(10_s);
  app.sends(10'000);
  peer.drains();
  for (std::uint32_t i = 1; i <= 9; ++i) {
    peer.ignores_for(9_s);
    peer.sends(ack(1 + i * 1000));
  }
  EXPECT_EQ(peer.state(), State::established);
}

TEST_F(GivingUp, RFC9293_SHLD_17_data_beyond_a_shrunk_window_is_no_reason) {
  peer.connects();
  app.sends(5000);
  peer.drains();
  peer.sends(ack(1).win(0));
  for (int i = 0; i < 20; ++i) {
    peer.ignores_for(60_s);
    peer.sends(ack(1).win(0));
  }
  EXPECT_EQ(peer.state(), State::established);
}

// --- ICMP
// -------------------------------------------------------------------------------------------

class PathErrors : public Conversation {
 protected:
  DropReason hears(PathError error, std::uint32_t relative, std::uint32_t mtu = 0) {
    const DropReason reason = peer.connection().on_path_error(error, peer.our_iss + relative, mtu);
    peer.check(Where::current());
    return reason;
  }
};

TEST_F(PathErrors, RFC5927_R5927_1_what_is_not_in_flight_is_dropped) {
  peer.connects();
  EXPECT_EQ(hears(PathError::packet_too_big, 1, 576), DropReason::icmp_out_of_window);
  app.sends(2000);
  peer.drains();
  EXPECT_EQ(hears(PathError::packet_too_big, 0, 576), DropReason::icmp_out_of_window);
  EXPECT_EQ(hears(PathError::packet_too_big, 2001, 576), DropReason::icmp_out_of_window);
  EXPECT_EQ(peer.connection().send_mss(), 1000u);
  EXPECT_EQ(hears(PathError::packet_too_big, 2000, 576), DropReason::none);
  EXPECT_EQ(peer.connection().send_mss(), 536u);
}

// RFC 1191 R1191-2, R1191-5.
TEST_F(PathErrors, RFC9293_MUST_54_too_big_lowers_the_mss_and_sends_again) {
  peer.connects();
  app.sends(3000);
  peer.expects(psh_ack().len(3000).gso(1000));
  hears(PathError::packet_too_big, 1, 540);
  peer.expects(psh_ack().seq(1).len(3000).gso(500));
  peer.nothing();
  EXPECT_EQ(peer.connection().congestion().window(), 5000u);
}

TEST_F(PathErrors, RFC1191_R1191_3_it_never_raises) {
  peer.connects();
  app.sends(3000);
  peer.drains();
  EXPECT_EQ(hears(PathError::packet_too_big, 1, 1500), DropReason::none);
  EXPECT_EQ(peer.connection().send_mss(), 1000u);
  peer.nothing();
}

TEST_F(PathErrors, RFC1191_R1191_1_below_the_floor_it_is_dropped) {
  peer.connects();
  app.sends(3000);
  peer.drains();
  EXPECT_EQ(hears(PathError::packet_too_big, 1, 67), DropReason::icmp_out_of_window);
  EXPECT_EQ(peer.connection().send_mss(), 1000u);
}

TEST_F(PathErrors, RFC8201_R8201_1_below_1280_ipv6_drops_it) {
  peer.says.is_v6 = true;
  peer.says.mss = peer.our_mss = 1440;
  peer.connects();
  app.sends(3000);
  peer.drains();
  EXPECT_EQ(hears(PathError::packet_too_big, 1, 1279), DropReason::icmp_out_of_window);
  EXPECT_EQ(peer.connection().send_mss(), 1440u);
  EXPECT_EQ(hears(PathError::packet_too_big, 1, 1280), DropReason::none);
  EXPECT_EQ(peer.connection().send_mss(), 1220u);
}

TEST_F(PathErrors, RFC1191_R1191_2_an_old_router_names_no_mtu) {
  peer.connects();
  app.sends(3000);
  peer.drains();
  EXPECT_EQ(hears(PathError::packet_too_big, 1, 0), DropReason::none);
  EXPECT_EQ(peer.connection().send_mss(), 1006u - 40);  // the plateau below 1040
  EXPECT_EQ(hears(PathError::packet_too_big, 1, 0), DropReason::none);
  EXPECT_EQ(peer.connection().send_mss(), 508u - 40);
}

TEST_F(PathErrors, RFC5927_R5927_4_what_has_passed_before_is_doubted_until_it_times_out) {
  peer.connects();
  app.sends(3000);
  peer.drains();
  peer.sends(ack(3001));
  app.sends(3000);
  peer.drains();
  EXPECT_EQ(hears(PathError::packet_too_big, 3001, 540), DropReason::none);
  EXPECT_EQ(peer.connection().send_mss(), 1000u);
  peer.at(1_s);
  peer.expects(ack(1).seq(3001).len(500));
  EXPECT_EQ(peer.connection().send_mss(), 500u);
}

TEST_F(PathErrors, RFC5927_R5927_4_and_forgotten_when_it_arrives) {
  peer.connects();
  app.sends(3000);
  peer.drains();
  peer.sends(ack(3001));
  app.sends(3000);
  peer.drains();
  hears(PathError::packet_too_big, 3001, 540);
  peer.sends(ack(6001));
  app.sends(3000);
  peer.drains();
  peer.at(1_s);
  peer.expects(ack(1).seq(6001).len(1000));
  EXPECT_EQ(peer.connection().send_mss(), 1000u);
}

TEST_F(PathErrors, a_smaller_mss_while_a_loss_is_repaired) {
  peer.says.sack = true;
  peer.connects();
  app.sends(10'000);
  peer.drains();
  peer.sends(ack(1).sack({{5001, 9001}}));
  peer.drains();
  EXPECT_EQ(hears(PathError::packet_too_big, 1, 540), DropReason::none);
  for (int i = 0; i < 30 && peer.connection().snd_una() != peer.our_iss + 10'001u; ++i) {
    peer.ignores_for(300_ms);
    const std::uint32_t una = distance(peer.our_iss, peer.connection().snd_una());
    peer.sends(ack(std::min(una + 1000, 10'001u)));
  }
  EXPECT_EQ(peer.connection().snd_una(), peer.our_iss + 10'001u);
}

TEST_F(PathErrors, a_syn_is_never_too_big) {
  peer.reaches(State::syn_received);
  EXPECT_EQ(hears(PathError::packet_too_big, 0, 600), DropReason::icmp_out_of_window);
  peer.sends(ack(1).seq(1));
  app.sends(1000);
  peer.expects(psh_ack().seq(1).len(1000));
}

TEST_F(PathErrors, RFC9293_MUST_56_soft_errors_do_not_abort) {
  peer.reaches(State::syn_sent);
  EXPECT_EQ(hears(PathError::host_unreachable, 0), DropReason::none);
  EXPECT_EQ(peer.state(), State::syn_sent);
}

TEST_F(PathErrors, RFC9293_SHLD_26_a_hard_error_refuses_an_attempt) {
  peer.reaches(State::syn_sent);
  hears(PathError::port_unreachable, 0);
  EXPECT_EQ(peer.connection().close_reason(), CloseReason::refused);
}

TEST_F(PathErrors, RFC5927_R5927_3_a_hard_error_does_not_end_a_connection) {
  peer.connects();
  app.sends(10);
  peer.drains();
  EXPECT_EQ(hears(PathError::port_unreachable, 1), DropReason::none);
  EXPECT_EQ(peer.state(), State::established);
}

}  // namespace
}  // namespace sluice::tcp
