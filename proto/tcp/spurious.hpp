// Was it a loss at all? Eifel detection by timestamps (RFC 3522), D-SACK (RFC 3708), and F-RTO for
// timeouts (RFC 5682). A router's mark proves the congestion whatever these say (RFC 4015).
#pragma once

#include <cstdint>

#include "proto/tcp/ack_facts.hpp"

namespace sluice::tcp {

// Watches one congestion response, from its beginning until a round trip after its end.
class SpuriousLoss {
 public:
  // A response begins; `by_ecn`: to a mark.
  void start(bool by_ecn) {
    is_watching_ = true;
    is_marked_ = by_ecn;
    has_resent_ = first_is_head_ = ends_ = false;
    resent_bytes_ = needless_bytes_ = 0;
    last_report_ = {};
  }
  void stop() { is_watching_ = false; }
  // The path was congested, whether or not anything was lost.
  bool is_marked() const { return is_marked_; }
  // The response is over; reports of duplicates may follow until SND.UNA passes `end`.
  void end_at(Seq end) {
    ends_ = true;
    end_ = end;
  }

  // [begin, begin + bytes) was sent again while SND.UNA was `una`.
  void on_resent(Seq begin, std::uint32_t bytes, Seq una, Instant now) {
    if (!is_watching_) return;
    resent_bytes_ += bytes;
    resent_begin_ = has_resent_ ? min(resent_begin_, begin) : begin;
    resent_end_ = has_resent_ ? max(resent_end_, begin + bytes) : begin + bytes;
    if (has_resent_) return;
    has_resent_ = true;
    first_is_head_ = begin == una;
    first_begin_ = begin;
    first_at_ = now;
  }

  // True when the ACK proves that nothing had been lost.
  bool on_ack(const AckFacts& ack) {
    if (!is_watching_) return false;
    if (ack.ecn_echo) is_marked_ = true;
    // RFC 3522: the original arrived. Beyond a gap the echo is of older text and proves nothing.
    const bool passes_first = ack.acked > 0 && has_resent_ && ack.snd.una > first_begin_;
    if (passes_first && first_is_head_) {
      first_is_head_ = false;  // only the first such ACK
      if (ack.echo_predates(first_at_)) return true;
    }
    if (ack.twice && has_resent_) {
      take_report(*ack.twice);
      if (needless_bytes_ >= resent_bytes_) return true;  // every copy came twice
    }
    if (ends_ && ack.snd.una > end_) is_watching_ = ends_ = false;
    return false;
  }

 private:
  // What was sent once has been doubled on the way. RFC 2883 R2883-2: each is reported once; the
  // same again is a doubled ACK.
  void take_report(const DuplicateReport& report) {
    const bool is_copy = report.left >= resent_begin_ && report.right <= resent_end_;
    if (is_copy && report != last_report_) needless_bytes_ += distance(report.left, report.right);
    last_report_ = report;
  }

  bool is_watching_ = false;
  bool is_marked_ = false;
  bool has_resent_ = false;
  bool first_is_head_ = false;  // what was sent again first was the oldest outstanding
  bool ends_ = false;
  Seq end_, first_begin_;
  Seq resent_begin_, resent_end_;  // all copies lie between
  DuplicateReport last_report_;
  Instant first_at_;
  std::uint32_t resent_bytes_ = 0;
  std::uint32_t needless_bytes_ = 0;
};

// RFC 5682: after a timeout the first ACK that moves SND.UNA is answered with new data; if the next
// one acknowledges what was never sent again, the timeout was spurious.
class ForwardRto {
 public:
  enum class Verdict : std::uint8_t { none, spurious, genuine };

  void start(Instant now) {
    step_ = Step::resent_head;
    timeout_at_ = now;
  }
  void stop() { step_ = Step::off; }
  // New data goes before what is taken for lost.
  bool prefers_new() const { return step_ == Step::sent_new; }

  Verdict on_ack(const AckFacts& ack, const Delivery& delivery) {
    const bool says_nothing = ack.acked == 0 && !ack.is_duplicate && delivery.bytes == 0;
    if (step_ == Step::off || says_nothing) return Verdict::none;
    // Only originals, from before the timeout: had a copy filled a gap before them, they might have
    // waited beyond it for long.
    const bool only_originals = delivery.first_original_at < timeout_at_ && !delivery.has_resent;
    if (ack.acked > 0 && only_originals) {
      step_ = Step::off;
      return Verdict::spurious;
    }
    const bool goes_on = step_ == Step::resent_head && ack.acked > 0 && ack.may_send_new;
    step_ = goes_on ? Step::sent_new : Step::off;
    return goes_on ? Verdict::none : Verdict::genuine;
  }

 private:
  enum class Step : std::uint8_t { off, resent_head, sent_new };

  Step step_ = Step::off;
  Instant timeout_at_;
};

}  // namespace sluice::tcp
