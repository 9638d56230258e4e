// RFC 2018 and RFC 2883: what we tell of what we hold.
#include "tests/support/peer.hpp"

namespace sluice::tcp {
namespace {

using namespace test;

class Sack : public Conversation {
 protected:
  Sack() { peer.says.sack = true; }
};

TEST_F(Sack, RFC2018_R2018_4_a_fin_beyond_a_gap_is_told_as_well) {
  peer.connects();
  peer.sends(data(100).seq(51));
  peer.expects(ack(1).sack({{51, 151}}));
  peer.sends(fin_ack().seq(201));
  peer.expects(ack(1).sack({{201, 202}, {51, 151}}));
  peer.sends(data(200).seq(1));
  peer.expects(ack(201).sack({{51, 151}}));  // RFC 2883: that came twice
  peer.expects(ack(202).no_sack());
}

TEST_F(Sack, RFC2883_R2883_2_what_fills_a_gap_and_more_is_told_to_have_come_twice) {
  peer.connects();
  peer.sends(data(1000).seq(1001));
  peer.sends(data(1000).seq(2001));
  peer.sends(data(1000).seq(4001));
  EXPECT_EQ(peer.drains(), 3u);
  peer.sends(data(5000).seq(1));
  peer.expects(ack(5001).sack({{1001, 3001}}));  // the first of them; neighbours are joined
  peer.nothing();
}

TEST_F(Sack, RFC2018_R2018_2_not_without_permission) {
  peer.says.sack = false;
  peer.connects();
  peer.sends(data(100).seq(101));
  peer.expects(ack(1).no_sack());
}

TEST_F(Sack, RFC2018_R2018_4_R2018_5_the_newest_first) {
  peer.connects();
  peer.sends(data(100).seq(201));
  peer.expects(ack(1).sack({{201, 301}}));
  peer.sends(data(100).seq(601));
  peer.expects(ack(1).sack({{601, 701}, {201, 301}}));
  peer.sends(data(100).seq(401));
  peer.expects(ack(1).sack({{401, 501}, {601, 701}, {201, 301}}));
  peer.sends(data(100).seq(301));  // joins two
  peer.expects(ack(1).sack({{201, 501}, {601, 701}}));
}

TEST_F(Sack, RFC2018_R2018_1_four_blocks) {
  peer.connects();
  for (std::uint32_t i = 1; i <= 5; ++i) peer.sends(data(100).seq(i * 200 + 1));
  peer.drains();
  peer.sends(data(100).seq(1201 + 200));
  peer.expects(ack(1).sack({{1401, 1501}, {1001, 1101}, {801, 901}, {601, 701}}));
}

TEST_F(Sack, RFC2018_R2018_1_three_blocks_beside_timestamps) {
  peer.says.timestamps = true;
  peer.connects();
  for (std::uint32_t i = 1; i <= 4; ++i) {
    peer.sends(data(100).seq(i * 200 + 1));
    if (i < 4) peer.drains();
  }
  peer.expects(ack(1).sack({{801, 901}, {601, 701}, {401, 501}}));
}

TEST_F(Sack, RFC2018_R2018_9_one_ack_for_each_segment_beyond_a_gap) {
  peer.connects();
  for (std::uint32_t i = 1; i <= 4; ++i) peer.sends(data(100).seq(i * 100 + 1));
  EXPECT_EQ(peer.drains(), 4u);
}

TEST_F(Sack, RFC2018_R2018_3_a_partly_filled_gap) {
  peer.connects();
  peer.sends(data(100).seq(201));
  peer.drains();
  peer.sends(data(100).seq(401));
  peer.drains();
  peer.sends(data(200).seq(1));
  peer.expects(ack(301).sack({{401, 501}}));
  peer.nothing();
  peer.sends(data(100).seq(301));
  peer.expects(ack(501).no_sack());
}

TEST_F(Sack, RFC2883_R2883_1_R2883_2_a_whole_duplicate_below_the_ack) {
  peer.connects();
  peer.sends(data(300));
  peer.expects(ack(301));
  peer.sends(data(100).seq(101));
  peer.expects(ack(301).sack({{101, 201}}));
  peer.nothing();
  peer.sends(data(100).seq(301));
  peer.expects(ack(401).no_sack());
}

TEST_F(Sack, RFC2883_R2883_1_a_duplicate_beyond_a_gap_lies_in_the_second_block) {
  peer.connects();
  peer.sends(data(300).seq(201));
  peer.drains();
  peer.sends(data(100).seq(301));
  peer.expects(ack(1).sack({{301, 401}, {201, 501}}));
}

TEST_F(Sack, RFC2883_R2883_2_of_several_duplicates_the_first) {
  peer.connects();
  peer.sends(data(100).seq(201));
  peer.sends(data(100).seq(401));
  peer.drains();
  peer.sends(data(400).seq(151));
  peer.expects(ack(1).sack({{201, 301}, {151, 551}}));
}

TEST_F(Sack, RFC2883_R2883_1_the_front_of_a_segment_that_brings_new_text) {
  peer.connects();
  peer.sends(data(1000));
  peer.expects(ack(1001).no_sack());
  peer.sends(data(1500).seq(1));
  peer.expects(ack(1501).sack({{1, 1001}}));
  peer.nothing();
}

TEST_F(Sack, RFC2018_R2018_3_data_carries_it_too) {
  peer.connects();
  peer.sends(data(100).seq(201));
  peer.expects(ack(1));
  app.sends(10);
  peer.expects(psh_ack().sack({{201, 301}}));
}

TEST_F(Sack, RFC2018_R2018_7_R2018_8_the_head_is_sent_again_whatever_was_reported) {
  peer.connects();
  app.sends(3000);
  peer.drains();
  peer.sends(ack(1).sack({{1001, 3001}}));
  peer.expects(ack(1).seq(1).len(1000));
  peer.at(1_s);
  peer.expects(ack(1).seq(1).len(1000));
}

TEST_F(Sack, RFC2018_R2018_4_blocks_that_make_no_sense_do_no_harm) {
  peer.connects();
  app.sends(3000);
  peer.drains();
  peer.sends(ack(1).sack({{3001, 1}, {0x8000'0000, 0x8000'0100}, {1, 1}, {5000, 90'000}}));
  peer.sends(ack(3001));
  EXPECT_EQ(peer.connection().snd_una(), peer.our_iss + 3001u);
}

}  // namespace
}  // namespace sluice::tcp
