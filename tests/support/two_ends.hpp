// Two connections joined by a wire that delays, and loses what a test names. Virtual time, no
// chance: every run is the same.
//
//     TwoEnds ends(20_ms);                         // the round trip
//     ends.wire.loses = [](const Crossing& it) { return it.position == 5000 && it.copy == 0; };
//     ends.connect();
//     ends.client.send(1 << 20);
//     ends.run_for(10_s);
//     EXPECT_EQ(ends.server.received(), 1u << 20);
//
// Super-segments are cut as a device would cut them, so that a piece can be lost alone.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "proto/tcp/connection.hpp"
#include "tests/support/peer.hpp"
#include "tests/support/test_frames.hpp"

namespace sluice::test {

// A segment on the wire.
struct Crossing {
  bool to_server = false;
  std::uint32_t position = 0;  // in the stream, from 0; of an empty segment where it would begin
  std::uint32_t length = 0;    // payload
  std::uint32_t copy = 0;      // how often text from this position has crossed before
  wire::TcpHeader header;

  bool has(wire::TcpFlag flag) const { return (header.flags & flag) != 0; }
};

struct Wire {
  Duration one_way;
  std::uint64_t bytes_per_second = 0;  // of each direction; zero: no limit
  std::function<bool(const Crossing&)> loses;
  std::function<void(Crossing&)> changes;
};

// One side: a connection, its memory, and an application that sends what it is asked for and reads
// all that comes.
class OneEnd {
 public:
  explicit OneEnd(Seq first) : iss(first) { settings.max_payload_bytes = 65'000; }
  ~OneEnd() {
    connection.reset();
    EXPECT_EQ(nodes.free_count(), nodes.size());
    EXPECT_EQ(sent.free_count(), sent.size());
  }
  OneEnd(const OneEnd&) = delete;
  OneEnd& operator=(const OneEnd&) = delete;

  void send(std::uint32_t bytes) { wanted += bytes; }
  void close() { closes = true; }
  std::uint32_t received() const { return received_; }
  const tcp::ConnectionCounters& counters() const { return connection->counters(); }

  void act(Instant now) {
    std::array<std::uint8_t, 16'384> bytes;
    while (written < wanted) {
      const auto part = std::min(wanted - written, static_cast<std::uint32_t>(bytes.size()));
      for (std::uint32_t i = 0; i < part; ++i) bytes[i] = pattern_byte(written + i);
      const std::uint32_t taken = connection->send(Bytes(bytes).first(part));
      written += taken;
      if (taken < part) break;
    }
    if (closes && written == wanted) connection->shutdown_send(now);
    while (true) {
      const Slice slice = connection->read(1 << 20);
      if (slice.empty()) break;
      for (const std::uint8_t byte : slice.bytes()) {
        if (byte != pattern_byte(received_++)) is_wrong = true;
      }
    }
    connection->settle();
  }

  tcp::Settings settings;
  Seq iss;
  std::uint16_t mss = 1460;
  TestFrames blocks{4096};
  TestFrames arriving{4096};
  SliceNodePool nodes{65'536};
  tcp::SentSegmentPool sent{8192};
  tcp::Resources resources{blocks, nodes, sent};
  std::optional<tcp::Connection> connection;
  std::uint32_t wanted = 0;
  std::uint32_t written = 0;
  bool closes = false;
  bool is_wrong = false;  // bytes came that the other has not sent

 private:
  std::uint32_t received_ = 0;
};

class TwoEnds {
 public:
  explicit TwoEnds(Duration round_trip) {
    set_assertion_reporter(print_assertion);
    wire.one_way = round_trip / 2;
  }

  // Until the handshake is done.
  void connect() {
    client.connection.emplace(client.settings, client.resources);
    server.connection.emplace(server.settings, server.resources);
    client.connection->open_active({client.iss, 5, client.mss, false}, now_);
    const auto is_open = [this] {
      return client.connection->state() == tcp::State::established &&
             server.connection->state() == tcp::State::established;
    };
    EXPECT_TRUE(run_until(is_open, Duration::seconds(60)));
  }

  void run_for(Duration time) {
    run_until([] { return false; }, time);
  }
  // False when `time` went by before.
  bool run_until(const std::function<bool()>& is_done, Duration time) {
    const Instant end = now_ + time;
    for (std::uint64_t steps = 0; steps < 20'000'000; ++steps) {
      turn(client, true);
      turn(server, false);
      if (is_done()) return true;
      const Instant next = next_event();
      if (next > end) break;
      stands_still_ = next > now_ ? 0 : stands_still_ + 1;
      if (stands_still_ > 1000) {
        ADD_FAILURE() << "a deadline stands still";
        return false;
      }
      now_ = std::max(now_, next);
      deliver();
    }
    now_ = std::max(now_, end);
    return false;
  }

  Instant now() const { return now_; }

  Wire wire;
  OneEnd client{Seq(0xffff'0000u)};
  OneEnd server{Seq(0xfffe'0000u)};

 private:
  struct Arriving {
    Crossing crossing;
    Stream payload;
  };

  void turn(OneEnd& end, bool to_server) {
    tcp::Connection& connection = *end.connection;
    if (connection.state() == tcp::State::closed) {
      if (connection.close_reason() == tcp::CloseReason::none) return;
    }
    if (connection.deadline() <= now_) connection.on_time(now_);
    end.act(now_);
    tcp::OutSegment out;
    while (connection.next_segment(out, now_)) cut(out, end, to_server);
    connection.check_invariants();
    if (connection.state() == tcp::State::time_wait) connection.take_time_wait();
  }

  void cut(const tcp::OutSegment& out, const OneEnd& from, bool to_server) {
    Stream text;
    for (std::uint32_t p = 0; p < out.pieces; ++p) {
      const Bytes piece = out.payload[p].bytes();
      text.insert(text.end(), piece.begin(), piece.end());
    }
    const auto whole = static_cast<std::uint32_t>(text.size());
    const std::uint32_t size = out.gso_size != 0 ? out.gso_size : std::max(whole, 1u);
    for (std::uint32_t at = 0; at == 0 || at < whole; at += size) {
      const std::uint32_t length = std::min(size, whole - at);
      Crossing crossing{to_server, 0, length, 0, out.header};
      crossing.header.sequence += at;
      crossing.position = crossing.header.sequence - from.iss.value() - 1;
      const bool is_last = at + length == whole;
      if (!is_last) crossing.header.flags &= static_cast<std::uint8_t>(~(wire::kFin | wire::kPsh));
      const auto first = text.begin() + static_cast<std::ptrdiff_t>(at);
      launch(crossing, Stream(first, first + static_cast<std::ptrdiff_t>(length)));
    }
  }

  void launch(Crossing& crossing, Stream payload) {
    const bool has_text = crossing.length > 0 || crossing.has(wire::kFin);
    if (has_text) crossing.copy = copies_[{crossing.to_server, crossing.position}]++;
    if (wire.loses && wire.loses(crossing)) return;
    if (wire.changes) wire.changes(crossing);
    Instant& free_at = crossing.to_server ? free_to_server_ : free_to_client_;
    free_at = std::max(free_at, now_) + service(crossing.length + 40);
    arriving_.emplace(free_at + wire.one_way, Arriving{crossing, std::move(payload)});
  }

  Duration service(std::uint32_t bytes) const {
    if (wire.bytes_per_second == 0) return {};
    const std::uint64_t ns = std::uint64_t{bytes} * 1'000'000'000 / wire.bytes_per_second;
    return Duration::nanoseconds(static_cast<std::int64_t>(ns));
  }

  Instant next_event() const {
    Instant next = std::min(client.connection->deadline(), server.connection->deadline());
    if (!arriving_.empty()) next = std::min(next, arriving_.begin()->first);
    return next;
  }

  void deliver() {
    while (!arriving_.empty() && arriving_.begin()->first <= now_) {
      const Arriving one = std::move(arriving_.begin()->second);
      arriving_.erase(arriving_.begin());
      OneEnd& end = one.crossing.to_server ? server : client;
      tcp::Segment segment =
          tcp::make_segment(one.crossing.header, end.arriving.slice_of(one.payload));
      const bool is_fresh = end.connection->state() == tcp::State::closed &&
                            end.connection->close_reason() == tcp::CloseReason::none;
      if (is_fresh) {
        if (!segment.has(wire::kSyn) || segment.has(wire::kAck)) continue;
        end.connection->open_passive({end.iss, 9, end.mss, false}, segment, now_);
        continue;
      }
      end.connection->on_segment(segment, now_);
      end.connection->check_invariants();
    }
  }

  Instant now_ = Instant::from_ns(5'000'000'000);
  Instant free_to_server_;
  Instant free_to_client_;
  std::multimap<Instant, Arriving> arriving_;
  std::map<std::pair<bool, std::uint32_t>, std::uint32_t> copies_;
  int stands_still_ = 0;
};

}  // namespace sluice::test
