// A shard's super-segments on a path that loses pieces of them: what is sent again is the piece.
#include <set>

#include "tests/dataplane/shard/shard_fixture.hpp"

namespace sluice {
namespace {

using namespace test;

// The peer's side: takes each packet apart as a device would, and answers each piece with an ACK.
class PieceReceiver {
 public:
  explicit PieceReceiver(std::uint32_t first) : next_(first) {}

  // Pieces in which the packet would cross the wire; those in `lost` do not arrive.
  std::vector<TcpText> takes(const SentPacket& sent, std::set<std::uint32_t>& lost) {
    std::vector<TcpText> answers;
    const std::uint32_t size = sent.packet.gso_size != 0 ? sent.packet.gso_size : 0xffff;
    const std::uint32_t begin = sent.packet.tcp.sequence;
    for (std::uint32_t at = 0; at < sent.packet.payload_length; at += size) {
      const std::uint32_t end = begin + std::min(at + size, sent.packet.payload_length);
      ++pieces;
      if (lost.erase(begin + at) != 0) continue;
      arrive(begin + at, end);
      answers.push_back(answer(begin + at, end));
    }
    return answers;
  }
  std::uint32_t next() const { return next_; }

  std::uint32_t pieces = 0;

 private:
  void arrive(std::uint32_t begin, std::uint32_t end) {
    held_.emplace(begin, end);
    while (!held_.empty() && held_.begin()->first <= next_) {
      next_ = std::max(next_, held_.begin()->second);
      held_.erase(held_.begin());
    }
  }
  TcpText answer(std::uint32_t begin, std::uint32_t end) const {
    TcpText ack = text(wire::kAck, 1001, next_);
    ack.window = 4096;
    if (next_ < end) {  // the range that it lies in
      wire::SackBlock& block = ack.options.sack[ack.options.sack_count++];
      block = {begin, end};
      for (const auto& [left, right] : held_) {
        if (right == block.left) block.left = left;
      }
      for (const auto& [left, right] : held_) {
        if (left == block.right) block.right = right;
      }
    }
    return ack;
  }

  std::uint32_t next_;
  std::map<std::uint32_t, std::uint32_t> held_;  // beyond a gap
};

class RecoveryTest : public ShardTest {
 protected:
  RecoveryTest() {
    ShardOptions options = shard_options();
    options.checksum_offload = true;
    options.tcp.max_payload_bytes = 65'535 - 120;
    options.tcp.timestamps = false;
    make(options);
    listens();
    TcpText syn = text(wire::kSyn, 1000);
    syn.options.has_mss = true;
    syn.options.mss = 1440;
    syn.options.sack_permitted = true;
    syn.options.has_window_scale = true;
    syn.options.window_scale = 8;
    gives(v4_flow(), syn);
    first_ = host().takes_one().packet.tcp.sequence + 1;
    host().passes(Duration::milliseconds(1));
    gives(v4_flow(), text(wire::kAck, 1001, first_));
    receiver_.emplace(first_);
  }

  // `count` bytes are to be sent: now, and as the send buffer gets room.
  void sends(std::size_t count) {
    text_.assign(count, 7);
    given_ = app.stream->send(Bytes(text_));
  }

  // What the shard sends arrives half a millisecond later, and its ACKs after as long again.
  void cross() {
    const std::vector<SentPacket> sent = host().takes();
    host().passes(Duration::milliseconds(1));
    arrive(sent);
  }
  void arrive(const std::vector<SentPacket>& sent) {
    for (const SentPacket& packet : sent) {
      for (const TcpText& answer : receiver_->takes(packet, lost_)) gives(v4_flow(), answer);
    }
    given_ += app.stream->send(Bytes(text_).subspan(given_));
  }
  const tcp::ConnectionCounters counters() const { return app.stream->stats().counters; }

  std::vector<std::uint8_t> text_;
  std::size_t given_ = 0;
  std::uint32_t first_ = 0;
  std::optional<PieceReceiver> receiver_;
  std::set<std::uint32_t> lost_;  // sequence numbers of pieces that will be lost once
};

TEST_F(RecoveryTest, ALostPieceIsSentAgainAsAPiece) {
  sends(600'000);
  for (int i = 0; i < 4; ++i) cross();
  const std::vector<SentPacket> sent = host().takes();
  const auto large = std::find_if(sent.begin(), sent.end(), [](const SentPacket& packet) {
    return packet.packet.payload_length > 60'000;
  });
  ASSERT_NE(large, sent.end());
  lost_.insert(large->packet.tcp.sequence + 17 * large->packet.gso_size);
  host().passes(Duration::milliseconds(1));
  arrive(sent);
  EXPECT_TRUE(lost_.empty());
  while (receiver_->next() != first_ + 600'000) {
    ASSERT_LT(host().now(), Instant() + Duration::seconds(1001)) << "stands still";
    cross();
  }
  EXPECT_EQ(counters().retransmitted, 1U);
  EXPECT_EQ(counters().fast_retransmits, 1U);
  EXPECT_EQ(counters().timeouts, 0U);
  EXPECT_EQ(receiver_->pieces, (600'000U + 1439) / 1440 + 1);
}

TEST_F(RecoveryTest, ManyLostPiecesAreSentAgainAndNothingElse) {
  sends(900'000);
  for (std::uint32_t piece = 50; piece < 500; piece += 7) lost_.insert(first_ + piece * 1440);
  const auto count = static_cast<std::uint32_t>(lost_.size());
  while (receiver_->next() != first_ + 900'000) {
    ASSERT_LT(host().now(), Instant() + Duration::seconds(1002)) << "stands still";
    cross();
  }
  EXPECT_TRUE(lost_.empty());
  EXPECT_EQ(counters().retransmitted, count);
  EXPECT_EQ(counters().timeouts, 0U);
}

}  // namespace
}  // namespace sluice
