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
    bool by_sack = false;  // it lies beyond a gap
    Seq end;
    SendStamp stamp;

    void offer(const SendStamp& other, Seq other_end, bool other_by_sack) {
      const bool later = !exists || stamp.sent_at < other.sent_at ||
                         (stamp.sent_at == other.sent_at && end < other_end);
      if (!later) return;
      exists = true;
      by_sack = other_by_sack;
      end = other_end;
      stamp = other;
    }
  };

  // How a range was sent, and how it was acknowledged.
  struct Way {
    bool is_resent = false;
    bool is_timed = true;  // its stamp tells when all of it was sent
    bool by_sack = false;
  };

  // Up to `highest` had been delivered before.
  explicit Delivery(Seq highest_before) : highest(highest_before) {}

  void note(const SendStamp& stamp, Seq range_end, std::uint32_t size, Way way) {
    bytes += size;
    if (way.by_sack) sacked_bytes += size;
    if (way.is_resent) has_resent = true;
    if (highest < range_end) {
      highest = range_end;
    } else if (range_end < highest && !way.is_resent) {
      // RFC 8985 R8985-6
      reordered_bytes = std::max(reordered_bytes, distance(range_end, highest) + size);
    }
    if (!way.is_timed) return;
    note_farthest(stamp, range_end, way);
    if (way.is_resent) {
      resent.offer(stamp, range_end, way.by_sack);
      return;
    }
    first_original_at = std::min(first_original_at, stamp.sent_at);
    original.offer(stamp, range_end, way.by_sack);
  }

  void note_farthest(const SendStamp& stamp, Seq range_end, Way way) {
    if (farthest.exists && way.by_sack != farthest.by_sack) return;  // SACKs come last
    if (farthest.exists && range_end <= farthest.end) return;
    farthest = {true, way.is_resent, way.by_sack, range_end, stamp.sent_at};
  }

  // The latest of all; null when nothing was delivered whose time is known.
  const Latest* newest() const {
    if (!original.exists) return resent.exists ? &resent : nullptr;
    if (!resent.exists) return &original;
    return original.stamp.sent_at < resent.stamp.sent_at ? &resent : &original;
  }

  // From when the latest was sent to `now`; zero when that is unknown (RFC 6298 R6298-6). What
  // arrives together with a copy may have waited for it, beyond the gap that it filled.
  Duration round_trip(Instant now) const {
    if (!original.exists || has_resent) return {};
    return std::max(now - original.stamp.sent_at, Duration::nanoseconds(1));
  }

  // Beyond all else that was acknowledged or, where nothing was, SACKed.
  struct Farthest {
    bool exists = false;
    bool is_resent = false;
    bool by_sack = false;
    Seq end;
    Instant sent_at;
  };

  Seq highest;                                   // end of all that was ever delivered
  std::uint32_t bytes = 0;                       // newly acknowledged or SACKed
  std::uint32_t sacked_bytes = 0;                // of them, by SACK
  bool has_resent = false;                       // some of it was sent more than once
  std::uint32_t reordered_bytes = 0;             // how far below `highest` lay what was sent once
  Latest original;                               // sent but once
  Latest resent;                                 // sent more than once
  Farthest farthest;                             // of those whose time is known
  Instant first_original_at = Instant::never();  // when the first of what was sent once was sent
};

}  // namespace sluice::tcp
