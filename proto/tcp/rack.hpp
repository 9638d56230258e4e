// RACK (RFC 8985 6): what was sent well before something that has arrived is lost.
#pragma once

#include <cstdint>

#include "proto/tcp/ack_facts.hpp"
#include "proto/tcp/sent_segments.hpp"

namespace sluice::tcp {

class Rack {
 public:
  // Newly lost bytes, and when to look again for those that may still be on their way.
  struct Verdict {
    std::uint32_t lost_bytes = 0;
    bool lost_resent = false;  // some of them had been sent again, at or after `since`
    Instant look_again = Instant::never();
  };

  void start(Seq iss) { highest_delivered_ = iss; }
  // RFC 8985 R8985-4 to R8985-8. `sacked` bytes are SACKed now.
  void on_delivery(const AckFacts& ack, const Delivery& delivery, std::uint32_t sacked);
  // RFC 8985 R8985-9, R8985-10. `since`: when the current recovery began.
  Verdict find_lost(SentSegments& sent, const AckFacts& ack, bool in_recovery, Instant since);
  // The retransmission timer fired: RFC 8985 R8985-11. How many bytes are lost.
  std::uint32_t find_lost_on_timeout(SentSegments& sent, Instant now);
  // A recovery has ended (R8985-8).
  void on_recovery_end();
  // A loss was none: what overtakes may overtake again.
  void on_reordering() { reordering_seen_ = true; }

  Seq highest_delivered() const { return highest_delivered_; }
  bool reordering_seen() const { return reordering_seen_; }

 private:
  static constexpr std::uint32_t kPersistence = 16;  // recoveries

  void take_duplicate(const AckFacts& ack);
  static Duration round_trip(const AckFacts& ack, const Delivery& delivery,
                             const Delivery::Latest& newest);
  Duration window(const AckFacts& ack, bool in_recovery) const;

  bool has_sample_ = false;
  bool reordering_seen_ = false;
  bool duplicate_round_ = false;  // a D-SACK has widened the window; no other does before
  Seq duplicate_round_end_;       // SND.UNA has reached this
  Seq highest_delivered_;         // RACK.fack
  Seq end_seq_;                   // of the last sent segment that was delivered
  Instant sent_at_;               // RACK.xmit_ts
  Duration rtt_;
  Duration window_;  // RACK.reo_wnd as last computed
  std::uint32_t multiplier_ = 1;
  std::uint32_t persistence_ = 0;
  std::uint32_t sacked_segments_ = 0;
};

}  // namespace sluice::tcp
