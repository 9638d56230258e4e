// The scoreboard of sent segments: RFC 2018 and RFC 6675 seen from the sender.
#include "proto/base/rng.hpp"
#include "proto/tcp/sent_segments.hpp"
#include "tests/support/peer.hpp"

namespace sluice::tcp {
namespace {

using namespace test;

class ScoreboardTable : public ::testing::Test {
 protected:
  static SendStamp at(std::int64_t us) {
    SendStamp stamp;
    stamp.sent_at = Instant() + Duration::microseconds(us);
    return stamp;
  }
  // `count` records of `pieces` segments of 1000 bytes, a microsecond apart.
  void fill(std::uint32_t count, std::uint32_t pieces) {
    for (std::uint32_t i = 0; i < count; ++i) {
      sent.append(nxt, nxt + pieces * 1000, false, 1000, at(i));
      nxt += pieces * 1000;
    }
  }
  std::uint32_t sacks(std::uint32_t left, std::uint32_t right) {
    Delivery delivery(una);
    sent.sack(Seq(left), Seq(right), delivery);
    sent.check_invariants(una, nxt);
    return delivery.sacked_bytes;
  }
  std::uint32_t acks(std::uint32_t ack) {
    Delivery delivery(una);
    una = Seq(ack);
    sent.acknowledge(una, delivery);
    sent.check_invariants(una, nxt);
    return delivery.bytes;
  }

  SentSegmentPool pool{64};
  SentSegments sent{pool};
  Seq una{0};
  Seq nxt{0};
};

TEST_F(ScoreboardTable, a_super_segment_is_one_record_until_it_is_divided) {
  fill(1, 64);
  EXPECT_EQ(pool.free_count(), 64u);  // the connection's own
  EXPECT_EQ(sacks(10'000, 20'000), 10'000u);
  EXPECT_EQ(pool.free_count(), 62u);
  EXPECT_EQ(sent.sacked_bytes(), 10'000u);
}

TEST_F(ScoreboardTable, RFC6675_R6675_1_the_same_block_counts_once) {
  fill(1, 10);
  EXPECT_EQ(sacks(2000, 4000), 2000u);
  EXPECT_EQ(sacks(2000, 4000), 0u);
  EXPECT_EQ(sacks(2000, 5000), 1000u);
}

TEST_F(ScoreboardTable, what_is_not_a_whole_segment_does_not_count) {
  fill(1, 10);
  EXPECT_EQ(sacks(2001, 4999), 1000u);
  EXPECT_EQ(sacks(7001, 7999), 0u);
}

TEST_F(ScoreboardTable, neighbours_that_are_sacked_become_one_record) {
  fill(1, 64);
  for (std::uint32_t i = 1; i < 63; ++i) sacks(i * 1000, i * 1000 + 1000);
  EXPECT_EQ(pool.free_count(), 62u);
  EXPECT_EQ(sent.sacked_bytes(), 62'000u);
}

TEST_F(ScoreboardTable, and_when_the_gap_between_them_closes) {
  fill(1, 9);
  sacks(1000, 2000);
  sacks(5000, 6000);
  sacks(3000, 4000);
  EXPECT_EQ(pool.free_count(), 64u - 6u);
  sacks(2000, 5000);
  EXPECT_EQ(pool.free_count(), 64u - 2u);
  EXPECT_EQ(sent.sacked_bytes(), 5000u);
}

TEST_F(ScoreboardTable, an_acknowledgement_counts_what_had_not_been_sacked) {
  fill(4, 4);
  sacks(2000, 6000);
  EXPECT_EQ(acks(7000), 3000u);
  EXPECT_EQ(sent.sacked_bytes(), 0u);
  EXPECT_EQ(acks(16'000), 9000u);
  EXPECT_TRUE(sent.empty());
  EXPECT_EQ(pool.free_count(), 64u);
}

TEST_F(ScoreboardTable, RFC6675_R6675_4_lost_ranges_come_in_the_order_of_the_stream) {
  fill(3, 1);
  sent.mark_lost(*sent.sent_after(*sent.oldest_in_flight()));
  sent.mark_lost(*sent.oldest_in_flight());
  EXPECT_EQ(sent.lost_bytes(), 2000u);
  EXPECT_EQ(sent.join_lost(1000).begin, Seq(0));
  sent.check_invariants(una, nxt);
}

TEST_F(ScoreboardTable, lost_neighbours_are_sent_again_together) {
  fill(8, 1);
  EXPECT_EQ(sent.mark_larger_lost(0), 8000u);
  SentSegment& lost = sent.join_lost(5000);
  EXPECT_EQ(lost.size(), 5000u);
  sent.on_resent(lost, Seq(3000), 1000, at(100));
  sent.check_invariants(una, nxt);
  EXPECT_EQ(sent.lost_bytes(), 5000u);
  EXPECT_EQ(sent.join_lost(1000).begin, Seq(3000));
}

TEST_F(ScoreboardTable, what_was_no_loss_is_in_flight_again_in_the_order_of_time) {
  fill(4, 1);
  sent.mark_lost(*sent.oldest_in_flight());
  sent.mark_lost(*sent.oldest_in_flight());
  sent.unmark_lost();
  EXPECT_FALSE(sent.has_lost());
  Seq at(0);
  for (SentSegment* record = sent.oldest_in_flight(); record != nullptr;
       record = sent.sent_after(*record)) {
    EXPECT_EQ(record->begin, at);
    at += 1000;
  }
  EXPECT_EQ(at, nxt);
}

// A path of 100 ms and 1 Gbit/s that loses every other of 16,000 segments.
TEST_F(ScoreboardTable, as_many_gaps_as_a_long_fat_path_can_have_are_told_apart) {
  SentSegmentPool large{65'536};
  SentSegments many(large);
  Delivery delivery{Seq(0)};
  for (std::uint32_t i = 0; i < 8000; ++i) {
    many.append(Seq(i * 2000), Seq(i * 2000 + 2000), false, 1000, at(i));
  }
  for (std::uint32_t i = 0; i < 8000; ++i) {
    many.sack(Seq(i * 2000 + 1000), Seq(i * 2000 + 2000), delivery);
  }
  EXPECT_EQ(delivery.sacked_bytes, 8'000'000u);
}

TEST_F(ScoreboardTable, but_one_connection_divides_no_more_than_half_the_pool) {
  fill(1, 64);
  for (std::uint32_t i = 1; i < 64; i += 2) sacks(i * 1000, i * 1000 + 1000);
  EXPECT_LE(pool.size() - pool.free_count(), 32u);
}

TEST_F(ScoreboardTable, a_block_that_was_forgotten_counts_again) {
  fill(1, 10);
  EXPECT_EQ(sacks(2000, 4000), 2000u);
  sent.forget_sacks();
  EXPECT_EQ(sacks(2000, 4000), 2000u);
}

TEST_F(ScoreboardTable, RFC2018_R2018_6_forgotten_sacks_are_losses) {
  fill(2, 4);
  sacks(1000, 7000);
  sent.forget_sacks();
  EXPECT_EQ(sent.sacked_bytes(), 0u);
  EXPECT_EQ(sent.lost_bytes(), 6000u);
  sent.check_invariants(una, nxt);
}

TEST_F(ScoreboardTable, without_memory_new_bytes_join_the_last_record) {
  fill(49, 1);  // its own, and all of the pool but the reserve
  EXPECT_TRUE(pool.is_scarce());
  fill(10, 1);
  EXPECT_EQ(pool.free_count(), 16u);
  EXPECT_TRUE(sent.can_append());
  EXPECT_EQ(acks(59'000), 59'000u);
}

TEST_F(ScoreboardTable, without_memory_nothing_joins_what_has_arrived) {
  fill(49, 1);
  sacks(48'000, 49'000);
  EXPECT_FALSE(sent.can_append());
}

TEST_F(ScoreboardTable, without_any_memory_a_connection_still_has_its_own_record) {
  std::vector<SentSegment*> taken;
  while (SentSegment* const record = pool.take()) taken.push_back(record);
  fill(3, 4);
  EXPECT_EQ(sacks(2000, 3000), 0u);  // it cannot be divided
  EXPECT_EQ(sent.mark_head_lost(), 12'000u);
  SentSegment& lost = sent.join_lost(1000);
  sent.on_resent(lost, Seq(1000), 1000, at(50));
  EXPECT_EQ(acks(1000), 1000u);
  EXPECT_EQ(acks(12'000), 11'000u);
  for (SentSegment* record : taken) pool.give_back(*record);
}

TEST_F(ScoreboardTable, a_fin_is_no_part_of_the_text_before_it) {
  sent.append(Seq(0), Seq(2501), true, 1000, at(0));
  nxt = Seq(2501);
  EXPECT_EQ(sacks(1000, 2500), 1500u);
  EXPECT_EQ(sacks(2500, 2501), 1u);
}

TEST_F(ScoreboardTable, the_last_segment_takes_its_fin_along) {
  sent.append(Seq(0), Seq(3001), true, 1000, at(0));
  nxt = Seq(3001);
  const SentSegment* const last = sent.last_piece(1000);
  ASSERT_NE(last, nullptr);
  EXPECT_EQ(last->begin, Seq(2000));
  EXPECT_EQ(last->size(), 1001u);
}

// Against a plain list of segments, one fate each.
TEST_F(ScoreboardTable, random_acknowledgements_and_losses_agree_with_a_simple_model) {
  enum class Fate { flight, lost, sacked };
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Rng rng(seed);
    SentSegmentPool large(500);
    SentSegments board(large);
    std::vector<Fate> model;
    std::size_t first = 0;
    for (int step = 0; step < 200; ++step) {
      const auto end = static_cast<std::uint32_t>(model.size());
      const auto low = static_cast<std::uint32_t>(rng.between(first, end));
      const auto high = static_cast<std::uint32_t>(rng.between(low, end));
      Delivery delivery(Seq(0));
      switch (rng.below(6)) {
        case 0: {
          const auto pieces = static_cast<std::uint32_t>(rng.between(1, 40));
          board.append(Seq(end * 10), Seq((end + pieces) * 10), false, 10, at(step));
          model.resize(end + pieces, Fate::flight);
          break;
        }
        case 1:
        case 2:
          if (low == high) break;
          board.sack(Seq(low * 10), Seq(high * 10), delivery);
          for (std::size_t i = low; i < high; ++i) model[i] = Fate::sacked;
          break;
        case 3:
          if (rng.chance(0.7)) break;
          board.acknowledge(Seq(low * 10), delivery);
          first = low;
          break;
        case 4:
          if (SentSegment* const record = board.oldest_in_flight()) {
            for (std::uint32_t i = record->begin.value() / 10; i < record->end.value() / 10; ++i) {
              model[i] = Fate::lost;
            }
            board.mark_lost(*record);
          }
          break;
        default:
          if (!board.has_lost()) break;
          SentSegment& lost = board.join_lost(200);
          const Seq until = min(lost.end, lost.begin + 100u);
          for (std::uint32_t i = lost.begin.value() / 10; i < until.value() / 10; ++i) {
            model[i] = Fate::flight;
          }
          board.on_resent(lost, until, 10, at(step));
      }
      board.check_invariants(Seq(static_cast<std::uint32_t>(first) * 10),
                             Seq(static_cast<std::uint32_t>(model.size()) * 10));
      const auto bytes = [&](Fate fate) {
        return static_cast<std::uint32_t>(std::count(
                   model.begin() + static_cast<std::ptrdiff_t>(first), model.end(), fate)) *
               10;
      };
      ASSERT_EQ(board.sacked_bytes(), bytes(Fate::sacked)) << "seed " << seed;
      ASSERT_EQ(board.lost_bytes(), bytes(Fate::lost)) << "seed " << seed;
    }
  }
}

// --- loss recovery ------------------------------------------------------------------------------

TEST(LossRecoveryTable, stays_comparable_however_long_nothing_is_lost) {
  SentSegmentPool pool(64);
  SentSegments sent(pool);
  LossRecovery recovery;
  CongestionChoice congestion(Algorithm::newreno);
  congestion->start(1000, 10'000, Instant());
  recovery.start(Seq(0));
  AckFacts facts;
  facts.snd = {Seq(1), Seq(1), 1000, false};
  constexpr std::uint32_t kMegabyte = 1'000'000;
  for (int i = 0; i < 5000; ++i) {
    sent.append(facts.snd.nxt, facts.snd.nxt + kMegabyte, false, 1000, SendStamp());
    facts.snd.una = facts.snd.nxt += kMegabyte;
    facts.acked = facts.flight_before = kMegabyte;
    Delivery delivery(recovery.highest_delivered());
    sent.acknowledge(facts.snd.una, delivery);
    recovery.on_ack(facts, delivery, sent, *congestion);
  }
  sent.append(facts.snd.nxt, facts.snd.nxt + 5000u, false, 1000, SendStamp());
  facts.snd.nxt += 5000;
  facts.acked = 0;
  facts.is_duplicate = true;
  for (int i = 0; i < 3; ++i) {
    recovery.on_ack(facts, Delivery(recovery.highest_delivered()), sent, *congestion);
  }
  EXPECT_TRUE(recovery.in_fast_recovery());
  EXPECT_EQ(sent.join_lost(1000).begin, facts.snd.una);
  sent.clear();
}

// --- the connection's --------------------------------------------------------------------------

class Scoreboard : public Conversation {
 protected:
  Scoreboard() { peer.says.sack = true; }
};

TEST_F(Scoreboard, RFC6675_R6675_3_pipe_leaves_out_what_has_arrived) {
  peer.opens();
  peer.expects(syn_ack());
  peer.after(20_ms);
  peer.sends(ack(1));
  app.sends(10'000);
  peer.drains();
  EXPECT_EQ(peer.connection().pipe(), 10'000u);
  peer.after(20_ms);
  peer.sends(ack(1).sack({{1001, 3001}}));
  EXPECT_EQ(peer.connection().pipe(), 8000u);
}

TEST_F(Scoreboard, blocks_outside_of_what_is_outstanding_are_ignored) {
  peer.connects();
  app.sends(10'000);
  peer.drains();
  peer.sends(ack(2001));
  peer.drains();
  peer.sends(ack(2001).sack({{1, 1001}, {9001, 20'001}, {5001, 4001}}));
  peer.sends(ack(2001).sack({{0x8000'0000u, 0x8000'1000u}, {2001, 0x8000'0000u}}));
  EXPECT_EQ(peer.connection().pipe(), 8000u);
}

TEST_F(Scoreboard, a_lost_piece_of_a_super_segment_is_sent_again_as_a_piece) {
  peer.connects();
  app.sends(10'000);
  peer.expects(psh_ack().len(10'000).gso(1000));
  peer.sends(ack(3001).sack({{4001, 10'001}}));
  peer.expects(ack(1).seq(3001).len(1000));
  peer.nothing();
}

TEST_F(Scoreboard, without_memory_a_lost_super_segment_is_repaired_by_its_acknowledgements) {
  peer.connects();
  std::vector<SentSegment*> taken;
  while (SentSegment* const record = peer.sent.take()) taken.push_back(record);
  app.sends(8000);
  peer.expects(psh_ack().seq(1).len(8000));
  EXPECT_EQ(peer.ignores_for(1010_ms), 1u);  // no probe: none can be divided from it
  peer.nothing();
  const ConnectionCounters& counters = peer.connection().counters();
  while (counters.retransmitted < 8) {
    peer.sends(ack(1 + 1000 * static_cast<std::uint32_t>(counters.retransmitted)));
    ASSERT_EQ(peer.drains(), 1u);
  }
  EXPECT_EQ(counters.timeouts, 1u);
  for (SentSegment* record : taken) peer.sent.give_back(*record);
}

TEST_F(Scoreboard, two_lost_pieces_side_by_side_are_one_super_segment) {
  peer.connects();
  app.sends(10'000);
  peer.drains();
  peer.sends(ack(1).sack({{2001, 10'001}}));
  peer.expects(ack(1).seq(1).len(2000).gso(1000));
}

TEST_F(Scoreboard, RFC2018_R2018_8_a_peer_that_threw_away_what_it_had_sacked_gets_it_again) {
  peer.connects();
  app.sends(4000);
  peer.drains();
  peer.sends(ack(1).sack({{1001, 4001}}));
  peer.expects(ack(1).seq(1).len(1000));
  peer.sends(ack(1001));  // and no more
  peer.ignores_for(2500_ms);
  peer.sends(ack(2001));
  peer.expects(psh_ack().seq(2001).len(2000));
}

TEST_F(Scoreboard, the_fin_is_sent_again_alone_when_the_text_has_arrived) {
  peer.says.sack = false;
  peer.connects();
  app.sends(500);
  app.closes();
  peer.expects(fin_psh_ack().seq(1).len(500));
  peer.sends(ack(501));
  peer.at(1_s);
  peer.expects(fin_ack().seq(501).len(0));
}

}  // namespace
}  // namespace sluice::tcp
