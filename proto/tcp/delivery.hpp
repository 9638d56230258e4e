// What one acknowledgement delivers, collected range by range in the order of sequence numbers.
#pragma once

#include <algorithm>
#include <cstdint>

#include "proto/tcp/rate_sampler.hpp"
#include "proto/tcp/seq.hpp"

namespace sluice::tcp {

struct Delivery {
  // The latest sent range of a kind: by time, and among those sent at once by sequence number.
  struct Latest {
    bool exists = false;
    Seq end;
    SendStamp stamp;

    void offer(const SendStamp& other, Seq other_end) {
      const bool later = !exists || stamp.sent_at < other.sent_at ||
                         (stamp.sent_at == other.sent_at && end < other_end);
      if (!later) return;
      exists = true;
      end = other_end;
      stamp = other;
    }
  };

  // Up to `highest` had been delivered before.
  explicit Delivery(Seq highest_before) : highest(highest_before) {}

  void note(const SendStamp& stamp, Seq range_end, std::uint32_t size, bool is_resent,
            bool is_timed) {
    bytes += size;
    if (highest < range_end) {
      highest = range_end;
    } else if (range_end < highest && !is_resent) {
      is_reordered = true;  // RFC 8985 R8985-6
    }
    if (!is_timed) return;
    if (is_resent) {
      resent.offer(stamp, range_end);
      return;
    }
    first_original_at = std::min(first_original_at, stamp.sent_at);
    original.offer(stamp, range_end);
  }

  // The latest of all; null when nothing was delivered whose time is known.
  const Latest* newest() const {
    if (!original.exists) return resent.exists ? &resent : nullptr;
    if (!resent.exists) return &original;
    return original.stamp.sent_at < resent.stamp.sent_at ? &resent : &original;
  }

  Seq highest;                                   // end of all that was ever delivered
  std::uint32_t bytes = 0;                       // newly acknowledged or SACKed
  std::uint32_t sacked_bytes = 0;                // of them, by SACK
  bool is_reordered = false;                     // below `highest`, and sent but once
  Latest original;                               // sent but once
  Latest resent;                                 // sent more than once
  Instant first_original_at = Instant::never();  // when the first of what was sent once was sent
};

}  // namespace sluice::tcp
