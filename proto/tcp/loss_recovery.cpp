#include "proto/tcp/loss_recovery.hpp"

#include <algorithm>

#include "proto/tcp/constants.hpp"

namespace sluice::tcp {

void LossRecovery::resend(Seq from, Seq to) {
  resend_next_ = from;
  resend_end_ = to;
}

void LossRecovery::on_duplicate_ack(const SendView& snd, NewReno& congestion) {
  ++duplicate_acks_;
  if (phase_ == Phase::fast_recovery) {
    // RFC 6582 R6582-3; RFC 5681 R5681-16: no more inflations than segments are outstanding, or a
    // receiver could open the window with ACKs that nothing caused.
    const std::uint32_t most = distance(snd.una, snd.nxt) / snd.mss + kDupThresh;
    if (duplicate_acks_ <= most) congestion.set_window(congestion.window() + snd.mss);
    return;
  }
  if (duplicate_acks_ != kDupThresh) return;
  if (snd.una <= recover_ || phase_ == Phase::go_back) return;  // RFC 6582 R6582-2
  recover_ = snd.nxt;
  // RFC 5681 R5681-14: what limited transmit sent, beyond the window, does not count.
  congestion.on_loss(std::min(distance(snd.una, snd.nxt), congestion.window()));
  congestion.set_window(congestion.ssthresh() + kDupThresh * snd.mss);  // RFC 5681 R5681-15
  phase_ = Phase::fast_recovery;
  seen_partial_ack_ = seen_second_partial_ack_ = false;
  resend(snd.una, min(snd.una + snd.mss, snd.nxt));
}

bool LossRecovery::on_new_ack(const SendView& snd, std::uint32_t acked, NewReno& congestion) {
  duplicate_acks_ = 0;
  resend_next_ = max(resend_next_, snd.una);
  resend_end_ = max(resend_end_, snd.una);
  if (phase_ == Phase::open) {
    recover_ = max(recover_, snd.una - 1u);  // stays comparable however long nothing is lost
    return false;
  }
  if (snd.una >= recover_) {
    const bool was_fast = phase_ == Phase::fast_recovery;
    if (was_fast) {  // RFC 6582 R6582-4
      const std::uint32_t flight = distance(snd.una, snd.nxt);
      congestion.set_window(std::min(congestion.ssthresh(), std::max(flight, snd.mss) + snd.mss));
    }
    phase_ = Phase::open;
    seen_partial_ack_ = seen_second_partial_ack_ = false;
    return was_fast;
  }
  if (phase_ == Phase::go_back) return false;  // slow start goes on
  // RFC 6582 R6582-5: a partial ACK says that the next segment is lost, too.
  seen_second_partial_ack_ = seen_partial_ack_;
  seen_partial_ack_ = true;
  resend(snd.una, min(snd.una + snd.mss, snd.nxt));
  std::uint32_t window = congestion.window() - std::min(acked, congestion.window());
  if (acked >= snd.mss) window += snd.mss;
  congestion.set_window(std::max(window, snd.mss));
  return true;
}

void LossRecovery::on_timeout(const SendView& snd, NewReno& congestion) {
  const bool first = phase_ != Phase::go_back || !by_timer_;
  congestion.on_timeout(distance(snd.una, snd.nxt), first);
  go_back(snd, true);
}

void LossRecovery::resend_all(const SendView& snd, NewReno& congestion) {
  if (phase_ == Phase::fast_recovery) congestion.set_window(congestion.ssthresh());
  go_back(snd, phase_ == Phase::go_back && by_timer_);
}

// RFC 6582 R6582-6: what is sent again brings duplicate ACKs, which prove nothing.
void LossRecovery::go_back(const SendView& snd, bool by_timer) {
  phase_ = Phase::go_back;
  by_timer_ = by_timer;
  seen_partial_ack_ = seen_second_partial_ack_ = false;
  recover_ = snd.nxt;
  duplicate_acks_ = 0;
  resend(snd.una, snd.nxt);
}

std::uint32_t LossRecovery::pipe(const SendView& snd) const {
  const std::uint32_t outstanding = distance(snd.una, snd.nxt);
  if (phase_ == Phase::fast_recovery) return outstanding;
  return outstanding - distance(resend_next_, max(resend_next_, resend_end_));
}

std::uint32_t LossRecovery::window_bonus(std::uint32_t mss) const {
  if (phase_ != Phase::open) return 0;
  return std::min(duplicate_acks_, kDupThresh - 1) * mss;
}

}  // namespace sluice::tcp
