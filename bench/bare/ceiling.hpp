// The ceiling that a stack on a TUN device can reach: a peer that does no TCP worth the name. It
// answers SYNs, acknowledges what comes in order (once a batch), counts nothing but sequence
// numbers, and as a source writes super-segments as far as the peer's window goes. It has no
// congestion control, no out-of-order queue and no timers: a hole earns a duplicate ACK, and a
// source that three duplicate ACKs or a long silence tell of a loss starts again where the peer is.
//
// Services, as in `sluice run`: 9 and 5001 discard, 19 sends, 7 answers each request that fits a
// segment with the same bytes. Other ports are refused.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "proto/base/bytes.hpp"
#include "proto/wire/packet.hpp"

namespace sluice::bare {

// One connection. Sequence numbers are modulo 2^32.
struct Peer {
  IpAddress ours;
  IpAddress theirs;
  std::uint16_t our_port = 0;
  std::uint16_t their_port = 0;
  std::uint16_t window = 0;  // what we announce, as on the wire: always the same
  std::uint16_t mss = 0;
  std::uint8_t window_scale = 0;  // of what the peer announces
  std::uint8_t duplicate_acks = 0;
  bool owes_ack = false;
  bool is_pending = false;  // waits for the next flush()
  bool fin_sent = false;
  bool is_gone = false;
  std::uint32_t receive_next = 0;
  std::uint32_t send_next = 0;
  std::uint32_t send_unacknowledged = 0;
  std::uint32_t send_limit = 0;  // the first byte that the peer has no room for
};

class Ceiling {
 public:
  // `fd` is a TUN queue with IFF_VNET_HDR, not owned; without `tso` a segment is at most one MSS.
  Ceiling(int fd, std::uint32_t mtu, bool tso);

  // One packet as the device gave it: [virtio_net_hdr | IP packet].
  void on_packet(Bytes packet);

  // Sends what is owed to all who were heard since the last call. True when a source has more to
  // send at once.
  bool flush();

  // Nothing came for a while: what the sources have in flight is lost.
  void on_silence();

 private:
  using Key = std::uint64_t;

  void on_syn(const wire::Packet& packet);
  void on_acknowledgment(Peer& peer, const wire::Packet& packet);
  void on_text(Peer& peer, std::uint32_t sequence, Bytes text);
  void on_fin(Peer& peer, std::uint32_t sequence);
  void answer(Peer& peer, Bytes text);
  bool pump(Peer& peer);

  Key key_of(const wire::Packet& packet) const;
  void hear(Peer& peer);
  std::uint32_t segment_bytes(const Peer& peer) const;

  void send(Peer& peer, std::uint8_t flags, Bytes payload);
  void send_syn_ack(Peer& peer, const wire::TcpOptions& offered);
  void send_reset(const wire::Packet& packet);
  void write(const IpAddress& from, const IpAddress& to, const wire::TcpHeader& tcp, Bytes payload,
             std::uint16_t gso_size);

  int fd_;
  std::uint32_t mtu_;
  bool tso_;
  std::uint32_t next_isn_ = 1;
  std::unordered_map<Key, Peer> peers_;
  std::vector<Key> pending_;
  std::vector<Key> still_pending_;  // empty outside flush()
  std::vector<std::uint8_t> text_;  // what a source sends, all the same
};

}  // namespace sluice::bare
