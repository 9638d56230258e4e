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
  // So many of the first segments are acknowledged one by one.
  explicit AckDebt(std::uint32_t quick_acks) : quick_left_(quick_acks) {}

  // `bytes` more arrived in order, up to `rcv_nxt`, in segments of `full_bytes` at most.
  void on_in_order(std::uint32_t bytes, std::uint32_t full_bytes, Seq rcv_nxt, Instant now,
                   Duration delay);
  // An ACK of its own for a duplicate or out-of-order segment.
  void owe_duplicate(Seq rcv_nxt, wire::SackBlock first_block = {});
  // An ACK this turn, which may ride on data: FIN, gap filled, window update, timer.
  void owe_now() { due_ = true; }
  // As owe_now(), for a FIN up to `rcv_nxt`: the ACK of text just before it is not owed as well.
  void owe_for_fin(Seq rcv_nxt);

  // Each of the next segments is acknowledged at once, as is what waits; or none is.
  void set_quick(bool on);

  bool has_duplicates() const { return duplicates_ > 0; }
  // The next duplicate ACK; whatever was owed before it is covered by it.
  OwedAck pop_duplicate();
  bool is_due() const { return due_ || count_ > 0; }
  // The next ACK to send alone; `rcv_nxt` is what it says when nothing older is owed.
  OwedAck pop(Seq rcv_nxt);

  // An ACK of everything up to RCV.NXT has gone out.
  void on_everything_acked();

  Instant deadline() const { return deadline_; }
  void on_time(Instant now) {
    if (deadline_ <= now) owe_now();
  }

 private:
  static constexpr std::uint32_t kMaxOwed = 8;
  static constexpr std::uint32_t kQuickAgain = 16;  // segments

  void push(const OwedAck& ack);
  OwedAck take_first();

  std::array<OwedAck, kMaxOwed> owed_;  // oldest first
  std::uint8_t count_ = 0;
  std::uint8_t duplicates_ = 0;  // of them, those that go alone
  bool due_ = false;
  std::uint32_t quick_left_;             // segments to be acknowledged one by one
  std::uint32_t bytes_ = 0;              // in order and not acknowledged
  Instant deadline_ = Instant::never();  // of the delayed ACK
};

}  // namespace sluice::tcp
