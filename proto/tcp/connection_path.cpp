// What ICMP and routers say of the path: errors (RFC 5927), its MTU (RFC 1191, RFC 8201) and its
// congestion (RFC 3168).
#include <algorithm>
#include <array>

#include "proto/tcp/connection.hpp"

namespace sluice::tcp {
namespace {

// RFC 1191 R1191-2: an old router does not name the MTU of the next hop. The largest usual one that
// is smaller than what we send.
std::uint32_t plateau_below(std::uint32_t packet_bytes) {
  constexpr std::array<std::uint32_t, 10> kPlateaus = {32'000, 17'914, 8166, 4352, 2002,
                                                       1492,   1006,   508,  296,  68};
  const auto smaller = [packet_bytes](std::uint32_t mtu) { return mtu < packet_bytes; };
  const auto* const found = std::find_if(kPlateaus.begin(), kPlateaus.end(), smaller);
  return found == kPlateaus.end() ? kPlateaus.back() : *found;
}

}  // namespace

// RFC 9293 MUST-54; the quoted sequence number must be in flight (RFC 5927 R5927-1, RFC 8201
// R8201-3).
DropReason Connection::on_path_error(PathError error, Seq sequence, std::uint32_t mtu) {
  if (sequence < snd_.una || sequence >= snd_.nxt) return DropReason::icmp_out_of_window;
  if (error == PathError::packet_too_big) return on_packet_too_big(sequence, mtu);
  path_error_ = error;
  // RFC 9293 SHLD-26 for a connection attempt, MUST-56; RFC 5927 R5927-3 keeps an established one.
  const bool ends = is_hard(error) || settings_.gives_up_unreachable;
  if (state_ == State::syn_sent && ends) {
    finish(error == PathError::port_unreachable ? CloseReason::refused : CloseReason::unreachable);
  }
  return DropReason::none;
}

// RFC 5927 R5927-4: where packets of a size have arrived, who says that it is too big must wait for
// a timeout to agree.
DropReason Connection::on_packet_too_big(Seq sequence, std::uint32_t mtu) {
  const std::uint32_t headers =
      (is_v6_ ? kHeadersV6 : kHeadersV4) + (timestamps_on_ ? kTimestampsLength : 0);
  const std::uint32_t floor = is_v6_ ? 1280 : 68;  // RFC 1191 R1191-1, RFC 8201 R8201-1
  if (mtu == 0 && !is_v6_) mtu = plateau_below(send_mss_ + headers);
  // A SYN is never too big: who says so has not seen it.
  if (mtu < floor || !is_synchronized(state_)) return DropReason::icmp_out_of_window;
  path_mtu_ = std::min(path_mtu_, mtu);
  const std::uint32_t mss = std::max(mtu - headers, kMinSendMss - kTimestampsLength);
  if (mss >= send_mss_) return DropReason::none;  // RFC 1191 R1191-3: never raised
  if (mss >= acked_piece_) {
    lower_mss(mss);
  } else {
    doubted_mss_ = mss;
    doubted_sequence_ = sequence;
  }
  return DropReason::none;
}

void Connection::lower_mss(std::uint32_t mss) {
  doubted_mss_ = 0;
  acked_piece_ = 0;  // the path is another one
  use_smaller_mss(mss);
}

void Connection::use_smaller_mss(std::uint32_t mss) {
  send_mss_ = mss;
  congestion_->set_mss(mss);
  recovery_.resend_larger(send_view(), mss, sent_);  // RFC 1191 R1191-5, RFC 8201 R8201-5
}

// The segment that ICMP had quoted has timed out.
void Connection::confirm_smaller_mss() {
  if (doubted_mss_ != 0 && doubted_mss_ < send_mss_) lower_mss(doubted_mss_);
}

// RFC 3168 R3168-7; R3168-9: what lay outside of the window has been cut off.
void Connection::take_congestion_marks(const Segment& segment) {
  if (segment.payload.empty()) return;
  // The peer's window may be so small that it waits for each ACK.
  const bool is_news = segment.has(wire::kCwr) || (segment.is_marked && !owes_ecn_echo_);
  if (is_news && settings_.as_linux) ack_debt_.owe_now();
  if (segment.has(wire::kCwr)) owes_ecn_echo_ = false;
  if (segment.is_marked) owes_ecn_echo_ = true;
}

// RFC 3168 R3168-5: of new data, which alone is marked as ECN capable (R3168-3, R3168-8 to -10).
void Connection::mark_for_congestion(OutSegment& out) {
  if (!ecn_on_ || out.payload_length == 0) return;
  constexpr std::uint8_t kEct0 = 2;
  out.ecn = kEct0;
  if (std::exchange(cwr_due_, false)) out.header.flags |= wire::kCwr;
}

}  // namespace sluice::tcp
