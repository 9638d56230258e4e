#include "proto/tcp/rack.hpp"

#include <algorithm>

#include "proto/tcp/constants.hpp"

namespace sluice::tcp {

void Rack::on_delivery(const AckFacts& ack, const Delivery& delivery, std::uint32_t sacked) {
  highest_delivered_ = delivery.highest;
  if (delivery.reordered_bytes > 0) reordering_seen_ = true;
  if (duplicate_round_ && ack.snd.una >= duplicate_round_end_) duplicate_round_ = false;
  if (ack.twice) take_duplicate(ack);
  const std::uint32_t pieces = (delivery.sacked_bytes + ack.snd.mss - 1) / ack.snd.mss;
  sacked_segments_ = sacked == 0 ? 0 : sacked_segments_ + pieces;
  const Delivery::Latest* newest = delivery.newest();
  if (newest == &delivery.resent) {
    // R8985-4: was it the copy, or the first one, that arrived? Beyond a gap the echo is of older
    // text, and does not tell.
    const bool has_old_echo = !newest->by_sack && ack.echo_predates(newest->stamp.sent_at);
    const bool is_doubtful = has_old_echo || ack.now - newest->stamp.sent_at < ack.min_rtt;
    if (is_doubtful) newest = delivery.original.exists ? &delivery.original : nullptr;
  }
  if (newest == nullptr) return;
  rtt_ = round_trip(ack, delivery, *newest);
  const bool is_later = !has_sample_ || sent_at_ < newest->stamp.sent_at ||
                        (sent_at_ == newest->stamp.sent_at && end_seq_ < newest->end);
  if (!is_later) return;
  has_sample_ = true;
  sent_at_ = newest->stamp.sent_at;
  end_seq_ = newest->end;
}

// R8985-5. Linux takes the last segment that it comes to, which may have been sent before the
// latest and gives the rest more time; but no copy that may not be the one that has arrived.
Duration Rack::round_trip(const AckFacts& ack, const Delivery& delivery,
                          const Delivery::Latest& newest) {
  const Delivery::Farthest& last = delivery.farthest;
  const bool is_doubtful = last.is_resent && ack.now - last.sent_at < ack.min_rtt;
  const bool takes_last = ack.snd.as_linux && !is_doubtful;
  return ack.now - (takes_last ? last.sent_at : newest.stamp.sent_at);
}

// R8985-8: what was sent again needlessly had only been overtaken. Once a round trip.
void Rack::take_duplicate(const AckFacts& ack) {
  if (duplicate_round_) return;
  duplicate_round_ = true;
  duplicate_round_end_ = ack.snd.nxt;
  ++multiplier_;
  persistence_ = kPersistence;
}

void Rack::on_recovery_end() {
  if (persistence_ > 0 && --persistence_ == 0) multiplier_ = 1;
}

// R8985-7.
Duration Rack::window(const AckFacts& ack, bool in_recovery) const {
  if (!reordering_seen_ && (in_recovery || sacked_segments_ >= kDupThresh)) return {};
  return std::min(ack.min_rtt / 4 * multiplier_, ack.smoothed_rtt);
}

Rack::Verdict Rack::find_lost(SentSegments& sent, const AckFacts& ack, bool in_recovery,
                              Instant since) {
  Verdict verdict;
  if (!has_sample_) return verdict;
  window_ = window(ack, in_recovery);
  SentSegment* record = sent.oldest_in_flight();
  while (record != nullptr && record->stamp.sent_at <= sent_at_) {
    SentSegment* const next = sent.sent_after(*record);
    const bool is_just_resent = record->is_resent && record->stamp.sent_at == ack.now;
    const bool is_before =
        !is_just_resent && (record->stamp.sent_at < sent_at_ || record->end < end_seq_);
    const Instant due = record->stamp.sent_at + rtt_ + window_;
    if (is_before && due <= ack.now) {
      verdict.lost_bytes += record->size();
      if (record->is_resent && record->stamp.sent_at >= since) verdict.lost_resent = true;
      sent.mark_lost(*record);
    } else if (is_before) {
      const bool is_later = verdict.look_again.is_never() || verdict.look_again < due;
      if (is_later) verdict.look_again = due;
    }
    record = next;
  }
  return verdict;
}

std::uint32_t Rack::find_lost_on_timeout(SentSegments& sent, Instant now) {
  const std::uint32_t before = sent.lost_bytes();
  sent.mark_head_lost();
  SentSegment* record = sent.oldest_in_flight();
  while (record != nullptr) {
    SentSegment* const next = sent.sent_after(*record);
    const bool is_due = !has_sample_ || record->stamp.sent_at + rtt_ + window_ <= now;
    if (is_due) sent.mark_lost(*record);
    record = next;
  }
  return sent.lost_bytes() - before;
}

}  // namespace sluice::tcp
