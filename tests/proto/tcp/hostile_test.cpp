// 200,000 random segments, spread over the states: nothing trips, nothing leaks.
#include "proto/base/rng.hpp"
#include "tests/support/peer.hpp"

namespace sluice::tcp {
namespace {

using namespace test;

constexpr int kSegments = 25'000;  // in each of eight states

// Sequence numbers that are likely to hurt, relative to `base`.
std::uint32_t near(Rng& rng, std::uint32_t base) {
  switch (rng.below(6)) {
    case 0: return base;
    case 1: return base + static_cast<std::uint32_t>(rng.below(3)) - 1;
    case 2: return base + static_cast<std::uint32_t>(rng.below(70'000));
    case 3: return base - static_cast<std::uint32_t>(rng.below(70'000));
    case 4: return base + (1u << 31) + static_cast<std::uint32_t>(rng.below(3)) - 1;
    default: return static_cast<std::uint32_t>(rng.next());
  }
}

std::uint8_t random_flags(Rng& rng) {
  switch (rng.below(8)) {
    case 0: return static_cast<std::uint8_t>(rng.next());
    case 1: return wire::kAck | wire::kFin;
    case 2: return wire::kAck | wire::kPsh;
    case 3: return rng.chance(0.02) ? wire::kRst : wire::kAck;
    case 4: return rng.chance(0.1) ? wire::kSyn : wire::kAck;
    default: return wire::kAck;
  }
}

wire::TcpOptions random_options(Rng& rng, std::uint32_t snd_una) {
  wire::TcpOptions options;
  options.has_timestamps = rng.chance(0.7);
  options.ts_value = near(rng, 500'000);
  options.ts_echo = near(rng, 3077);
  options.has_mss = rng.chance(0.05);
  options.mss = static_cast<std::uint16_t>(rng.next());
  options.has_window_scale = rng.chance(0.05);
  options.window_scale = static_cast<std::uint8_t>(rng.next());
  options.sack_permitted = rng.chance(0.05);
  options.sack_count = static_cast<std::uint8_t>(rng.below(4));
  for (std::size_t i = 0; i < options.sack_count; ++i) {
    options.sack.at(i) = {near(rng, snd_una), near(rng, snd_una)};
  }
  return options;
}

class Attack {
 public:
  Attack(std::uint64_t seed, State wanted) : rng_(seed), wanted_(wanted) {}

  void run() {
    int left = kSegments;
    while (left > 0) {
      Peer peer(200);
      peer.settings.receive_buffer_bytes = 65'536;
      peer.settings.send_buffer_bytes = 65'536;
      peer.says.timestamps = rng_.chance(0.5);
      peer.says.sack = rng_.chance(0.5);
      if (rng_.chance(0.5)) peer.says.scale = 7;
      peer.arriving.pooled = rng_.chance(0.5);
      peer.blocks.limit = 200;
      peer.reaches(wanted_);
      now_ = Peer::kStart;
      for (int i = 0; i < 5000 && left > 0; ++i, --left) {
        strike(peer);
        if (peer.state() == State::closed || peer.state() == State::time_wait) break;
      }
    }
  }

 private:
  void strike(Peer& peer) {
    Connection& connection = peer.connection();
    wire::TcpHeader header;
    header.flags = random_flags(rng_);
    header.sequence = near(rng_, connection.rcv_nxt().value());
    header.acknowledgment = rng_.chance(0.5) ? near(rng_, connection.snd_una().value())
                                             : near(rng_, connection.snd_nxt().value());
    header.window = rng_.chance(0.2) ? std::uint16_t{0} : static_cast<std::uint16_t>(rng_.next());
    header.options = random_options(rng_, connection.snd_una().value());
    const std::uint64_t size = rng_.chance(0.5) ? 0 : rng_.below(rng_.chance(0.1) ? 60'000 : 1500);
    peer.arriving_capacity = static_cast<std::uint32_t>(rng_.below(65'536));
    const Stream bytes(size, 0x55);
    Segment segment = make_segment(header, peer.arriving.slice_of(bytes, peer.arriving_capacity),
                                   static_cast<std::uint16_t>(rng_.chance(0.2) ? rng_.next() : 0));
    connection.on_segment(segment, now_);
    connection.check_invariants();
    if (rng_.chance(0.05)) {
      connection.on_path_error(static_cast<PathError>(rng_.below(12)),
                               Seq(near(rng_, connection.snd_una().value())),
                               static_cast<std::uint32_t>(rng_.below(2000)));
    }
    act(connection);
    for (int i = 0; i < 50 && connection.next_segment(out_, now_); ++i) {
    }
    out_.clear();
    connection.check_invariants();
  }

  void act(Connection& connection) {
    if (rng_.chance(0.1)) connection.send(Bytes(text_).first(rng_.below(text_.size())));
    if (rng_.chance(0.3)) connection.read(static_cast<std::uint32_t>(rng_.below(5000)));
    if (rng_.chance(0.1)) connection.settle();
    if (rng_.chance(0.3)) {
      now_ = now_ + Duration::microseconds(static_cast<std::int64_t>(rng_.below(400'000)));
    }
    if (connection.deadline() <= now_) connection.on_time(now_);
  }

  Rng rng_;
  State wanted_;
  Instant now_ = Peer::kStart;
  OutSegment out_;
  Stream text_ = Stream(20'000, 0x42);
};

class Hostile : public ::testing::TestWithParam<State> {};
INSTANTIATE_TEST_SUITE_P(States, Hostile,
                         ::testing::Values(State::syn_sent, State::syn_received, State::established,
                                           State::fin_wait_1, State::fin_wait_2, State::close_wait,
                                           State::closing, State::last_ack),
                         [](const auto& row) {
                           std::string name(state_name(row.param));
                           std::erase(name, '-');
                           return name;
                         });

TEST_P(Hostile, random_segments_trip_nothing) {
  Attack(static_cast<std::uint64_t>(GetParam()) + 100, GetParam()).run();
}

class Blind : public Conversation {};

// An attacker who knows the ports but no numbers: all that it sends lies outside of the window.
TEST_F(Blind, RFC5961_R5961_1_R5961_2_R5961_3_segments_do_no_harm) {
  Rng rng(4242);
  peer.connects();
  for (int i = 0; i < 8 * kSegments; ++i) {
    Said said =
        flags(random_flags(rng) & ~wire::kUrg).win(static_cast<std::uint32_t>(rng.next() & 0xffff));
    said.seq(static_cast<std::uint32_t>(rng.between(80'000, 0xffff'0000u)));
    said.ack(static_cast<std::uint32_t>(rng.between(80'000, 0xfff0'0000u)));
    wire::TcpHeader header;
    header.flags = said.flags_;
    header.sequence = (peer.peer_iss + *said.seq_).value();
    header.acknowledgment = (peer.our_iss + *said.ack_).value();
    header.window = static_cast<std::uint16_t>(*said.win_);
    Segment segment = make_segment(header, peer.arriving.slice_of(Stream(rng.below(100), 1)));
    peer.connection().on_segment(segment, peer.now());
    if (i % 100 == 0) peer.drains();
  }
  peer.drains();
  ASSERT_EQ(peer.state(), State::established);
  peer.sends(data(100).ack(1).win(60'000));
  app.sends("still here");
  peer.expects(psh_ack().seq(1).ack(101).len(10));
  app.reads(100);
  peer.sends(ack(11));
  EXPECT_EQ(peer.connection().snd_una(), peer.our_iss + 11u);
}

}  // namespace
}  // namespace sluice::tcp
