// What acknowledgements we owe, to be paid when output is pulled.
//
// Input only runs up debt; a turn pays it. In-order bytes owe one ACK a turn (RFC 9293 MUST-58,
// MUST-59); each out-of-order, gap-filling or duplicate segment owes an ACK of its own (RFC 5681
// R5681-12), because the peer counts duplicates; a young connection owes more than one a turn, so
// that a peer that counts ACKs and not bytes can grow its window.
#pragma once

#include <array>
#include <cstdint>

#include "proto/base/time.hpp"
#include "proto/tcp/ack_timing.hpp"
#include "proto/tcp/seq.hpp"
#include "proto/wire/tcp_options.hpp"

namespace sluice::tcp {

struct OwedAck {
  Seq ack;
  bool alone = false;  // a duplicate: must not ride on data (RFC 5681 R5681-13)
  // First of the SACK blocks: what had come before (RFC 2883), or a FIN beyond a gap. Empty when
  // left == right.
  wire::SackBlock first_block;
};

class AckDebt {
 public:
  // `settings` outlives it.
  explicit AckDebt(const Settings& settings) : settings_(settings), timing_(settings) {}

  // More arrived in order, up to `rcv_nxt`.
  void on_in_order(const ArrivedText& text, Seq rcv_nxt, Duration smoothed_rtt);
  // An ACK of its own for a duplicate or out-of-order segment.
  void owe_duplicate(Seq rcv_nxt, wire::SackBlock first_block = {});
  // An ACK this turn, which may ride on data: FIN, gap filled, window update, timer.
  void owe_now() { due_ = true; }
  // For a FIN up to `rcv_nxt`: the ACK of text just before it is not owed as well. `may_wait`: our
  // own FIN could take it along.
  void owe_for_fin(Seq rcv_nxt, bool may_wait, const ArrivedText& text, Duration smoothed_rtt);

  // For the SYN-ACK. An application that asked for delayed ACKs has text that takes it along.
  void owe_for_handshake(Instant now, std::uint32_t window_bytes, std::uint32_t full_bytes);

  // Segments are acknowledged at once, as is what waits; or the ACKs are delayed.
  void set_quick(bool on);
  bool is_quick() const { return timing_.is_quick(); }
  // Old text has come again, or what no window holds.
  void on_disorder(std::uint32_t window_bytes, std::uint32_t full_bytes) {
    timing_.on_disorder(window_bytes, full_bytes, settings_);
  }
  // The application has read all that there was.
  void on_all_read(std::uint32_t full_bytes);
  void on_answer(Instant now) { timing_.on_answer(now, settings_); }

  bool has_duplicates() const { return duplicates_ > 0; }
  // The next duplicate ACK; whatever was owed before it is covered by it.
  OwedAck pop_duplicate();
  bool is_due() const { return due_ || count_ > 0; }
  // The next ACK to send alone; `rcv_nxt` is what it says when nothing older is owed.
  OwedAck pop(Seq rcv_nxt);

  // An ACK has gone out; it was of everything up to RCV.NXT, or of less.
  void on_sent(bool is_everything);

  Duration delay(Duration smoothed_rtt) const { return timing_.delay(smoothed_rtt, settings_); }
  void clear();
  Instant deadline() const { return deadline_; }
  void on_time(Instant now, Duration rto);

 private:
  static constexpr std::uint32_t kMaxOwed = 8;

  void push(const OwedAck& ack);
  OwedAck take_first();

  const Settings& settings_;
  AckTiming timing_;
  std::array<OwedAck, kMaxOwed> owed_;  // oldest first
  std::uint8_t count_ = 0;
  std::uint8_t duplicates_ = 0;  // of them, those that go alone
  bool due_ = false;
  std::uint32_t bytes_ = 0;              // in order and not acknowledged
  Instant deadline_ = Instant::never();  // of the delayed ACK
};

}  // namespace sluice::tcp
