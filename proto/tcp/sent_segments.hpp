// The scoreboard: what was sent and is not acknowledged, from SND.UNA to SND.NXT without a gap.
//
// A record is a range of sequence numbers that share one fate. A super-segment of 64 KiB is one
// record until a SACK or a loss divides it at the borders of its segments; neighbours that are
// SACKed become one again. Each record is in flight (listed by the time it was sent), lost (listed
// by sequence number, to be sent again) or SACKed.
//
//     SND.UNA                                                          SND.NXT
//        |-- lost --|-- SACKed ------|-- lost --|-- in flight -------------|
#pragma once

#include <array>
#include <cstdint>

#include "proto/base/intrusive_list.hpp"
#include "proto/base/piece_pool.hpp"
#include "proto/tcp/delivery.hpp"
#include "proto/tcp/rate_sampler.hpp"
#include "proto/tcp/seq.hpp"

namespace sluice::tcp {

struct SentTag {};

struct SentSegment : ListNode<SentTag> {
  enum class Fate : std::uint8_t { in_flight, lost, sacked };

  Seq begin, end;                // of the FIN, too
  SentSegment* next = nullptr;   // in sequence
  std::uint32_t piece_size = 0;  // payload of each segment; the last may hold less
  Fate fate = Fate::in_flight;
  bool is_resent = false;
  bool is_timed = true;           // false: not all of it was sent at the time of the stamp
  bool is_partly_resent = false;  // memory was short: what an ACK leaves of it is lost
  bool has_fin = false;           // its last sequence number is the FIN's
  bool is_pushed = false;         // its last segment carried PSH
  SendStamp stamp;                // of the last time that it was sent

  std::uint32_t size() const { return distance(begin, end); }
};

// All records of a shard but each connection's own first one.
class SentSegmentPool {
 public:
  // The last quarter is for dividing records, not for what is sent first.
  explicit SentSegmentPool(std::uint32_t count, Growth growth = Growth::at_start)
      : records_(count, growth), reserve_(count / 4) {}

  // Null when the pool is empty.
  SentSegment* take() { return records_.take(); }
  void give_back(SentSegment& record) { records_.give_back(record); }
  void trim() { records_.trim(); }

  bool is_scarce() const { return free_count() <= reserve_; }
  std::uint32_t free_count() const { return records_.free_count(); }
  std::uint32_t size() const { return records_.size(); }
  const PiecePool<SentSegment>& pieces() const { return records_; }

 private:
  PiecePool<SentSegment> records_;
  std::uint32_t reserve_;
};

// Bytes are of the sequence space throughout. Every connection has one record of its own, so that
// an empty pool stops none.
class SentSegments {
 public:
  explicit SentSegments(SentSegmentPool& pool) : pool_(pool) {}
  ~SentSegments() { clear(); }
  SentSegments(const SentSegments&) = delete;
  SentSegments& operator=(const SentSegments&) = delete;

  bool empty() const { return head_ == nullptr; }
  const SentSegment* head() const { return head_; }
  bool has_lost() const { return lost_bytes_ > 0; }
  std::uint32_t lost_bytes() const { return lost_bytes_; }
  std::uint32_t sacked_bytes() const { return sacked_bytes_; }

  // --- sending ------------------------------------------------------------------------------
  // False when memory is short and nothing in flight could take the new bytes along.
  bool can_append() const;
  // Whole segments that were sent just now go on to `end`: one record for a burst. False if not.
  bool extend(Seq end, bool has_fin, std::uint32_t piece_size, Instant now) {
    if (tail_ == nullptr || tail_->stamp.sent_at != now || tail_->piece_size != piece_size) {
      return false;
    }
    const bool is_whole = tail_->size() % piece_size == 0 && !tail_->has_fin;
    const bool is_first_time =
        tail_->fate == SentSegment::Fate::in_flight && !tail_->is_resent && !tail_->is_pushed;
    if (!is_whole || !is_first_time) return false;
    tail_->end = end;
    tail_->has_fin = has_fin;
    return true;
  }
  // [begin, end) was sent for the first time, behind all else.
  void append(Seq begin, Seq end, bool has_fin, std::uint32_t piece_size, const SendStamp& stamp);
  // The last that was sent ended in PSH.
  void on_pushed() { tail_->is_pushed = true; }
  // The first lost range (RFC 6675 R6675-4); those behind it are joined to it up to `bytes`. There
  // must be one.
  SentSegment& join_lost(std::uint32_t bytes);
  // The last segment with its FIN, or as much of its end as `most` bytes of text, a record of its
  // own now; null when memory is short.
  SentSegment* last_piece(std::uint32_t most);
  // `record` was sent again up to `end`; what lies behind keeps its fate.
  void on_resent(SentSegment& record, Seq end, std::uint32_t piece_size, const SendStamp& stamp);
  // Part of the first record was sent again by the way (a window probe): its times mean nothing.
  void on_probed() { head_->is_resent = true; }

  // --- acknowledgements -----------------------------------------------------------------------
  void acknowledge(Seq una, Delivery& delivery);
  // One block of a SACK option inside of what is outstanding. Pieces that it does not cover whole
  // do not count.
  void sack(Seq left, Seq right, Delivery& delivery);

  // --- losses ---------------------------------------------------------------------------------
  // What is in flight, the first sent first.
  SentSegment* oldest_in_flight() { return in_flight_.first(); }
  SentSegment* sent_after(SentSegment& record) { return in_flight_.next(record); }
  // A record in flight is lost.
  void mark_lost(SentSegment& record);
  // The first segment is lost; how many bytes that is. None if it was not in flight.
  std::uint32_t mark_head_lost();
  // All that is in flight in segments larger than `piece_size` is lost; how many bytes.
  std::uint32_t mark_larger_lost(std::uint32_t piece_size);
  // What was taken for lost is in flight after all.
  void unmark_lost();
  // The peer has thrown away what it had SACKed (RFC 2018 R2018-6): it is lost.
  void forget_sacks();

  void clear();
  // Segments outstanding, and of them those SACKed, lost, and sent again and under way. Looks at
  // all records.
  struct PieceCounts {
    std::uint32_t total = 0;
    std::uint32_t sacked = 0;
    std::uint32_t lost = 0;
    std::uint32_t resent = 0;
  };
  PieceCounts count_pieces() const;
  // Aborts when records leave a gap or the counts are wrong.
  void check_invariants(Seq una, Seq nxt) const;

 private:
  struct Block {
    Seq left, right;
  };

  // A peer's SACK blocks divide no further: others need records, too, and the work for an ACK is
  // bounded.
  std::uint32_t most_records() const { return pool_.size() / 2; }
  bool is_known(Seq left, Seq right) const;
  SentSegment* take();
  void remove_head();
  bool split(SentSegment& record, Seq at);
  void join_next(SentSegment& record);
  void mark_sacked(SentSegment& record, Delivery& delivery);
  SentSegment* sack_part(SentSegment& record, Seq left, Seq right, Delivery& delivery);

  SentSegmentPool& pool_;
  SentSegment own_;
  bool own_is_used_ = false;
  SentSegment* head_ = nullptr;
  SentSegment* tail_ = nullptr;
  SentSegment* highest_sacked_ = nullptr;  // where the next SACK block usually begins
  // The last blocks that were found to be SACKed whole: a peer says each several times.
  std::array<Block, 4> known_;
  std::uint32_t next_known_ = 0;
  IntrusiveList<SentSegment, SentTag> in_flight_;
  IntrusiveList<SentSegment, SentTag> lost_;
  std::uint32_t count_ = 0;
  std::uint32_t lost_bytes_ = 0;
  std::uint32_t sacked_bytes_ = 0;
};

}  // namespace sluice::tcp
