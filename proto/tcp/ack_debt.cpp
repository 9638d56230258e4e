#include "proto/tcp/ack_debt.hpp"

#include <algorithm>

namespace sluice::tcp {

void AckDebt::on_in_order(std::uint32_t bytes, std::uint32_t full_bytes, Seq rcv_nxt, Instant now,
                          Duration delay) {
  bytes_ += bytes;
  // More than a full segment: the peer's tail probe waits for no delayed ACK then.
  const bool is_enough = bytes_ >= 2 * std::min(full_bytes, bytes) || bytes_ > full_bytes;
  if (quick_left_ > 0) {
    --quick_left_;
    push({rcv_nxt, false, {}});
  } else if (is_enough) {
    owe_now();  // RFC 9293 SHLD-19, RFC 5681 R5681-18
  } else if (deadline_.is_never()) {
    deadline_ = now + delay;  // RFC 9293 SHLD-18, MUST-40
  }
}

void AckDebt::set_quick(bool on) {
  quick_left_ = on ? kQuickAgain : 0;
  if (on && bytes_ > 0) owe_now();
}

void AckDebt::owe_duplicate(Seq rcv_nxt, wire::SackBlock first_block) {
  push({rcv_nxt, true, first_block});
}

// RFC 5681 R5681-19: one ACK for a segment with text and FIN.
void AckDebt::owe_for_fin(Seq rcv_nxt) {
  if (count_ > 0 && !owed_[count_ - 1u].alone && owed_[count_ - 1u].ack + 1u == rcv_nxt) --count_;
  owe_now();
}

void AckDebt::push(const OwedAck& ack) {
  // A full list says enough: three duplicates make a peer retransmit, more only add to the flood.
  if (count_ == kMaxOwed) {
    if (!ack.alone) owe_now();
    return;
  }
  owed_[count_++] = ack;
  if (ack.alone) ++duplicates_;
}

OwedAck AckDebt::take_first() {
  const OwedAck first = owed_[0];
  std::copy(owed_.begin() + 1, owed_.begin() + count_, owed_.begin());
  --count_;
  if (first.alone) --duplicates_;
  return first;
}

OwedAck AckDebt::pop_duplicate() {
  OwedAck first = take_first();
  while (!first.alone) first = take_first();
  return first;
}

OwedAck AckDebt::pop(Seq rcv_nxt) {
  if (count_ > 0) return take_first();
  return {rcv_nxt, false, {}};
}

void AckDebt::on_everything_acked() {
  due_ = false;
  bytes_ = 0;
  deadline_ = Instant::never();
  if (duplicates_ == 0) count_ = 0;
}

}  // namespace sluice::tcp
