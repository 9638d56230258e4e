// Two connections, joined by a network that loses, repeats, reorders and marks, on virtual time.
// One seed is one run; a failure names it.
#include <map>

#include "proto/base/rng.hpp"
#include "tests/support/peer.hpp"

namespace sluice::tcp {
namespace {

using test::Stream;
using test::TestFrames;

struct Weather {
  double loss = 0;
  double repeat = 0;
  double reorder = 0;
  double mark = 0;
  Duration delay;
};

// A segment on its way.
struct Flying {
  bool to_client = false;
  wire::TcpHeader header;
  Stream payload;
  std::uint16_t gso_size = 0;
  bool is_marked = false;
};

// One end: a connection, its memory, and an application that sends, reads and closes.
struct End {
  explicit End(Rng& rng)
      : nodes(static_cast<std::uint32_t>(rng.between(64, 512))),
        sent_pool(nodes.size() / 2),
        resources{blocks, nodes, sent_pool} {
    blocks.limit = static_cast<std::uint32_t>(rng.between(40, 400));
    settings.receive_buffer_bytes = static_cast<std::uint32_t>(rng.between(4096, 200'000));
    settings.send_buffer_bytes = static_cast<std::uint32_t>(rng.between(4096, 200'000));
    settings.timestamps = rng.chance(0.7);
    settings.sack = rng.chance(0.7);
    settings.window_scaling = rng.chance(0.7);
    settings.nagle = rng.chance(0.5);
    settings.congestion = static_cast<Algorithm>(rng.below(3));
    settings.ecn = rng.chance(0.5) ? Ecn::ask : Ecn::accept;
    settings.max_payload_bytes = rng.chance(0.5) ? 65'000 : 0;
    // Every run ends, however bad the weather.
    settings.user_timeout = Duration::seconds(100'000);
    settings.connect_timeout = settings.handshake_timeout = Duration::seconds(100'000);
    settings.max_rto = Duration::seconds(4);
    stream.resize(rng.between(1, rng.below(4) == 0 ? 300'000 : 20'000));
    for (auto& byte : stream) byte = static_cast<std::uint8_t>(rng.next());
    urges = rng.chance(0.2);
    connection.emplace(settings, resources);
  }

  TestFrames blocks{2048};
  TestFrames arriving{2048};
  SliceNodePool nodes;
  SentSegmentPool sent_pool;
  Resources resources;
  Settings settings;
  std::optional<Connection> connection;
  std::optional<TimeWait> time_wait;
  Stream stream;  // what it will send
  Stream received;
  std::size_t sent = 0;
  bool shut = false;
  bool urges = false;  // some of what it sends; it is read in line
  bool failed = false;
};

class Walk {
 public:
  explicit Walk(std::uint64_t seed) : rng_(seed) {
    weather_.loss = rng_.chance(0.3) ? 0 : static_cast<double>(rng_.below(20)) / 100;
    weather_.repeat = static_cast<double>(rng_.below(10)) / 100;
    weather_.reorder = static_cast<double>(rng_.below(30)) / 100;
    weather_.mark = rng_.chance(0.5) ? 0 : static_cast<double>(rng_.below(20)) / 100;
    constexpr std::array<std::int64_t, 4> kDelays = {5, 100, 10'000, 1'000'000};
    weather_.delay = Duration::microseconds(kDelays.at(rng_.below(kDelays.size())));
    Identity identity{Seq(static_cast<std::uint32_t>(rng_.next())), 5,
                      static_cast<std::uint16_t>(rng_.between(100, 1460)), false};
    server_identity_ = {Seq(static_cast<std::uint32_t>(rng_.next())), 9,
                        static_cast<std::uint16_t>(rng_.between(100, 9000)), false};
    client_.connection->open_active(identity, now_);
  }

  // Runs until both ends are done. How many steps it took; zero when it did not end.
  int run() {
    for (int step = 1; step < 400'000; ++step) {
      turn(client_, false);
      if (server_is_open_) turn(server_, true);
      if (is_over()) return step;
      const Instant next = next_event();
      if (next.is_never()) return 0;
      now_ = std::max(now_, next);
      deliver();
    }
    return 0;
  }

  End& client() { return client_; }
  End& server() { return server_; }
  std::uint64_t fingerprint() const { return fingerprint_; }

 private:
  bool is_over() const {
    const auto done = [](const End& end) { return end.connection->state() == State::closed; };
    return done(client_) && server_is_open_ && done(server_);
  }

  void turn(End& end, bool to_client) {
    Connection& connection = *end.connection;
    if (end.time_wait) return;
    if (connection.deadline() <= now_) connection.on_time(now_);
    act(end);
    OutSegment out;
    for (int i = 0; i < 1000 && connection.next_segment(out, now_); ++i) launch(out, to_client);
    connection.check_invariants();
    if (connection.state() == State::time_wait) {
      end.time_wait = connection.take_time_wait();
      if (end.time_wait->owes_ack) launch_time_wait_ack(*end.time_wait, to_client);
    }
    const CloseReason reason = connection.close_reason();
    end.failed = reason != CloseReason::none && reason != CloseReason::normal;
  }

  void act(End& end) {
    Connection& connection = *end.connection;
    if (end.sent < end.stream.size() && rng_.chance(0.8)) {
      const std::size_t part =
          std::min<std::size_t>(end.stream.size() - end.sent, rng_.between(1, 30'000));
      const SendFlags flags{.urgent = end.urges && rng_.chance(0.2)};
      end.sent += connection.send(Bytes(end.stream).subspan(end.sent, part), flags);
    }
    if (end.sent == end.stream.size() && !end.shut) {
      connection.shutdown_send(now_);
      end.shut = true;
    }
    if (rng_.chance(0.7)) {
      while (true) {
        const Slice slice = connection.read(static_cast<std::uint32_t>(rng_.between(1, 20'000)));
        if (slice.empty()) break;
        end.received.insert(end.received.end(), slice.bytes().begin(), slice.bytes().end());
        if (rng_.chance(0.1)) break;
      }
      connection.settle();
    }
  }

  void launch_time_wait_ack(const TimeWait& rest, bool to_client) {
    OutSegment out;
    out.header = rest.next_ack(now_);
    launch(out, to_client);
  }

  void launch(const OutSegment& out, bool to_client) {
    fingerprint_ = fingerprint_ * 31 + out.header.sequence + out.payload_length;
    if (rng_.chance(weather_.loss)) return;
    const int copies = rng_.chance(weather_.repeat) ? 2 : 1;
    for (int i = 0; i < copies; ++i) {
      Flying flying{to_client, out.header, {}, out.gso_size, false};
      flying.is_marked = out.ecn != 0 && rng_.chance(weather_.mark);
      for (std::uint32_t p = 0; p < out.pieces; ++p) {
        const Bytes piece = out.payload[p].bytes();
        flying.payload.insert(flying.payload.end(), piece.begin(), piece.end());
      }
      const auto percent = [this](std::uint64_t most) {
        return weather_.delay * static_cast<std::int64_t>(rng_.below(most)) / 100;
      };
      Duration delay = weather_.delay + percent(20);
      if (rng_.chance(weather_.reorder)) delay = delay + percent(3000);
      flying_.emplace(now_ + delay, std::move(flying));
    }
  }

  Instant next_event() const {
    Instant next = client_.connection->deadline();
    if (server_is_open_) next = std::min(next, server_.connection->deadline());
    if (!flying_.empty()) next = std::min(next, flying_.begin()->first);
    // An application acts at times of its own.
    return std::min(next, now_ + Duration::milliseconds(20));
  }

  void deliver() {
    while (!flying_.empty() && flying_.begin()->first <= now_) {
      Flying flying = std::move(flying_.begin()->second);
      flying_.erase(flying_.begin());
      End& end = flying.to_client ? client_ : server_;
      Segment segment =
          make_segment(flying.header, end.arriving.slice_of(flying.payload), flying.gso_size);
      segment.is_marked = flying.is_marked;
      if (!flying.to_client && !server_is_open_) {
        if (!segment.has(wire::kSyn) || segment.has(wire::kAck)) continue;
        server_is_open_ = true;
        end.connection->open_passive(server_identity_, segment, now_);
        continue;
      }
      if (end.time_wait) {
        const TimeWait::Action action = end.time_wait->on_segment(segment, end.settings);
        const bool answer =
            action == TimeWait::Action::acknowledge || action == TimeWait::Action::restart;
        if (answer) launch_time_wait_ack(*end.time_wait, !flying.to_client);
        continue;
      }
      end.connection->on_segment(segment, now_);
      end.connection->check_invariants();
    }
  }

  Rng rng_;
  Weather weather_;
  Identity server_identity_;
  End client_{rng_};
  End server_{rng_};
  bool server_is_open_ = false;
  Instant now_ = Instant::from_ns(1'000'000'000);
  std::multimap<Instant, Flying> flying_;
  std::uint64_t fingerprint_ = 0;
};

void expect_whole(Walk& walk, std::uint64_t seed) {
  const auto read_rest = [](End& end) {
    while (true) {
      const Slice slice = end.connection->read(1 << 20);
      if (slice.empty()) break;
      end.received.insert(end.received.end(), slice.bytes().begin(), slice.bytes().end());
    }
  };
  read_rest(walk.client());
  read_rest(walk.server());
  EXPECT_EQ(walk.client().received.size(), walk.server().stream.size()) << "seed " << seed;
  EXPECT_TRUE(walk.client().received == walk.server().stream) << "seed " << seed;
  EXPECT_TRUE(walk.server().received == walk.client().stream) << "seed " << seed;
  for (End* end : {&walk.client(), &walk.server()}) {
    EXPECT_FALSE(end->failed) << "seed " << seed;
    end->connection.reset();
    EXPECT_EQ(end->nodes.free_count(), end->nodes.size()) << "seed " << seed;
    EXPECT_EQ(end->sent_pool.free_count(), end->sent_pool.size()) << "seed " << seed;
    EXPECT_EQ(end->blocks.out() + end->arriving.out(), 0u) << "seed " << seed;
  }
}

TEST(RandomWalk, both_streams_arrive_whole_in_any_weather) {
  set_assertion_reporter(test::print_assertion);
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(seed);
    Walk walk(seed);
    ASSERT_GT(walk.run(), 0) << "seed " << seed
                             << " stands still: " << state_name(walk.client().connection->state())
                             << " " << state_name(walk.server().connection->state());
    expect_whole(walk, seed);
    if (::testing::Test::HasFailure()) return;
  }
}

TEST(RandomWalk, the_same_seed_takes_the_same_way) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    Walk one(seed);
    Walk two(seed);
    EXPECT_EQ(one.run(), two.run());
    EXPECT_EQ(one.fingerprint(), two.fingerprint());
  }
}

}  // namespace
}  // namespace sluice::tcp
