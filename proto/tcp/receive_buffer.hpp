// What has arrived: bytes in order, waiting for the application, and pieces beyond a gap.
#pragma once

#include <array>
#include <cstdint>

#include "proto/tcp/resources.hpp"
#include "proto/tcp/seq.hpp"
#include "proto/wire/tcp_options.hpp"

namespace sluice::tcp {

class ReceiveBuffer {
 public:
  // --- in order -----------------------------------------------------------------------------
  // Bytes that the application has not read.
  std::uint32_t readable() const { return readable_; }

  // Takes the bytes at RCV.NXT; how many: fewer than offered when memory ran out.
  std::uint32_t append(Slice payload, const Resources& resources);

  // The next bytes, at most `max_bytes`; empty when there are none.
  Slice read(std::uint32_t max_bytes, const Resources& resources);

  // Copies what read() would give, from `offset` on; how many bytes.
  std::uint32_t peek(MutableBytes into, std::uint32_t offset) const;

  // Copies what the application left unread out of frames that it would pin for little.
  void settle(const Resources& resources);

  // --- out of order -------------------------------------------------------------------------
  bool has_gap() const { return !pieces_.empty(); }

  // Keeps bytes beyond a gap. The parts that are held already are reported in `duplicate` (the
  // first such range, left == right when there is none). False when memory ran out: SACK does not
  // report it then, though some of it may be held.
  bool insert(Seq seq, Slice payload, wire::SackBlock& duplicate, const Resources& resources);

  // Gives up all that lies beyond a gap: the peer still has it (RFC 2018 R2018-7).
  void forget_pieces(const Resources& resources);

  // Moves the pieces that `next` (RCV.NXT) has reached into the readable bytes, and returns the
  // new RCV.NXT. The first that had come before is reported in `duplicate`, if that is empty.
  Seq advance(Seq next, wire::SackBlock& duplicate, const Resources& resources);

  // Bytes in order and beyond gaps.
  std::uint32_t held() const { return readable_ + beyond_gaps_; }

  // Ranges beyond gaps that are remembered for SACK.
  std::uint8_t range_count() const { return range_count_; }

  // RFC 2018 R2018-4, R2018-5: the newest ranges first. Writes at most blocks.size() of them.
  std::uint8_t sack_blocks(std::array<wire::SackBlock, wire::kMaxSackBlocks>& blocks) const;

  void clear(const Resources& resources);

 private:
  bool link_piece(SliceNode* before, Seq seq, Slice payload, const Resources& resources);
  bool copy_piece(SliceNode* before, Seq seq, Bytes bytes, const Resources& resources);
  void link(SliceNode* before, Seq seq, SliceQueue& fresh);
  void remember_range(Seq left, Seq right);

  SliceQueue readable_queue_;
  SliceQueue pieces_;  // sorted by sequence, not overlapping
  std::uint32_t readable_ = 0;
  std::uint32_t beyond_gaps_ = 0;  // bytes of the pieces
  std::uint8_t range_count_ = 0;
  std::array<wire::SackBlock, wire::kMaxSackBlocks> ranges_{};  // newest first
};

}  // namespace sluice::tcp
