#include "proto/tcp/sent_segments.hpp"

#include <algorithm>

namespace sluice::tcp {
namespace {

using Fate = SentSegment::Fate;

// The first border between segments of `record` at or behind `seq`, and the last at or before it.
Seq border_behind(const SentSegment& record, Seq seq) {
  if (seq <= record.begin) return record.begin;
  const std::uint32_t pieces =
      (distance(record.begin, seq) + record.piece_size - 1) / record.piece_size;
  return min(record.begin + pieces * record.piece_size, record.end);
}
Seq border_before(const SentSegment& record, Seq seq) {
  const bool is_before_fin = record.has_fin && seq + 1u == record.end;
  if (seq >= record.end || is_before_fin) return min(seq, record.end);
  const std::uint32_t into = distance(record.begin, seq);
  return record.begin + (into - into % record.piece_size);
}

void note(const SentSegment& record, Seq end, Delivery& delivery) {
  const Delivery::Way way{record.is_resent, record.is_timed, record.fate == Fate::sacked};
  delivery.note(record.stamp, end, distance(record.begin, end), way);
}

}  // namespace

// --- records ----------------------------------------------------------------------------------

SentSegment* SentSegments::take() {
  SentSegment* record = &own_;
  if (own_is_used_) {
    record = pool_.take();
    if (record == nullptr) return nullptr;
  }
  if (record == &own_) own_is_used_ = true;
  ++count_;
  return record;
}

void SentSegments::remove_head() {
  SentSegment& record = *head_;
  head_ = record.next;
  if (head_ == nullptr) tail_ = nullptr;
  if (highest_sacked_ == &record) highest_sacked_ = nullptr;
  record.unlink();
  record.next = nullptr;
  --count_;
  if (&record == &own_) {
    own_is_used_ = false;
  } else {
    pool_.give_back(record);
  }
}

// What lies behind `at` becomes a record of its own, with the same fate. False without memory.
bool SentSegments::split(SentSegment& record, Seq at) {
  SentSegment* const rest = take();
  if (rest == nullptr) return false;
  rest->begin = at;
  rest->end = record.end;
  rest->next = record.next;
  rest->piece_size = record.piece_size;
  rest->fate = record.fate;
  rest->is_resent = record.is_resent;
  rest->is_timed = record.is_timed;
  rest->is_partly_resent = record.is_partly_resent;
  rest->has_fin = record.has_fin;
  rest->is_pushed = record.is_pushed;
  rest->stamp = record.stamp;
  record.has_fin = record.is_pushed = false;
  record.end = at;
  record.next = rest;
  if (tail_ == &record) tail_ = rest;
  if (record.fate == Fate::in_flight) in_flight_.insert_after(record, *rest);
  if (record.fate == Fate::lost) lost_.insert_after(record, *rest);
  return true;
}

// The record behind `record`, of the same fate, becomes part of it.
void SentSegments::join_next(SentSegment& record) {
  SentSegment& rest = *record.next;
  if (record.stamp.sent_at != rest.stamp.sent_at) record.is_timed = false;
  record.is_timed = record.is_timed && rest.is_timed;
  record.is_resent = record.is_resent || rest.is_resent;
  record.has_fin = rest.has_fin;
  record.is_pushed = rest.is_pushed;
  record.end = rest.end;
  record.next = rest.next;
  if (tail_ == &rest) tail_ = &record;
  if (highest_sacked_ == &rest) highest_sacked_ = &record;
  rest.unlink();
  rest.next = nullptr;
  --count_;
  if (&rest == &own_) {
    own_is_used_ = false;
  } else {
    pool_.give_back(rest);
  }
}

void SentSegments::clear() {
  while (!empty()) remove_head();
  lost_bytes_ = sacked_bytes_ = 0;
}

// --- sending ----------------------------------------------------------------------------------

bool SentSegments::can_append() const {
  return !own_is_used_ || !pool_.is_scarce() || tail_->fate == Fate::in_flight;
}

void SentSegments::append(Seq begin, Seq end, bool has_fin, std::uint32_t piece_size,
                          const SendStamp& stamp) {
  const bool may_take = !own_is_used_ || !pool_.is_scarce();
  SentSegment* const record = may_take ? take() : nullptr;
  if (record == nullptr) {
    SLUICE_ASSERT(tail_ != nullptr && tail_->fate == Fate::in_flight);
    tail_->end = end;
    tail_->has_fin = has_fin;
    tail_->stamp = stamp;
    tail_->is_timed = tail_->is_pushed = false;
    in_flight_.move_to_back(*tail_);
    return;
  }
  record->begin = begin;
  record->end = end;
  record->has_fin = has_fin;
  record->piece_size = piece_size;
  record->fate = Fate::in_flight;
  record->is_resent = record->is_partly_resent = record->is_pushed = false;
  record->is_timed = true;
  record->stamp = stamp;
  if (tail_ == nullptr) {
    head_ = record;
  } else {
    tail_->next = record;
  }
  tail_ = record;
  in_flight_.push_back(*record);
}

SentSegment& SentSegments::join_lost(std::uint32_t bytes) {
  SentSegment& first = lost_.front();
  while (first.size() < bytes && first.next != nullptr && first.next->fate == Fate::lost) {
    join_next(first);
  }
  return first;
}

SentSegment* SentSegments::last_piece(std::uint32_t most) {
  const Seq text_end = tail_->has_fin ? tail_->end - 1u : tail_->end;
  if (text_end == tail_->begin) return tail_;
  const Seq last = border_before(*tail_, text_end - 1u);
  const Seq border = max(last, text_end - most);
  if (border > tail_->begin && !split(*tail_, border)) return nullptr;
  return tail_;
}

// RFC 8985 R8985-2.
void SentSegments::on_resent(SentSegment& record, Seq end, std::uint32_t piece_size,
                             const SendStamp& stamp) {
  // Without memory to divide it all of it counts as sent again, until its front is acknowledged.
  record.is_partly_resent = end < record.end && !split(record, end);
  if (record.fate == Fate::lost) lost_bytes_ -= record.size();
  record.unlink();
  record.fate = Fate::in_flight;
  record.piece_size = piece_size;
  record.is_resent = record.is_timed = true;
  record.stamp = stamp;
  in_flight_.push_back(record);
}

// --- acknowledgements ---------------------------------------------------------------------------

void SentSegments::acknowledge(Seq una, Delivery& delivery) {
  while (head_ != nullptr && head_->begin < una) {
    SentSegment& record = *head_;
    const Seq end = min(record.end, una);
    const std::uint32_t bytes = distance(record.begin, end);
    if (record.fate == Fate::sacked) {
      sacked_bytes_ -= bytes;
    } else {
      if (record.fate == Fate::lost) lost_bytes_ -= bytes;
      note(record, end, delivery);
    }
    if (end == record.end) {
      remove_head();
      continue;
    }
    record.begin = end;
    if (record.is_partly_resent && record.fate == Fate::in_flight) mark_lost(record);
    return;
  }
}

void SentSegments::mark_sacked(SentSegment& record, Delivery& delivery) {
  if (record.fate == Fate::lost) lost_bytes_ -= record.size();
  record.unlink();
  record.fate = Fate::sacked;
  sacked_bytes_ += record.size();
  note(record, record.end, delivery);
  if (highest_sacked_ == nullptr || highest_sacked_->begin < record.begin) {
    highest_sacked_ = &record;
  }
}

// Of `record` the whole pieces in [left, right). The record that is SACKed now; null if none is.
SentSegment* SentSegments::sack_part(SentSegment& record, Seq left, Seq right, Delivery& delivery) {
  const Seq from = border_behind(record, left);
  const Seq to = border_before(record, right);
  if (from >= to) return nullptr;
  const bool divides = from > record.begin || to < record.end;
  if (divides && count_ + 2 > most_records()) return nullptr;
  SentSegment* part = &record;
  if (from > record.begin) {
    if (!split(record, from)) return nullptr;
    part = record.next;
  }
  if (to < part->end && !split(*part, to)) return nullptr;
  mark_sacked(*part, delivery);
  return part;
}

bool SentSegments::is_known(Seq left, Seq right) const {
  return std::ranges::any_of(known_, [left, right](const Block& block) {
    return block.left <= left && right <= block.right;
  });
}

void SentSegments::sack(Seq left, Seq right, Delivery& delivery) {
  if (sacked_bytes_ == 0) known_.fill({left, left});  // of those before nothing is left
  if (is_known(left, right)) return;
  SentSegment* record = head_;
  if (highest_sacked_ != nullptr && highest_sacked_->begin <= left) record = highest_sacked_;
  SentSegment* sacked_before = nullptr;  // the SACKed neighbour
  while (record != nullptr && record->begin < right) {
    SentSegment* here = record->fate == Fate::sacked ? record : nullptr;
    if (here == nullptr && record->end > left) {
      here = sack_part(*record, left, right, delivery);
    }
    if (here != nullptr && here == record && sacked_before != nullptr) {
      join_next(*sacked_before);
      here = sacked_before;
    }
    if (here == nullptr) {
      sacked_before = nullptr;
      record = record->next;
    } else {
      sacked_before = here;
      record = here->next;
    }
  }
  const bool joins = sacked_before != nullptr && record != nullptr && record->fate == Fate::sacked;
  if (joins) join_next(*sacked_before);
  const bool is_whole =
      sacked_before != nullptr && sacked_before->begin <= left && right <= sacked_before->end;
  if (is_whole) known_[next_known_++ % known_.size()] = {left, right};
}

// --- losses -------------------------------------------------------------------------------------

void SentSegments::mark_lost(SentSegment& record) {
  record.unlink();
  record.fate = Fate::lost;
  lost_bytes_ += record.size();
  SentSegment* before = lost_.last();
  const bool is_first = before == nullptr || record.begin < lost_.front().begin;
  if (is_first) return lost_.push_front(record);
  while (before->begin > record.begin) before = lost_.previous(*before);
  lost_.insert_after(*before, record);
}

std::uint32_t SentSegments::mark_head_lost() {
  if (head_ == nullptr || head_->fate != Fate::in_flight) return 0;
  if (head_->size() > head_->piece_size) split(*head_, head_->begin + head_->piece_size);
  mark_lost(*head_);
  return head_->size();
}

std::uint32_t SentSegments::mark_larger_lost(std::uint32_t piece_size) {
  const std::uint32_t before = lost_bytes_;
  for (SentSegment* record = head_; record != nullptr; record = record->next) {
    const bool is_larger = std::min(record->size(), record->piece_size) > piece_size;
    if (record->fate == Fate::in_flight && is_larger) mark_lost(*record);
  }
  return lost_bytes_ - before;
}

// Last to first: they were sent before all that is in flight.
void SentSegments::unmark_lost() {
  while (SentSegment* const record = lost_.last()) {
    record->unlink();
    record->fate = Fate::in_flight;
    in_flight_.push_front(*record);
  }
  lost_bytes_ = 0;
}

void SentSegments::forget_sacks() {
  for (SentSegment* record = head_; record != nullptr; record = record->next) {
    if (record->fate != Fate::sacked) continue;
    mark_lost(*record);
  }
  sacked_bytes_ = 0;  // known_ is forgotten with the next block
  highest_sacked_ = nullptr;
}

SentSegments::PieceCounts SentSegments::count_pieces() const {
  PieceCounts counts;
  for (const SentSegment* record = head_; record != nullptr; record = record->next) {
    const std::uint32_t text = record->size() - (record->has_fin ? 1u : 0u);
    const std::uint32_t pieces = std::max(1u, (text + record->piece_size - 1) / record->piece_size);
    counts.total += pieces;
    switch (record->fate) {
      case Fate::sacked: counts.sacked += pieces; break;
      case Fate::lost: counts.lost += pieces; break;
      case Fate::in_flight:
        if (record->is_resent) counts.resent += pieces;
        break;
    }
  }
  return counts;
}

void SentSegments::check_invariants(Seq una, Seq nxt) const {
  Seq at = una;
  std::uint32_t lost = 0;
  std::uint32_t sacked = 0;
  std::uint32_t count = 0;
  for (const SentSegment* record = head_; record != nullptr; record = record->next) {
    SLUICE_ASSERT(record->begin == at && at < record->end);
    SLUICE_ASSERT(record->is_linked() == (record->fate != Fate::sacked));
    if (record->fate == Fate::lost) lost += record->size();
    if (record->fate == Fate::sacked) sacked += record->size();
    at = record->end;
    ++count;
    SLUICE_ASSERT(record->next != nullptr || record == tail_);
  }
  SLUICE_ASSERT(at == nxt);
  SLUICE_ASSERT(lost == lost_bytes_ && sacked == sacked_bytes_ && count == count_);
}

}  // namespace sluice::tcp
