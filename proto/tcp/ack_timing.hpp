// Whether text in order is acknowledged at once or a little later (RFC 9293 3.8.6.3, RFC 5681 4.2).
//
// A young connection acknowledges segment by segment, so that a peer that counts ACKs can grow its
// window. With Settings::adaptive_acks it goes by what passes, as Linux does: that comes back after
// losses and long pauses, an application that answers has its answers carry the ACKs, and the delay
// follows the rhythm of what arrives.
#pragma once

#include <cstdint>

#include "proto/base/time.hpp"
#include "proto/tcp/constants.hpp"

namespace sluice::tcp {

// Text that has arrived in order, as far as the time of its ACK depends on it.
struct ArrivedText {
  std::uint32_t bytes = 0;
  std::uint32_t piece_bytes = 0;   // of one segment
  std::uint32_t full_bytes = 0;    // of the peer's full segment
  std::uint32_t window_bytes = 0;  // that is on offer
  bool moves_window = true;        // the ACK would tell of at least as large a window as before
  bool is_pushed = false;
  Duration rto = {};
  Instant now = {};
};

class AckTiming {
 public:
  enum class Due : std::uint8_t {
    alone,  // an ACK of its own
    now,    // an ACK of all that has come
    later,  // after delay()
  };

  explicit AckTiming(const Settings& settings)
      : quick_left_(settings.adaptive_acks ? 0 : settings.quick_acks) {}

  Due on_text(const ArrivedText& text, std::uint32_t unacked_bytes, const Settings& settings);
  // A segment that is no text in order: the peer may be repairing a loss and needs to know more.
  void on_disorder(std::uint32_t window_bytes, std::uint32_t full_bytes, const Settings& settings);
  // Text of ours was sent; it took the ACK along.
  void on_answer(Instant now, const Settings& settings);
  // An ACK was sent; it was owed, or not.
  void on_ack_sent(bool was_owed, const Settings& settings);
  // The peer's FIN: our application may answer it with its own.
  void on_fin() { is_interactive_ = true; }
  // The delay has passed, and nothing took the ACK along.
  void on_delay_over(Duration rto, const Settings& settings);
  // The application has taken all that came: what it was sent may have been the whole of a message.
  bool is_due_when_read() const { return was_short_twice_ || (was_short_ && !is_interactive_); }

  bool has_heard_text() const { return delay_ > Duration(); }
  Duration delay(Duration smoothed_rtt, const Settings& settings) const;

  // The application wants ACKs at once, or does not: until what passes says otherwise.
  void set_quick(bool on, const Settings& settings);
  bool is_quick() const { return !is_interactive_; }

 private:
  void be_quick(std::uint32_t window_bytes, std::uint32_t full_bytes, const Settings& settings);
  void follow_rhythm(const ArrivedText& text, const Settings& settings);

  std::uint32_t quick_left_;     // so many ACKs go at once
  bool is_interactive_ = false;  // our application answers what arrives
  bool was_short_ = false;       // a segment since the last ACK was not full, or pushed
  bool was_short_twice_ = false;
  Duration delay_;        // zero until text has come
  Instant last_text_at_;  // when it came last
};

}  // namespace sluice::tcp
