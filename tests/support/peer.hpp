// A test reads like a conversation:
//
//     peer.connects();                          // the handshake is done, we were passive
//     peer.sends(data(100));
//     peer.expects(ack(101));
//     app.sends("hello");
//     peer.expects(psh_ack().seq(1).len(5));
//     peer.nothing();
//     peer.at(200_ms);                          // all is silent until then
//
// Time stands still but for at() and after(); what is due before the time named must not produce a
// segment. Every payload that comes is compared with what the application sent. Invariants are
// checked after each step, and at the end all frames and nodes must be home.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

#include "proto/tcp/connection.hpp"
#include "proto/wire/format.hpp"
#include "tests/support/said.hpp"
#include "tests/support/test_frames.hpp"

namespace sluice {

inline void PrintTo(DropReason reason, std::ostream* out) {
  *out << drop_reason_name(reason);
}

}  // namespace sluice

namespace sluice::tcp {

inline void PrintTo(State state, std::ostream* out) {
  *out << state_name(state);
}
inline void PrintTo(CloseReason reason, std::ostream* out) {
  *out << close_reason_name(reason);
}

}  // namespace sluice::tcp

namespace sluice::test {

inline constexpr Duration operator""_us(unsigned long long n) {
  return Duration::microseconds(static_cast<std::int64_t>(n));
}
inline constexpr Duration operator""_ms(unsigned long long n) {
  return Duration::milliseconds(static_cast<std::int64_t>(n));
}
inline constexpr Duration operator""_s(unsigned long long n) {
  return Duration::seconds(static_cast<std::int64_t>(n));
}

using tcp::Seq;
using Where = std::source_location;
using Stream = std::vector<std::uint8_t>;

inline std::uint8_t pattern_byte(std::size_t position) {
  return static_cast<std::uint8_t>(position * 7 + (position >> 8) * 13);
}

// What the peer says in its SYN, and how it behaves afterwards.
struct PeerSettings {
  std::optional<std::uint16_t> mss = 1000;
  std::uint16_t window = 65'535;
  std::optional<std::uint8_t> scale;
  bool timestamps = false;
  bool sack = false;
  bool is_v6 = false;
};

inline void print_assertion(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, expression);
}

class Peer {
 public:
  explicit Peer(std::uint32_t node_count = 2048) : nodes(node_count) {
    set_assertion_reporter(print_assertion);
    settings.min_rto = 1_s;  // round numbers
  }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  ~Peer() {
    connection_.reset();
    last_.clear();
    EXPECT_EQ(nodes.free_count(), nodes.size()) << "nodes that did not come home";
    EXPECT_EQ(sent.free_count(), sent.size()) << "records that did not come home";
  }

  // --- before the conversation -----------------------------------------------------------------
  tcp::Settings settings;
  PeerSettings says;
  std::uint16_t our_mss = 1000;  // MTU less headers
  Seq our_iss{0xffff'ff00u};     // both wrap early
  Seq peer_iss{0xffff'f800u};
  std::uint32_t ts_offset = 77;
  bool asks_for_ecn = false;                           // in its SYN
  bool agrees_to_ecn = false;                          // in its SYN-ACK
  std::optional<std::uint32_t> syn_echo;               // in its SYN-ACK; else of our last SYN
  std::function<void(tcp::Connection&)> open_options;  // what our application chooses before

  TestFrames blocks{2048};    // that bytes are copied into
  TestFrames arriving{2048};  // that the peer's payload comes in
  std::uint32_t arriving_capacity = 0;
  SliceNodePool nodes;
  tcp::SentSegmentPool sent{1024};  // what is sent and not acknowledged

  // --- opening ----------------------------------------------------------------------------------
  // The peer's SYN has arrived for a listener.
  void opens(Where where = Where::current()) {
    begin();
    Said said = syn().win(says.window).options(syn_options());
    if (asks_for_ecn) said.flag(wire::kEce | wire::kCwr);
    wire::TcpHeader header = header_of(said);
    note('<', header, 0, 0);
    tcp::Segment segment = tcp::make_segment(header, {});
    connection_->open_passive(identity(), segment, now_);
    peer_nxt_ = 1;
    check(where);
  }
  // We are passive; the handshake is done.
  void connects(Where where = Where::current()) {
    opens(where);
    expects(syn_ack().ack(1), where);
    sends(ack(1), where);
  }
  // We open actively.
  void called(Where where = Where::current()) {
    begin();
    connection_->open_active(identity(), now_);
    check(where);
  }
  void answers(Where where = Where::current()) {
    Said said = syn_ack().ack(1).win(says.window).options(syn_options());
    if (agrees_to_ecn) said.flag(wire::kEce);
    if (syn_echo) said.ecr(*syn_echo);
    sends(said, where);
    peer_nxt_ = 1;
  }
  // We are active; the handshake is done.
  void accepts(Where where = Where::current()) {
    called(where);
    expects(syn(), where);
    answers(where);
    expects(ack(1), where);
  }

  // --- four words -------------------------------------------------------------------------------
  // A segment from the peer. What is not named: the next sequence number, the last acknowledgment
  // and window said, timestamps of a clock that runs.
  DropReason sends(Said said, Where where = Where::current()) {
    return sends_through(false, said, where);
  }
  // The same, through a router that is congested and marks it (RFC 3168).
  DropReason sends_marked(Said said, Where where = Where::current()) {
    return sends_through(true, said, where);
  }

  // The next segment that comes must look so.
  void expects(const Said& said, Where where = Where::current()) {
    if (!pull()) {
      fail(where, "nothing came");
      return;
    }
    compare(said, where);
    check(where);
  }
  void nothing(Where where = Where::current()) {
    if (pull()) fail(where, "expected nothing");
    check(where);
  }
  // Takes what comes, whatever it is; how many segments it was.
  std::uint32_t drains(Where where = Where::current()) {
    std::uint32_t count = 0;
    while (pull()) ++count;
    check(where);
    return count;
  }

  // --- the clock --------------------------------------------------------------------------------
  // Nothing is sent before `time` (from the start); what is due then may be expected next.
  void at(Duration time, Where where = Where::current()) {
    const Instant target = kStart + time;
    nothing(where);
    for (int steps = 0; connection_->deadline() < target; ++steps) {
      now_ = std::max(now_, connection_->deadline());
      connection_->on_time(now_);
      if (pull()) fail(where, "came before its time");
      if (steps > 10'000) return fail(where, "the deadline stands still");
    }
    now_ = std::max(now_, target);
    connection_->on_time(now_);
    check(where);
  }
  void after(Duration time, Where where = Where::current()) { at(now_ - kStart + time, where); }
  // As after(), but whatever comes meanwhile is taken; how many segments it was.
  std::uint32_t ignores_for(Duration time, Where where = Where::current()) {
    const Instant target = now_ + time;
    std::uint32_t count = drains(where);
    while (connection_->deadline() < target) {
      now_ = std::max(now_, connection_->deadline());
      connection_->on_time(now_);
      count += drains(where);
    }
    now_ = target;
    connection_->on_time(now_);
    check(where);
    return count;
  }

  // --- both sides as they are
  // ---------------------------------------------------------------------
  tcp::Connection& connection() { return *connection_; }
  tcp::State state() const { return connection_->state(); }
  Instant now() const { return now_; }
  Duration clock() const { return now_ - kStart; }
  const wire::TcpHeader& last() const { return last_header_; }
  std::uint8_t last_ecn() const { return last_ecn_; }
  std::uint32_t ts_clock() const { return kPeerClock + static_cast<std::uint32_t>(clock().ms()); }
  std::uint32_t our_ts(Duration time) const {
    return tcp::timestamp_clock(kStart + time) + ts_offset;
  }
  std::uint32_t nxt() const { return peer_nxt_; }
  Stream& app_stream() { return app_stream_; }
  Stream& peer_stream() { return peer_stream_; }
  const tcp::Resources& resources() const { return resources_; }
  // Brings an established conversation (we passive) on to `state`, with all that was said taken.
  void reaches(tcp::State state, Where where = Where::current());
  void check(Where where) {
    if (connection_) connection_->check_invariants();
    static_cast<void>(where);
  }

  static constexpr Instant kStart = Instant::from_ns(3'000'000'000);
  static constexpr std::uint32_t kPeerClock = 500'000;

 private:
  DropReason sends_through(bool marks, Said said, Where where) {
    const bool has_ack = (said.flags_ & wire::kAck) != 0;
    if (said.win_) window_ = static_cast<std::uint16_t>(*said.win_);
    if (has_ack && said.ack_) acked_ = *said.ack_;
    const std::uint32_t at = said.seq_.value_or(peer_nxt_);
    const std::uint32_t length = said.len_.value_or(0);
    wire::TcpHeader header = header_of(said);
    header.sequence = (peer_iss + at).value();
    note('<', header, length, 0);
    tcp::Segment segment = tcp::make_segment(header, payload_of(said, at),
                                             static_cast<std::uint16_t>(said.gso_.value_or(0)));
    segment.is_marked = marks;
    const std::uint32_t end = at + segment.length();
    const bool opening = segment.has(wire::kSyn) && peer_nxt_ == 0;
    if ((!said.seq_ || opening) && end > peer_nxt_) peer_nxt_ = end;
    const DropReason reason = connection_->on_segment(segment, now_);
    check(where);
    return reason;
  }

  tcp::Identity identity() const { return {our_iss, ts_offset, our_mss, says.is_v6}; }
  void begin() {
    connection_.emplace(settings, resources_);
    if (open_options) open_options(*connection_);
    window_ = says.window;
  }
  wire::TcpOptions syn_options() const {
    wire::TcpOptions options;
    options.has_mss = says.mss.has_value();
    options.mss = says.mss.value_or(0);
    options.has_window_scale = says.scale.has_value();
    options.window_scale = says.scale.value_or(0);
    options.sack_permitted = says.sack;
    options.has_timestamps = says.timestamps;
    options.ts_value = ts_clock();
    options.ts_echo = 0;
    return options;
  }
  wire::TcpHeader header_of(const Said& said) const {
    wire::TcpHeader header;
    header.flags = said.flags_;
    header.urgent = static_cast<std::uint16_t>(said.urg_.value_or(0));
    header.sequence = (peer_iss + said.seq_.value_or(peer_nxt_)).value();
    if ((said.flags_ & wire::kAck) != 0) {
      header.acknowledgment = (our_iss + said.ack_.value_or(acked_)).value();
    }
    header.window = static_cast<std::uint16_t>(said.win_.value_or(window_));
    if (said.options_) header.options = *said.options_;
    wire::TcpOptions& options = header.options;
    if (says.timestamps && !said.no_timestamps_) {
      options.has_timestamps = true;
      options.ts_value = said.ts_value_.value_or(ts_clock());
      options.ts_echo = said.ts_echo_.value_or((said.flags_ & wire::kAck) != 0 ? last_ts_ : 0);
    } else if (said.ts_value_) {
      options.has_timestamps = true;
      options.ts_value = *said.ts_value_;
    }
    if (said.sack_) {
      for (const wire::SackBlock& block : *said.sack_) {
        options.sack.at(options.sack_count++) = {(our_iss + block.left).value(),
                                                 (our_iss + block.right).value()};
      }
    }
    return header;
  }
  Slice payload_of(const Said& said, std::uint32_t at) {
    const std::uint32_t length = said.len_.value_or(0);
    if (length == 0) return {};
    const std::uint32_t skip = (said.flags_ & wire::kSyn) != 0 ? 1 : 0;
    Stream bytes(length);
    for (std::uint32_t i = 0; i < length; ++i) {
      bytes[i] = said.text_ ? static_cast<std::uint8_t>((*said.text_)[i])
                            : pattern_byte(at + skip + i - 1);
    }
    const std::size_t position = static_cast<std::size_t>(at + skip) - 1;
    if (position < (1u << 26)) {  // else out of any window, and never read
      if (peer_stream_.size() < position + length) peer_stream_.resize(position + length);
      std::copy(bytes.begin(), bytes.end(),
                peer_stream_.begin() + static_cast<std::ptrdiff_t>(position));
    }
    return arriving.slice_of(bytes, arriving_capacity);
  }

  bool pull() {
    if (!connection_->next_segment(last_, now_)) return false;
    last_header_ = last_.header;
    last_ecn_ = last_.ecn;
    if (last_.header.options.has_timestamps) last_ts_ = last_.header.options.ts_value;
    note('>', last_.header, last_.payload_length, last_.gso_size);
    compare_payload();
    return true;
  }
  std::uint32_t relative(const wire::TcpHeader& header) const {
    return header.sequence - our_iss.value();
  }
  void compare_payload() {
    std::uint32_t total = 0;
    std::size_t position = static_cast<std::size_t>(relative(last_.header)) - 1;
    for (std::uint32_t i = 0; i < last_.pieces; ++i) {
      const Bytes piece = last_.payload[i].bytes();
      total += static_cast<std::uint32_t>(piece.size());
      const bool known = position + piece.size() <= app_stream_.size();
      ASSERT_TRUE(known && std::equal(piece.begin(), piece.end(),
                                      app_stream_.begin() + static_cast<std::ptrdiff_t>(position)))
          << "payload is not what the application sent\n"
          << transcript_;
      position += piece.size();
    }
    ASSERT_EQ(total, last_.payload_length) << transcript_;
  }

  void compare(const Said& said, Where where) {
    const wire::TcpHeader& header = last_.header;
    const auto same = [](const auto& wanted, std::uint32_t came) {
      return !wanted || *wanted == came;
    };
    bool ok = said.flags_ == header.flags && same(said.seq_, relative(header)) &&
              same(said.win_, header.window) && same(said.len_, last_.payload_length) &&
              same(said.gso_, last_.gso_size) && same(said.pieces_, last_.pieces) &&
              same(said.ts_value_, header.options.ts_value) &&
              same(said.ts_echo_, header.options.ts_echo) && same(said.urg_, header.urgent);
    ok = ok &&
         same(said.ack_, header.acknowledgment - (header.has(wire::kAck) ? peer_iss.value() : 0));
    ok = ok && (!said.no_timestamps_ || !header.options.has_timestamps);
    ok = ok && (!said.ts_value_ || header.options.has_timestamps);
    if (said.sack_) ok = ok && *said.sack_ == relative_sack(header.options);
    if (said.options_) {
      ok = ok &&
           wire::format_tcp_options(*said.options_) == wire::format_tcp_options(header.options);
    }
    if (!ok) fail(where, "expected: " + describe(said));
  }
  std::vector<wire::SackBlock> relative_sack(const wire::TcpOptions& options) const {
    std::vector<wire::SackBlock> held;
    for (std::size_t i = 0; i < options.sack_count; ++i) {
      held.push_back({options.sack.at(i).left - peer_iss.value(),
                      options.sack.at(i).right - peer_iss.value()});
    }
    return held;
  }

  // --- what a failure shows
  // -----------------------------------------------------------------------
  void note(char direction, const wire::TcpHeader& header, std::uint32_t length,
            std::uint32_t gso) {
    const bool ours = direction == '>';
    const std::uint32_t from = ours ? our_iss.value() : peer_iss.value();
    const std::uint32_t to = ours ? peer_iss.value() : our_iss.value();
    std::string line = std::to_string(clock().us()) + "us " + direction + " Flags [" +
                       wire::format_tcp_flags(header.flags) + "], seq " +
                       std::to_string(static_cast<std::int32_t>(header.sequence - from));
    if (length > 0) {
      line += ":" + std::to_string(static_cast<std::int32_t>(header.sequence - from + length));
    }
    if (header.has(wire::kAck)) {
      line += ", ack " + std::to_string(static_cast<std::int32_t>(header.acknowledgment - to));
    }
    line += ", win " + std::to_string(header.window);
    if (header.has(wire::kUrg)) line += ", urg " + std::to_string(header.urgent);
    wire::TcpOptions options = header.options;
    for (std::size_t i = 0; i < options.sack_count; ++i) {
      options.sack.at(i).left -= to;
      options.sack.at(i).right -= to;
    }
    const std::string text = wire::format_tcp_options(options);
    if (!text.empty()) line += ", options [" + text + "]";
    line += ", length " + std::to_string(length);
    if (gso != 0) line += ", gso " + std::to_string(gso);
    transcript_ += line + "\n";
    if (transcript_.size() > 4000) transcript_.erase(0, transcript_.find('\n', 1000) + 1);
  }
  static std::string describe(const Said& said) {
    std::string line = "Flags [" + wire::format_tcp_flags(said.flags_) + "]";
    const auto put = [&line](const char* name, const std::optional<std::uint32_t>& value) {
      if (value) line += std::string(", ") + name + " " + std::to_string(*value);
    };
    put("seq", said.seq_);
    put("ack", said.ack_);
    put("win", said.win_);
    put("length", said.len_);
    put("gso", said.gso_);
    put("pieces", said.pieces_);
    put("urg", said.urg_);
    put("TS val", said.ts_value_);
    put("ecr", said.ts_echo_);
    if (said.sack_) {
      line += ", sack " + std::to_string(said.sack_->size()) + " ";
      for (const wire::SackBlock& block : *said.sack_) {
        line += "{" + std::to_string(block.left) + ":" + std::to_string(block.right) + "}";
      }
    }
    if (said.options_) line += ", options [" + wire::format_tcp_options(*said.options_) + "]";
    if (said.no_timestamps_) line += ", no timestamps";
    return line;
  }
  void fail(Where where, const std::string& what) {
    ADD_FAILURE_AT(where.file_name(), static_cast<int>(where.line()))
        << what << "\nstate " << tcp::state_name(connection_->state())
        << ", the conversation (< the peer, > we):\n"
        << transcript_;
  }

  tcp::Resources resources_{blocks, nodes, sent};
  std::optional<tcp::Connection> connection_;
  tcp::OutSegment last_;
  wire::TcpHeader last_header_;
  std::uint8_t last_ecn_ = 0;
  Instant now_ = kStart;
  std::uint32_t peer_nxt_ = 0;
  std::uint32_t acked_ = 0;
  std::uint16_t window_ = 0;
  std::uint32_t last_ts_ = 0;
  Stream app_stream_;   // what our application sent
  Stream peer_stream_;  // what the peer sent
  std::string transcript_;
};

// Our application.
class App {
 public:
  explicit App(Peer& peer) : peer_(peer) {}

  std::uint32_t sends(std::string_view text) { return keep(Stream(text.begin(), text.end())); }
  std::uint32_t sends(std::uint32_t count, tcp::SendFlags flags = {}) {
    Stream bytes(count);
    for (std::uint32_t i = 0; i < count; ++i) {
      bytes[i] = pattern_byte(peer_.app_stream().size() + i);
    }
    return keep(bytes, flags);
  }
  // By reference, one slice.
  std::uint32_t lends(std::uint32_t count, TestFrames& from, std::uint32_t capacity = 0) {
    Stream bytes(count);
    for (std::uint32_t i = 0; i < count; ++i) {
      bytes[i] = pattern_byte(peer_.app_stream().size() + i);
    }
    const std::uint32_t taken = peer_.connection().send(from.slice_of(bytes, capacity));
    remember(bytes, taken);
    return taken;
  }
  // Exactly so many bytes, which must be what the peer sent next.
  void reads(std::uint32_t count, Where where = Where::current()) {
    std::uint32_t left = count;
    while (left > 0) {
      const Slice slice = peer_.connection().read(left);
      if (slice.empty()) break;
      const Stream& wanted = peer_.peer_stream();
      const bool same = read_ + slice.size() <= wanted.size() &&
                        std::equal(slice.bytes().begin(), slice.bytes().end(),
                                   wanted.begin() + static_cast<std::ptrdiff_t>(read_));
      if (!same) ADD_FAILURE_AT(where.file_name(), static_cast<int>(where.line())) << "wrong bytes";
      read_ += slice.size();
      left -= slice.size();
    }
    if (left > 0) {
      ADD_FAILURE_AT(where.file_name(), static_cast<int>(where.line()))
          << left << " of " << count << " bytes were not there";
    }
    peer_.check(where);
  }
  void reads_all(Where where = Where::current()) { reads(peer_.connection().readable(), where); }
  void shuts_down() { peer_.connection().shutdown_send(peer_.now()); }
  void closes() { peer_.connection().close(peer_.now()); }
  void aborts() { peer_.connection().abort(peer_.now()); }
  bool hears(int events) { return peer_.connection().take_events() == events; }

 private:
  std::uint32_t keep(const Stream& bytes, tcp::SendFlags flags = {}) {
    const std::uint32_t taken = peer_.connection().send(Bytes(bytes), flags);
    remember(bytes, taken);
    peer_.check(Where::current());
    return taken;
  }
  void remember(const Stream& bytes, std::uint32_t taken) {
    Stream& stream = peer_.app_stream();
    stream.insert(stream.end(), bytes.begin(), bytes.begin() + taken);
  }

  Peer& peer_;
  std::size_t read_ = 0;
};

inline void Peer::reaches(tcp::State wanted, Where where) {
  using tcp::State;
  if (wanted == State::syn_sent) {
    called(where);
    return expects(syn(), where);
  }
  if (wanted == State::syn_received) {
    opens(where);
    return expects(syn_ack(), where);
  }
  connects(where);
  const bool peer_first = wanted == State::close_wait || wanted == State::last_ack;
  if (peer_first) {
    sends(fin_ack(), where);
    expects(ack(2), where);
  }
  if (wanted == State::established || wanted == State::close_wait) return;
  connection_->shutdown_send(now_);
  expects(fin_ack().seq(1), where);
  if (wanted == State::fin_wait_2 || wanted == State::time_wait) sends(ack(2), where);
  if (wanted == State::closing || wanted == State::time_wait) {
    sends(fin_ack(), where);
    drains(where);
  }
  EXPECT_EQ(state(), wanted);
}

// Base of the conversations.
class Conversation : public ::testing::Test {
 protected:
  TestFrames own{512};  // frames of our application
  Peer peer;
  App app{peer};
};

}  // namespace sluice::test
