#include "proto/tcp/newreno.hpp"

namespace sluice::tcp {

void NewReno::on_ack(const AckEvent& event) {
  const std::uint32_t delivered = take_delivered(event);
  if (event.ecn_echo || delivered == 0) return;  // RFC 3168 R3168-5
  if (in_slow_start()) {
    grow_in_slow_start(slow_start_growth(delivered, event));
  } else if (event.window_was_full && !event.in_recovery) {
    acked_ += delivered;  // RFC 5681 R5681-8: one segment a round trip, counting bytes
    if (acked_ >= window()) {
      acked_ -= window();
      set_window(window() + mss());
    }
  }
}

void NewReno::on_congestion(std::uint32_t flight, bool /*by_ecn*/, Instant /*now*/) {
  reduce(flight / 2);
  acked_ = 0;
}

void NewReno::on_timeout(std::uint32_t flight, bool first, Instant /*now*/) {
  collapse(flight / 2, first);
  acked_ = 0;
}

}  // namespace sluice::tcp
