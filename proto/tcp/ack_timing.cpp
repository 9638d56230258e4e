#include "proto/tcp/ack_timing.hpp"

#include <algorithm>

namespace sluice::tcp {
namespace {

constexpr std::uint32_t kQuickAgain = 16;  // segments

}  // namespace

AckTiming::Due AckTiming::on_text(const ArrivedText& text, std::uint32_t unacked_bytes,
                                  const Settings& settings) {
  if (!settings.adaptive_acks) {
    if (quick_left_ > 0) {
      --quick_left_;
      return Due::alone;
    }
    // RFC 9293 SHLD-19, RFC 5681 R5681-18. More than a full segment: the peer's tail probe waits
    // for no delayed ACK then.
    const bool is_second = unacked_bytes >= 2 * std::min(text.full_bytes, text.bytes);
    return is_second || unacked_bytes > text.full_bytes ? Due::now : Due::later;
  }
  follow_rhythm(text, settings);
  const bool is_short = text.piece_bytes < text.full_bytes;
  if (is_short && was_short_) was_short_twice_ = true;
  if (is_short || text.is_pushed) was_short_ = true;
  if (quick_left_ > 0 && !is_interactive_) return Due::alone;
  return unacked_bytes > text.full_bytes && text.moves_window ? Due::now : Due::later;
}

// As Linux (tcp_event_data_recv).
void AckTiming::follow_rhythm(const ArrivedText& text, const Settings& settings) {
  const Duration least = settings.delayed_ack;
  const Duration pause = text.now - last_text_at_;
  last_text_at_ = text.now;
  if (delay_ == Duration()) {
    delay_ = least;
    be_quick(text.window_bytes, text.full_bytes, settings);
  } else if (pause <= least / 2) {
    delay_ = delay_ / 2 + least / 2;
  } else if (pause < delay_) {
    delay_ = std::min(delay_ / 2 + pause, text.rto);
  } else if (pause > text.rto) {  // the peer begins anew, perhaps with a small window
    be_quick(text.window_bytes, text.full_bytes, settings);
  }
}

void AckTiming::be_quick(std::uint32_t window_bytes, std::uint32_t full_bytes,
                         const Settings& settings) {
  const std::uint32_t half_window = window_bytes / (2 * std::max(full_bytes, 1u));
  const std::uint32_t wanted = half_window == 0 ? 2 : half_window;
  quick_left_ = std::max(quick_left_, std::min(wanted, settings.quick_acks));
}

void AckTiming::on_disorder(std::uint32_t window_bytes, std::uint32_t full_bytes,
                            const Settings& settings) {
  if (!settings.adaptive_acks) return;
  be_quick(window_bytes, full_bytes, settings);
  is_interactive_ = false;
  delay_ = settings.delayed_ack;
}

void AckTiming::on_answer(Instant now, const Settings& settings) {
  if (settings.adaptive_acks && now - last_text_at_ < delay_) is_interactive_ = true;
}

void AckTiming::on_ack_sent(bool was_owed, const Settings& settings) {
  was_short_ = was_short_twice_ = false;
  if (!settings.adaptive_acks || !was_owed || quick_left_ == 0) return;
  if (--quick_left_ == 0) delay_ = settings.delayed_ack;
}

void AckTiming::on_delay_over(Duration rto, const Settings& settings) {
  if (!settings.adaptive_acks) return;
  delay_ = is_interactive_ ? settings.delayed_ack : std::min(delay_ * 2, rto);
  is_interactive_ = false;
}

// No longer than a round trip, or the peer's timer might come before it.
Duration AckTiming::delay(Duration smoothed_rtt, const Settings& settings) const {
  const Duration least = settings.delayed_ack;
  if (!settings.adaptive_acks) return least;
  Duration most = settings.longest_delayed_ack;
  if (smoothed_rtt > Duration()) most = std::min(most, std::max(smoothed_rtt, least));
  return std::clamp(delay_, least, most);
}

void AckTiming::set_quick(bool on, const Settings& settings) {
  is_interactive_ = !on;
  if (!settings.adaptive_acks) quick_left_ = on ? kQuickAgain : 0;
}

}  // namespace sluice::tcp
