// A connection as it stands at one moment: what Linux tells in struct tcp_info, and in its units
// where they are not named otherwise.
#pragma once

#include <cstdint>

#include "proto/base/time.hpp"
#include "proto/tcp/state.hpp"

namespace sluice::tcp {

// What loss recovery is doing, by Linux' names.
enum class CaState : std::uint8_t { open, disorder, cwr, recovery, loss };

struct Snapshot {
  State state = State::closed;
  CaState ca_state = CaState::open;

  // Agreed with the peer.
  bool timestamps = false;
  bool sack = false;
  bool window_scaling = false;
  bool ecn = false;
  std::uint8_t snd_wscale = 0;
  std::uint8_t rcv_wscale = 0;

  std::uint8_t retransmits = 0;  // of the oldest segment by the timer, so far
  std::uint8_t probes = 0;       // of a closed window or for keepalive, unanswered
  std::uint8_t backoff = 0;      // doublings of the RTO
  Duration rto;
  Duration ato;  // how long an ACK is delayed

  std::uint32_t snd_mss = 0;  // payload bytes
  std::uint32_t rcv_mss = 0;
  std::uint32_t advmss = 0;
  std::uint32_t pmtu = 0;  // bytes of an IP packet

  // Segments.
  std::uint32_t unacked = 0;
  std::uint32_t sacked = 0;
  std::uint32_t lost = 0;     // until their copies arrive
  std::uint32_t retrans = 0;  // sent again and under way
  std::uint32_t cwnd = 0;
  std::uint32_t ssthresh = 0;  // UINT32_MAX: none yet
  std::uint32_t reordering = 0;

  Duration rtt;
  Duration rttvar;
  Duration min_rtt;  // zero: no sample yet

  // Bytes.
  std::uint32_t rcv_space = 0;  // what the application takes in a round trip
  std::uint32_t rcv_wnd = 0;    // offered to the peer
  std::uint32_t snd_wnd = 0;    // offered by the peer
  std::uint32_t notsent_bytes = 0;
  std::uint64_t bytes_acked = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t bytes_sent = 0;  // retransmissions count, too
  std::uint64_t bytes_retrans = 0;
  std::uint64_t delivery_rate = 0;  // bytes a second
  std::uint64_t pacing_rate = 0;    // bytes a second; zero: not paced

  // Over the connection's life.
  std::uint64_t total_retrans = 0;
  std::uint64_t segs_in = 0;
  std::uint64_t segs_out = 0;
  std::uint64_t data_segs_in = 0;
  std::uint64_t data_segs_out = 0;
  std::uint32_t dsack_dups = 0;   // reports of bytes that came twice
  std::uint32_t reord_seen = 0;   // times that text was found to be overtaken
  std::uint32_t rcv_ooopack = 0;  // segments that came beyond a gap
};

}  // namespace sluice::tcp
