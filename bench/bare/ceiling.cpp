#include "bench/bare/ceiling.hpp"

#include <sys/uio.h>

#include <algorithm>
#include <array>

#include "proto/wire/build.hpp"

namespace sluice::bare {
namespace {

using wire::kAck;
using wire::kFin;
using wire::kPsh;
using wire::kRst;
using wire::kSyn;

constexpr std::uint16_t kEcho = 7;
constexpr std::uint16_t kDiscard = 9;
constexpr std::uint16_t kSource = 19;
constexpr std::uint16_t kIperfSink = 5001;

constexpr std::uint8_t kWindowScale = 7;
constexpr std::uint16_t kScaledWindow = 32'768;    // 4 MiB
constexpr std::uint16_t kUnscaledWindow = 65'535;  // for a peer that offers no scaling
constexpr std::uint32_t kLargestPayload = 65'535 - 40;
constexpr std::size_t kMaxPeers = 65'536;
constexpr std::uint32_t kIsnStep = 1 << 20;
constexpr int kSegmentsAtOnce = 16;  // of one source, before the next packets are read
constexpr std::uint8_t kDuplicatesThatMeanLoss = 3;
constexpr std::uint16_t kDefaultMss = 536;  // RFC 9293 MUST-15
constexpr std::uint16_t kMinMss = 48;       // Linux's TCP_MIN_SND_MSS
constexpr std::uint8_t kMaxWindowScale = 14;

bool is_served(std::uint16_t port) {
  return port == kEcho || port == kDiscard || port == kSource || port == kIperfSink;
}

// How far `to` lies behind `from`; negative when it lies before.
std::int32_t ahead(std::uint32_t from, std::uint32_t to) {
  return static_cast<std::int32_t>(to - from);
}

}  // namespace

Ceiling::Ceiling(int fd, std::uint32_t mtu, bool tso)
    : fd_(fd), mtu_(mtu), tso_(tso), text_(kLargestPayload, 'x') {}

// One host talks to us, so its address needs no place in the key.
Ceiling::Key Ceiling::key_of(const wire::Packet& packet) const {
  return Key{packet.destination.v4_bits()} << 32 | Key{packet.tcp.destination_port} << 16 |
         packet.tcp.source_port;
}

void Ceiling::on_packet(Bytes bytes) {
  if (bytes.size() < wire::kVirtioNetHeaderSize) return;
  const Bytes ip = bytes.subspan(wire::kVirtioNetHeaderSize);
  wire::Packet packet;
  const DropReason refused = wire::parse_packet(ip, wire::parse_virtio_net(bytes), packet);
  if (refused != DropReason::none || packet.protocol != wire::kProtocolTcp) return;
  if (packet.tcp.has(kSyn)) return on_syn(packet);
  const auto found = peers_.find(key_of(packet));
  if (found == peers_.end()) return send_reset(packet);
  Peer& peer = found->second;
  if (packet.tcp.has(kRst)) {
    peer.is_gone = true;
    return hear(peer);
  }
  on_acknowledgment(peer, packet);
  on_text(peer, packet.tcp.sequence, ip.subspan(packet.payload_offset, packet.payload_length));
  if (packet.tcp.has(kFin)) on_fin(peer, packet.tcp.sequence + packet.payload_length);
  hear(peer);
}

void Ceiling::hear(Peer& peer) {
  if (peer.is_pending) return;
  peer.is_pending = true;
  pending_.push_back(Key{peer.ours.v4_bits()} << 32 | Key{peer.our_port} << 16 | peer.their_port);
}

void Ceiling::on_syn(const wire::Packet& packet) {
  if (!is_served(packet.tcp.destination_port) || peers_.size() >= kMaxPeers) {
    return send_reset(packet);
  }
  const wire::TcpOptions& offered = packet.tcp.options;
  const std::uint32_t isn = next_isn_ += kIsnStep;
  Peer& peer = peers_[key_of(packet)];
  peer = {};
  peer.ours = packet.destination;
  peer.theirs = packet.source;
  peer.our_port = packet.tcp.destination_port;
  peer.their_port = packet.tcp.source_port;
  peer.window = offered.has_window_scale ? kScaledWindow : kUnscaledWindow;
  peer.window_scale = std::min(offered.window_scale, kMaxWindowScale);
  peer.mss = offered.has_mss ? std::max(offered.mss, kMinMss) : kDefaultMss;
  peer.receive_next = packet.tcp.sequence + 1;
  peer.send_next = isn;
  peer.send_unacknowledged = isn;
  peer.send_limit = isn + 1;
  send_syn_ack(peer, offered);
}

void Ceiling::on_acknowledgment(Peer& peer, const wire::Packet& packet) {
  if (!packet.tcp.has(kAck)) return;
  const std::uint32_t ack = packet.tcp.acknowledgment;
  const std::int32_t news = ahead(peer.send_unacknowledged, ack);
  if (news < 0 || ahead(peer.send_next, ack) > 0) return;
  const std::uint32_t limit = ack + (std::uint32_t{packet.tcp.window} << peer.window_scale);
  const bool is_duplicate = news == 0 && limit == peer.send_limit && packet.payload_length == 0;
  if (is_duplicate && ack != peer.send_next && peer.our_port == kSource && !peer.fin_sent &&
      ++peer.duplicate_acks == kDuplicatesThatMeanLoss) {
    peer.send_next = ack;
  }
  if (!is_duplicate) peer.duplicate_acks = 0;
  peer.send_unacknowledged = ack;
  peer.send_limit = limit;
  if (peer.fin_sent && ack == peer.send_next) peer.is_gone = true;
}

void Ceiling::on_text(Peer& peer, std::uint32_t sequence, Bytes text) {
  if (text.empty()) return;
  peer.owes_ack = true;
  const std::int32_t known = ahead(sequence, peer.receive_next);
  if (known < 0 || known >= static_cast<std::int32_t>(text.size())) return;  // a hole, or old
  text = text.subspan(static_cast<std::size_t>(known));
  if (peer.our_port == kEcho) return answer(peer, text);
  peer.receive_next += static_cast<std::uint32_t>(text.size());
}

// What does not fit is not acknowledged, and so comes again.
void Ceiling::answer(Peer& peer, Bytes text) {
  const std::int32_t room = ahead(peer.send_next, peer.send_limit);
  if (room <= 0 || peer.fin_sent) return;
  const std::size_t length =
      std::min({text.size(), std::size_t{peer.mss}, static_cast<std::size_t>(room)});
  peer.receive_next += static_cast<std::uint32_t>(length);
  send(peer, kAck | kPsh, text.first(length));
}

void Ceiling::on_fin(Peer& peer, std::uint32_t sequence) {
  if (sequence != peer.receive_next || peer.fin_sent) {
    peer.owes_ack = true;
    return;
  }
  ++peer.receive_next;
  send(peer, kFin | kAck, {});
  peer.fin_sent = true;
}

bool Ceiling::flush() {
  for (const Key key : pending_) {
    const auto found = peers_.find(key);
    if (found == peers_.end()) continue;
    Peer& peer = found->second;
    if (peer.is_gone) {
      peers_.erase(found);
      continue;
    }
    peer.is_pending = peer.our_port == kSource && !peer.fin_sent && pump(peer);
    if (peer.is_pending) still_pending_.push_back(key);
    if (peer.owes_ack) send(peer, kAck, {});
  }
  pending_.swap(still_pending_);
  still_pending_.clear();
  return !pending_.empty();
}

// True when the peer's window has room for more.
bool Ceiling::pump(Peer& peer) {
  const auto full = static_cast<std::int32_t>(segment_bytes(peer));
  for (int i = 0; i < kSegmentsAtOnce; ++i) {
    const std::int32_t room = ahead(peer.send_next, peer.send_limit);
    // A part of a segment only where the window is smaller than one: else it opens further.
    const bool is_idle = peer.send_next == peer.send_unacknowledged;
    if (room <= 0 || (room < full && !is_idle)) return false;
    const auto length = static_cast<std::size_t>(std::min(room, full));
    send(peer, kAck | kPsh, Bytes(text_).first(length));
  }
  return true;
}

void Ceiling::on_silence() {
  for (auto& [key, peer] : peers_) {
    const bool is_source = peer.our_port == kSource && !peer.fin_sent;
    if (!is_source || peer.send_next == peer.send_unacknowledged) continue;
    peer.send_next = peer.send_unacknowledged;
    hear(peer);
  }
}

std::uint32_t Ceiling::segment_bytes(const Peer& peer) const {
  return tso_ && peer.mss < kLargestPayload ? kLargestPayload / peer.mss * peer.mss
                                            : std::min<std::uint32_t>(peer.mss, kLargestPayload);
}

void Ceiling::send(Peer& peer, std::uint8_t flags, Bytes payload) {
  wire::TcpHeader tcp;
  tcp.source_port = peer.our_port;
  tcp.destination_port = peer.their_port;
  tcp.sequence = peer.send_next;
  tcp.acknowledgment = peer.receive_next;
  tcp.flags = flags;
  tcp.window = peer.window;
  write(peer.ours, peer.theirs, tcp, payload, peer.mss);
  const bool takes_a_number = (flags & (kSyn | kFin)) != 0;
  peer.send_next += static_cast<std::uint32_t>(payload.size()) + (takes_a_number ? 1U : 0U);
  peer.owes_ack = false;
}

void Ceiling::send_syn_ack(Peer& peer, const wire::TcpOptions& offered) {
  const std::size_t headers = wire::ip_header_length(peer.ours) + wire::kTcpMinHeader;
  wire::TcpHeader tcp;
  tcp.source_port = peer.our_port;
  tcp.destination_port = peer.their_port;
  tcp.sequence = peer.send_next++;
  tcp.acknowledgment = peer.receive_next;
  tcp.flags = kSyn | kAck;
  tcp.window = kUnscaledWindow;  // a SYN's window is never scaled
  tcp.options.has_mss = true;
  tcp.options.mss = static_cast<std::uint16_t>(mtu_ - headers);
  tcp.options.has_window_scale = offered.has_window_scale;
  tcp.options.window_scale = kWindowScale;
  write(peer.ours, peer.theirs, tcp, {}, 0);
}

// RFC 9293 3.10.7.1: for a segment that belongs to no connection.
void Ceiling::send_reset(const wire::Packet& packet) {
  if (packet.tcp.has(kRst)) return;
  const bool takes_a_number = packet.tcp.has(kSyn) || packet.tcp.has(kFin);
  wire::TcpHeader tcp;
  tcp.source_port = packet.tcp.destination_port;
  tcp.destination_port = packet.tcp.source_port;
  tcp.sequence = packet.tcp.has(kAck) ? packet.tcp.acknowledgment : 0;
  tcp.acknowledgment = packet.tcp.sequence + packet.payload_length + (takes_a_number ? 1U : 0U);
  tcp.flags = kRst | kAck;
  write(packet.destination, packet.source, tcp, {}, 0);
}

// A packet that the device refuses is a lost packet.
void Ceiling::write(const IpAddress& from, const IpAddress& to, const wire::TcpHeader& tcp,
                    Bytes payload, std::uint16_t gso_size) {
  std::array<std::uint8_t, wire::kMaxHeaders> headers;
  wire::IpFields ip;
  ip.source = from;
  ip.destination = to;
  const std::size_t length = wire::build_tcp_packet(
      headers, ip, tcp,
      {.length = static_cast<std::uint32_t>(payload.size()), .gso_size = gso_size});
  const std::array<iovec, 2> pieces{
      iovec{headers.data(), length},
      iovec{const_cast<std::uint8_t*>(payload.data()), payload.size()}};
  [[maybe_unused]] const ssize_t written = writev(fd_, pieces.data(), pieces.size());
}

}  // namespace sluice::bare
