// Urgent data (RFC 9293 3.8.5, MUST-30), with the semantics that Linux gives it (net/ipv4/tcp.c,
// tcp_input.c) and RFC 6093 describes.
#include <algorithm>

#include "proto/tcp/connection.hpp"

namespace sluice::tcp {
namespace {

constexpr std::uint32_t kMostAhead = 0xffff;  // that the pointer can say

}  // namespace

// --- sending ----------------------------------------------------------------------------------

// All that was given to us so far, however long (MUST-31).
void Connection::urge() {
  const Seq begin = is_synchronized(state_) ? snd_.una : snd_.iss + 1u;
  urgent_.snd_up = begin + send_buffer_.size();
  urgent_.is_sending = true;
}

// MUST-62: the pointer counts from the segment's first byte to the one behind the last urgent one.
// Every segment in front of that says so, ACKs and window probes too (MUST-66 is for them). One
// that lies too far ahead is hinted at, but not by pointing to what has been sent already.
void Connection::point_to_urgent(wire::TcpHeader& header, Seq seq) {
  if (!is_urgent()) {
    urgent_.is_sending = false;  // before its number comes round again
    return;
  }
  if (header.has(wire::kSyn) || header.has(wire::kRst) || seq >= urgent_.snd_up) return;
  const std::uint32_t ahead = distance(seq, urgent_.snd_up);
  if (ahead > kMostAhead && seq + kMostAhead <= snd_.nxt) return;
  header.flags |= wire::kUrg;
  header.urgent = static_cast<std::uint16_t>(std::min(ahead, kMostAhead));
}

// --- receiving --------------------------------------------------------------------------------

// Sixth step of RFC 9293 3.10.7.4 (SA-23). A pointer to what has come already, or that does not
// advance, is an old one. An urgent byte that was not read is from now on like any other, but for
// one that the next read would have left out (RFC 6093 3.3).
void Connection::take_urgent_pointer(const Segment& segment) {
  if (!can_receive(state_) || application_gone_) return;
  const Seq mark = segment.urgent_end - 1u;
  if (mark < rcv_.nxt || (urgent_.has_mark && mark <= urgent_.mark)) return;
  if (at_urgent_mark()) receive_buffer_.read(next_run().skipped, resources_);
  urgent_.mark = mark;
  urgent_.has_mark = true;
  urgent_.is_taken = false;
  events_ |= kUrgent;  // MUST-32
}

// RCV.NXT has moved on from `from`.
void Connection::note_urgent_byte(Seq from) {
  if (from <= urgent_.mark && urgent_.mark < rcv_.nxt) events_ |= kUrgent;
}

std::optional<std::uint32_t> Connection::bytes_to_mark() const {
  const Seq next = rcv_.nxt - (fin_received_ ? 1u : 0u) - readable();
  if (!urgent_.has_mark || urgent_.mark < next) return {};
  return distance(next, urgent_.mark);
}

UrgentByte Connection::urgent_byte() const {
  const std::optional<std::uint32_t> before = bytes_to_mark();
  if (!before) return UrgentByte::none;
  if (urgent_.is_taken) return UrgentByte::taken;
  return *before < readable() ? UrgentByte::here : UrgentByte::awaited;
}

std::optional<std::uint8_t> Connection::take_urgent_byte(bool peek) {
  if (urgent_byte() != UrgentByte::here) return {};
  std::uint8_t byte = 0;
  receive_buffer_.peek(MutableBytes(&byte, 1), bytes_to_mark().value());
  urgent_.is_taken = !peek;
  return byte;
}

ReadableRun Connection::next_run() const {
  const std::optional<std::uint32_t> before = bytes_to_mark();
  if (!before) return {0, readable()};
  if (*before > 0) return {0, std::min(*before, readable())};
  const std::uint32_t skipped = urgent_.is_inline || readable() == 0 ? 0 : 1;
  return {skipped, readable() - skipped};
}

// How much of `max_bytes` may be read in one piece; the urgent byte is left out where it must be.
std::uint32_t Connection::stop_at_mark(std::uint32_t max_bytes) {
  const ReadableRun run = next_run();
  if (at_urgent_mark() && readable() > 0 && max_bytes > 0) {
    receive_buffer_.read(run.skipped, resources_);
    urgent_.has_mark = false;
  }
  return std::min(max_bytes, run.length);
}

}  // namespace sluice::tcp
