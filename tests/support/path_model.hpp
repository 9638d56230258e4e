// A path in a few lines: one sender under a congestion control, a bottleneck with a rate and a
// queue, a round trip, a receiver that acknowledges every few segments. No TCP: what is lost is
// sent again as new bytes, and a loss is seen with the first acknowledgement from behind it.
//
// It lets an algorithm be tested alone, on its own time, in milliseconds.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>

#include "proto/base/rng.hpp"
#include "proto/base/time.hpp"
#include "proto/tcp/congestion.hpp"

namespace sluice::tcp::test {

struct PathSettings {
  std::uint64_t bytes_per_second = 12'500'000;
  Duration round_trip = Duration::milliseconds(40);  // without the queue
  std::uint64_t queue_bytes = 500'000;
  double loss = 0;                         // of each segment, beside what the queue drops
  std::uint64_t loss_period = 0;           // of so many segments one, at regular intervals
  double mark = 0;                         // by ECN, likewise
  std::uint32_t ack_every = 2;             // segments
  std::uint64_t app_bytes_per_second = 0;  // what the application offers; zero: always more
};

class PathModel {
 public:
  static constexpr std::uint32_t kMss = 1448;

  PathModel(CongestionControl& control, const PathSettings& settings)
      : path(settings), control_(control) {
    control_.start(kMss, initial_window(kMss, 10), now_);
  }

  void run_for(Duration time) {
    const Instant end = now_ + time;
    while (step(end)) {
    }
    now_ = end;
  }

  // The application is silent.
  void pause_for(Duration time) {
    is_paused_ = true;
    run_for(time);
    is_paused_ = false;
    if (now_ - last_sent_ > rto()) control_.on_idle(initial_window(kMss, 10), now_);
    next_send_ = std::max(next_send_, now_);
  }

  // What follows is measured from here on.
  void begin_measuring() {
    measured_from_ = now_;
    measured_delivered_ = delivered_;
    measured_lost_ = lost_;
    total_rtt_ = longest_rtt_ = Duration();
    acks_ = 0;
    shortest_rtt_ = Duration::seconds(1000);
    smallest_window_ = UINT32_MAX;
  }
  // Of the path's rate, 0 to 1.
  double utilisation() const {
    const auto time = static_cast<double>((now_ - measured_from_).ns()) * 1e-9;
    return static_cast<double>(delivered_ - measured_delivered_) / time /
           static_cast<double>(path.bytes_per_second);
  }
  double loss_share() const {
    const auto lost = static_cast<double>(lost_ - measured_lost_);
    return lost / (lost + static_cast<double>(delivered_ - measured_delivered_));
  }
  Duration mean_rtt() const { return total_rtt_ / std::max<std::int64_t>(acks_, 1); }
  Duration longest_rtt() const { return longest_rtt_; }
  Duration shortest_rtt() const { return shortest_rtt_; }
  std::uint32_t smallest_window() const { return smallest_window_; }

  Instant now() const { return now_; }
  std::uint64_t delivered() const { return delivered_; }
  std::uint32_t flight() const { return flight_; }
  std::uint32_t congestions() const { return congestions_; }
  std::uint32_t timeouts() const { return timeouts_; }

  PathSettings path;  // may change while it runs

 private:
  struct Segment {
    std::uint64_t number = 0;
    Instant sent_at;
    Instant acked_at;  // when its acknowledgement arrives
    bool is_dropped = false;
    bool is_marked = false;
    std::uint64_t delivered = 0;  // C.delivered and so on when it was sent
    Instant delivered_at;
    Instant first_sent_at;
    std::uint64_t lost = 0;
    std::uint32_t tx_in_flight = 0;
    bool is_app_limited = false;
  };

  // One event: an acknowledgement, the timer or a segment. False: none before `end`.
  bool step(Instant end) {
    const Instant ack = next_ack();
    const Instant timer =
        segments_.empty() || !ack.is_never() ? Instant::never() : last_sent_ + rto();
    const Instant send = next_send();
    const Instant next = std::min({ack, timer, send});
    if (next > end) return false;
    now_ = std::max(now_, next);
    if (next == ack) {
      acknowledge();
    } else if (next == send) {
      send_one();
    } else {
      time_out();
    }
    return true;
  }

  // Of the segment that completes an acknowledgement, or of the last one outstanding.
  Instant next_ack() const {
    Instant at = Instant::never();
    std::uint32_t arriving = 0;
    for (const Segment& segment : segments_) {
      if (segment.is_dropped) continue;
      at = segment.acked_at;
      if (++arriving == path.ack_every) break;
    }
    return at;
  }

  bool is_window_full() const { return flight_ + kMss > control_.window(); }

  Instant next_send() const {
    if (is_paused_) return Instant::never();
    Instant at = next_send_;
    if (path.app_bytes_per_second != 0) at = std::max(at, app_ready_);
    return is_window_full() ? Instant::never() : std::max(at, now_);
  }

  void send_one() {
    if (flight_ == 0) first_sent_at_ = delivered_at_ = now_;
    flight_ += kMss;
    const Duration service = time_of_one(path.bytes_per_second);
    const Duration wait = std::max(free_at_, now_) - now_;
    const std::uint64_t queued = static_cast<std::uint64_t>(
        static_cast<double>(wait.ns()) * 1e-9 * static_cast<double>(path.bytes_per_second));
    Segment segment;
    segment.number = next_number_++;
    segment.sent_at = now_;
    segment.is_dropped = queued + kMss > path.queue_bytes || is_lost();
    segment.is_marked = rng_.chance(path.mark);
    segment.delivered = delivered_;
    segment.delivered_at = delivered_at_;
    segment.first_sent_at = first_sent_at_;
    segment.lost = lost_;
    segment.tx_in_flight = flight_;
    segment.is_app_limited = path.app_bytes_per_second != 0;
    if (!segment.is_dropped) {
      free_at_ = now_ + wait + service;
      segment.acked_at = free_at_ + path.round_trip;
    }
    segments_.push_back(segment);
    last_sent_ = now_;
    pace();
    control_.on_sent(kMss, flight_, now_);
  }

  bool is_lost() {
    if (path.loss_period != 0 && next_number_ % path.loss_period == 0) return true;
    return rng_.chance(path.loss);
  }

  void pace() {
    const std::uint64_t rate = control_.pacing_rate();
    next_send_ = rate == 0 ? now_ : now_ + time_of_one(rate);
    if (path.app_bytes_per_second != 0) app_ready_ = now_ + time_of_one(path.app_bytes_per_second);
  }

  static Duration time_of_one(std::uint64_t bytes_per_second) {
    return Duration::nanoseconds(
        static_cast<std::int64_t>(kMss * 1'000'000'000ull / bytes_per_second));
  }

  // The first segments that have arrived, and all that was dropped before them.
  void acknowledge() {
    AckEvent event;
    event.flight_before = flight_;
    event.window_was_full = is_window_full() && next_send_ <= now_ && app_ready_ <= now_;
    bool is_marked = false;
    for (std::uint32_t taken = 0; taken < path.ack_every && !next_ack().is_never();) {
      const Segment segment = segments_.front();
      segments_.pop_front();
      flight_ -= kMss;
      is_marked = is_marked || segment.is_marked;
      if (segment.is_dropped) {
        event.lost_bytes += kMss;
        lost_ += kMss;
        continue;
      }
      ++taken;
      event.delivered_bytes += kMss;
      delivered_ += kMss;
      newest_ = segment;
    }
    delivered_at_ = now_;
    first_sent_at_ = newest_.sent_at;
    finish(event, is_marked);
  }

  void finish(AckEvent& event, bool is_marked) {
    const Duration rtt = now_ - newest_.sent_at;
    measure(rtt);
    begin_or_end_recovery(event, is_marked);
    event.now = now_;
    event.acked_bytes = event.delivered_bytes;
    event.flight = flight_;
    event.total_delivered = delivered_;
    event.rtt = rtt;
    event.min_rtt = min_rtt_;
    event.smoothed_rtt = smoothed_rtt_;
    event.in_recovery = in_recovery_;
    event.ecn_echo = is_marked;
    event.send_sequence = next_number_;
    event.acked_sequence = newest_.number + 1;
    event.rate = rate_sample();
    control_.on_ack(event);
    smallest_window_ = std::min(smallest_window_, control_.window());
  }

  void measure(Duration rtt) {
    total_rtt_ = total_rtt_ + rtt;
    ++acks_;
    longest_rtt_ = std::max(longest_rtt_, rtt);
    shortest_rtt_ = std::min(shortest_rtt_, rtt);
    min_rtt_ = std::min(min_rtt_, rtt);
    smoothed_rtt_ = smoothed_rtt_ == Duration() ? rtt : (smoothed_rtt_ * 7 + rtt) / 8;
  }

  void begin_or_end_recovery(const AckEvent& event, bool is_marked) {
    if (in_recovery_ && newest_.number >= recovery_ends_) {
      in_recovery_ = false;
      control_.on_recovery_end(now_);
    }
    if (in_recovery_ || (event.lost_bytes == 0 && !is_marked)) return;
    in_recovery_ = true;
    recovery_ends_ = next_number_;
    ++congestions_;
    control_.on_congestion(event.flight_before, event.lost_bytes == 0, now_);
  }

  RateSample rate_sample() const {
    const Duration sending = newest_.sent_at - newest_.first_sent_at;
    const Duration arriving = now_ - newest_.delivered_at;
    return {.delivered_bytes = delivered_ - newest_.delivered,
            .prior_delivered = newest_.delivered,
            .lost_bytes = static_cast<std::uint32_t>(lost_ - newest_.lost),
            .tx_in_flight = newest_.tx_in_flight,
            .interval = std::max(sending, arriving),
            .is_app_limited = newest_.is_app_limited};
  }

  void time_out() {
    const std::uint32_t flight = flight_;
    lost_ += flight_;
    flight_ = 0;
    segments_.clear();
    ++timeouts_;
    in_recovery_ = false;
    control_.on_timeout(flight, true, now_);
    next_send_ = now_;
  }

  Duration rto() const {
    return std::max(Duration::milliseconds(200),
                    (smoothed_rtt_ == Duration() ? Duration::seconds(3) : smoothed_rtt_ * 2));
  }

  CongestionControl& control_;
  Rng rng_{1};
  std::deque<Segment> segments_;  // outstanding
  Instant now_;
  Instant free_at_;  // when the bottleneck has sent what it holds
  Instant next_send_;
  Instant app_ready_;
  Instant last_sent_;
  Instant delivered_at_;
  Instant first_sent_at_;
  Segment newest_;  // acknowledged last
  std::uint64_t next_number_ = 0;
  std::uint64_t recovery_ends_ = 0;
  std::uint64_t delivered_ = 0;
  std::uint64_t lost_ = 0;
  std::uint32_t flight_ = 0;
  std::uint32_t congestions_ = 0;
  std::uint32_t timeouts_ = 0;
  Duration min_rtt_ = Duration::seconds(1000);
  Duration smoothed_rtt_;
  bool in_recovery_ = false;
  bool is_paused_ = false;

  Instant measured_from_;
  std::uint64_t measured_delivered_ = 0;
  std::uint64_t measured_lost_ = 0;
  Duration total_rtt_;
  std::int64_t acks_ = 0;
  Duration longest_rtt_;
  Duration shortest_rtt_ = Duration::seconds(1000);
  std::uint32_t smallest_window_ = UINT32_MAX;
};

}  // namespace sluice::tcp::test
