#include "proto/tcp/ack_debt.hpp"

#include <algorithm>

namespace sluice::tcp {

void AckDebt::on_in_order(const ArrivedText& text, Seq rcv_nxt, Duration smoothed_rtt) {
  bytes_ += text.bytes;
  switch (timing_.on_text(text, bytes_, settings_)) {
    case AckTiming::Due::alone: push({rcv_nxt, false, {}}); return;
    case AckTiming::Due::now: owe_now(); return;
    case AckTiming::Due::later: break;
  }
  const Duration delay = timing_.delay(smoothed_rtt, settings_);
  if (settings_.adaptive_acks && deadline_ <= text.now + delay / 4) return owe_now();
  deadline_ = std::min(deadline_, text.now + delay);  // RFC 9293 SHLD-18, MUST-40
}

void AckDebt::on_time(Instant now, Duration rto) {
  if (deadline_ > now) return;
  deadline_ = Instant::never();
  timing_.on_delay_over(rto, settings_);
  owe_now();
}

void AckDebt::on_all_read(std::uint32_t full_bytes) {
  if (deadline_.is_never() || !settings_.adaptive_acks) return;
  if (bytes_ > full_bytes || timing_.is_due_when_read()) owe_now();
}

void AckDebt::set_quick(bool on) {
  timing_.set_quick(on, settings_);
  if (on && bytes_ > 0) owe_now();
}

void AckDebt::owe_duplicate(Seq rcv_nxt, wire::SackBlock first_block) {
  push({rcv_nxt, true, first_block});
}

// RFC 5681 R5681-19: one ACK for a segment with text and FIN.
void AckDebt::owe_for_fin(Seq rcv_nxt, bool may_wait, const ArrivedText& text,
                          Duration smoothed_rtt) {
  if (count_ > 0 && !owed_[count_ - 1u].alone && owed_[count_ - 1u].ack + 1u == rcv_nxt) --count_;
  ++bytes_;
  const bool waits = settings_.adaptive_acks && may_wait && timing_.has_heard_text();
  if (!waits || due_ || bytes_ > text.full_bytes) return owe_now();
  timing_.on_fin();
  deadline_ = std::min(deadline_, text.now + timing_.delay(smoothed_rtt, settings_));
}

void AckDebt::owe_for_handshake(Instant now, std::uint32_t window_bytes, std::uint32_t full_bytes) {
  if (!settings_.adaptive_acks || timing_.is_quick()) return owe_now();
  on_disorder(window_bytes, full_bytes);
  deadline_ = now + settings_.longest_delayed_ack;
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

void AckDebt::clear() {
  due_ = false;
  bytes_ = count_ = duplicates_ = 0;
  deadline_ = Instant::never();
}

void AckDebt::on_sent(bool is_everything) {
  timing_.on_ack_sent(due_ || bytes_ > 0, settings_);
  if (!is_everything) return;
  due_ = false;
  bytes_ = 0;
  deadline_ = Instant::never();
  if (duplicates_ == 0) count_ = 0;
}

}  // namespace sluice::tcp
