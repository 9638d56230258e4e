// How a connection stands, for who asks.
#include <algorithm>

#include "proto/tcp/connection.hpp"

namespace sluice::tcp {
Snapshot Connection::snapshot() const {
  Snapshot said;
  said.state = state_;
  say_options(said);
  say_sender(said);
  say_receiver(said);
  said.ato = ack_debt_.delay(rtt_.smoothed());
  return said;
}

void Connection::say_options(Snapshot& said) const {
  said.timestamps = timestamps_on_;
  said.sack = sack_on_;
  said.window_scaling = scaling_on_;
  said.ecn = ecn_on_;
  said.snd_wscale = snd_.scale;
  said.rcv_wscale = rcv_.scale;
  const std::uint32_t options = timestamps_on_ ? kTimestampsLength : 0;
  said.snd_mss = send_mss_;
  said.advmss = advertised_mss_ - options;
  said.pmtu = path_mtu_;
}

void Connection::say_sender(Snapshot& said) const {
  const std::uint32_t mss = std::max(send_mss_, 1u);
  const SentSegments::PieceCounts pieces = sent_.count_pieces();
  said.unacked = pieces.total;
  said.sacked = pieces.sacked;
  said.lost = pieces.lost + (recovery_.in_recovery() ? pieces.resent : 0);
  said.retrans = pieces.resent;
  said.ca_state = recovery_.ca_state(sent_);
  said.cwnd = std::max(recovery_.window(*congestion_) / mss, 1u);
  const std::uint32_t ssthresh = congestion_->ssthresh();
  said.ssthresh = ssthresh == UINT32_MAX ? UINT32_MAX : ssthresh / mss;
  said.reordering = counters_.reordering;
  said.retransmits = retransmits_;
  said.probes = probes_sent_;
  said.backoff = static_cast<std::uint8_t>(rtt_.backoff());
  said.rto = rtt_.rto(settings_);
  said.rtt = rtt_.smoothed();
  said.rttvar = rtt_.variation();
  said.min_rtt = min_rtt_.get();
  said.snd_wnd = snd_.wnd;
  said.notsent_bytes = is_synchronized(state_) ? unsent_bytes() : send_buffer_.size();
  said.bytes_acked = counters_.bytes_acked;
  said.bytes_retrans = counters_.bytes_retransmitted;
  said.bytes_sent =
      acked_sequence_ + flight() - (fin_sent_ ? 1u : 0u) + counters_.bytes_retransmitted;
  said.delivery_rate = rate_.last_rate();
  said.pacing_rate = pacer_.rate();
  said.total_retrans = counters_.retransmitted;
  said.segs_out = counters_.segments_out;
  said.data_segs_out = counters_.data_segments_out;
  said.dsack_dups = counters_.duplicates_reported;
  said.reord_seen = counters_.reorderings;
}

void Connection::say_receiver(Snapshot& said) const {
  said.rcv_mss = receive_mss_.get();
  said.rcv_space = static_cast<std::uint32_t>(receive_tuning_.per_round_trip());
  said.rcv_wnd = rcv_wnd();
  said.bytes_received = counters_.bytes_received;
  said.segs_in = counters_.segments_in;
  said.data_segs_in = counters_.data_segments_in;
  said.rcv_ooopack = counters_.beyond_gap;
}

}  // namespace sluice::tcp
