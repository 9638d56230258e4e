// A peer that lies about what arrived: SACK blocks of any kind, ACKs of what it cannot have, ACKs
// of single bytes, reports of duplicates without end, echoes of any time, marks, windows that
// shrink, ICMP. Nothing trips, no deadline is missing or stands still, and once it is honest the
// stream goes on to its end.
#include "proto/base/rng.hpp"
#include "tests/support/peer.hpp"

namespace sluice::tcp {
namespace {

using namespace test;

constexpr std::uint32_t kStream = 4'000'000;

class Liar {
 public:
  explicit Liar(std::uint64_t seed) : rng_(seed), peer_(512) {
    peer_.settings.congestion = static_cast<Algorithm>(rng_.below(3));
    peer_.settings.max_payload_bytes = rng_.chance(0.5) ? 65'000 : 0;
    peer_.settings.min_rto = 200_ms;
    peer_.settings.user_timeout = 1'000'000_s;
    peer_.says.timestamps = rng_.chance(0.6);
    peer_.says.sack = rng_.chance(0.8);
    if (rng_.chance(0.5)) peer_.says.scale = 4;
    peer_.asks_for_ecn = rng_.chance(0.4);
    if (rng_.chance(0.3)) leave_records(static_cast<std::uint32_t>(rng_.below(40)));
    peer_.opens();
    peer_.drains();
    peer_.sends(ack(1));
    text_.resize(30'000);
  }
  ~Liar() {
    out_.clear();
    peer_.connection().abort(now_);
    for (SentSegment* record : taken_) peer_.sent.give_back(*record);
  }

  void lies(int times) {
    for (int i = 0; i < times && is_open(); ++i) {
      offer();
      lie();
      if (rng_.chance(0.03)) {
        connection().on_path_error(static_cast<PathError>(rng_.below(12)), some_sequence(),
                                   static_cast<std::uint32_t>(rng_.below(2000)));
      }
      pass(some_time());
    }
  }

  // How long the rest of the stream took; negative if it did not end.
  Duration is_honest() {
    const Instant since = now_;
    while (is_open() && now_ - since < 2000_s) {
      offer();
      tell(connection().snd_nxt(), 0xffff, {});
      if (sent_ == kStream && connection().snd_una() == connection().snd_nxt()) return now_ - since;
      pass(1_ms);
    }
    return is_open() ? Duration() - 1_s : Duration();
  }

 private:
  Connection& connection() { return peer_.connection(); }
  bool is_open() { return connection().state() == State::established; }
  void leave_records(std::uint32_t count) {
    while (peer_.sent.free_count() > count) taken_.push_back(peer_.sent.take());
  }

  void offer() {
    if (sent_ == kStream) return;
    const auto part = static_cast<std::uint32_t>(rng_.below(text_.size()));
    sent_ += connection().send(Bytes(text_).first(std::min(part, kStream - sent_)));
  }

  Duration some_time() {
    switch (rng_.below(8)) {
      case 0:
      case 1: return {};
      case 2:
      case 3: return Duration::microseconds(static_cast<std::int64_t>(rng_.below(100)));
      case 4:
      case 5:
      case 6: return Duration::microseconds(static_cast<std::int64_t>(rng_.below(20'000)));
      default: return Duration::milliseconds(static_cast<std::int64_t>(rng_.below(1500)));
    }
  }

  Seq some_sequence() {
    const Seq una = connection().snd_una();
    const Seq nxt = connection().snd_nxt();
    switch (rng_.below(8)) {
      case 0: return una;
      case 1: return nxt;
      case 2: return una + static_cast<std::uint32_t>(rng_.below(3)) - 1u;
      case 3: return nxt + static_cast<std::uint32_t>(rng_.below(3000));
      case 4: return una - static_cast<std::uint32_t>(rng_.below(30'000));
      case 5: return Seq(static_cast<std::uint32_t>(rng_.next()));
      default: return una + static_cast<std::uint32_t>(rng_.below(distance(una, nxt) + 1u));
    }
  }

  std::vector<wire::SackBlock> some_blocks() {
    std::vector<wire::SackBlock> blocks;
    const std::uint64_t count = rng_.below(peer_.says.timestamps ? 4 : 5);
    for (std::uint64_t i = 0; i < count; ++i) {
      const Seq left = some_sequence();
      const auto length = static_cast<std::uint32_t>(1000 * rng_.below(5) + rng_.below(2));
      blocks.push_back(
          {left.value(), (rng_.chance(0.7) ? left + length : some_sequence()).value()});
    }
    return blocks;
  }

  void lie() {
    Seq acked = connection().snd_una();
    if (rng_.chance(0.15)) acked = some_sequence();  // it never came, or is old
    if (rng_.chance(0.1)) acked = min(acked + 1u, connection().snd_nxt());  // a byte at a time
    std::uint32_t window = 0xffff;
    if (rng_.chance(0.1)) window = static_cast<std::uint32_t>(rng_.below(3000));
    if (rng_.chance(0.05)) window = 0;
    const auto repeats = rng_.chance(0.1) ? rng_.below(20) : 1;
    const std::vector<wire::SackBlock> blocks = some_blocks();
    for (std::uint64_t i = 0; i < repeats && is_open(); ++i) tell(acked, window, blocks);
  }

  void tell(Seq acked, std::uint32_t window, const std::vector<wire::SackBlock>& blocks) {
    wire::TcpHeader header;
    header.flags = wire::kAck;
    if (rng_.chance(0.2)) header.flags |= wire::kEce;
    header.sequence = connection().rcv_nxt().value();
    header.acknowledgment = acked.value();
    header.window = static_cast<std::uint16_t>(window);
    header.options.has_timestamps = peer_.says.timestamps;
    header.options.ts_value =
        Peer::kPeerClock + static_cast<std::uint32_t>((now_ - Peer::kStart).ms());
    header.options.ts_echo = some_echo();
    for (const wire::SackBlock& block : blocks) {
      header.options.sack.at(header.options.sack_count++) = block;
    }
    Segment segment = make_segment(header, {});
    connection().on_segment(segment, now_);
    connection().check_invariants();
  }

  std::uint32_t some_echo() {
    const std::uint32_t now = timestamp_clock(now_) + peer_.ts_offset;
    if (rng_.chance(0.7)) return now - static_cast<std::uint32_t>(rng_.below(50));
    return rng_.chance(0.5) ? 0 : static_cast<std::uint32_t>(rng_.next());
  }

  // No deadline is passed over. What is due has been done with it.
  void pass(Duration time) {
    const Instant end = now_ + time;
    pull();
    for (int turns = 0; is_open() && connection().deadline() <= end; ++turns) {
      ASSERT_LT(turns, 100'000) << "a deadline stands still";
      now_ = std::max(now_, connection().deadline());
      connection().on_time(now_);
      pull();
    }
    now_ = end;
  }

  void pull() {
    for (int i = 0; connection().next_segment(out_, now_); ++i) {
      ASSERT_LT(i, 10'000) << "sends without end";
    }
    connection().check_invariants();
    const bool waits = connection().snd_una() != connection().snd_nxt() || sent_ > acked();
    if (is_open() && waits) {
      ASSERT_FALSE(connection().deadline().is_never()) << "nothing will go on";
    }
  }
  std::uint32_t acked() { return distance(peer_.our_iss + 1u, connection().snd_una()); }

  Rng rng_;
  Peer peer_;
  Instant now_ = Peer::kStart;
  OutSegment out_;
  Stream text_;
  std::vector<SentSegment*> taken_;
  std::uint32_t sent_ = 0;
};

TEST(LyingPeer, nothing_trips_and_honesty_is_rewarded) {
  set_assertion_reporter(print_assertion);
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    SCOPED_TRACE(seed);
    Liar liar(seed);
    liar.lies(300);
    const Duration rest = liar.is_honest();
    EXPECT_GE(rest, Duration()) << "stands still";
    if (::testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace sluice::tcp
