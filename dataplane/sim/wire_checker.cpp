#include "dataplane/sim/wire_checker.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "proto/wire/format.hpp"

namespace sluice::sim {
namespace {

// `number` as a position of a stream that begins behind `isn`, near `near`.
std::int64_t position(std::uint32_t number, std::uint32_t isn, std::int64_t near) {
  const auto near_number = static_cast<std::uint32_t>(near) + isn + 1;
  return near + static_cast<std::int32_t>(number - near_number);
}

std::int64_t scaled(std::uint16_t window, bool scaling, std::uint8_t scale) {
  return static_cast<std::int64_t>(window) << (scaling ? scale : 0);
}

}  // namespace

bool SentText::agrees(std::int64_t begin, Bytes text) const {
  if (begin < first_) {
    const auto unknown = static_cast<std::size_t>(first_ - begin);
    if (unknown >= text.size()) return true;
    text = text.subspan(unknown);
    begin = first_;
  }
  if (text.empty()) return true;
  const std::size_t at = place_of(begin);
  const std::size_t straight = std::min(text.size(), ring_.size() - at);
  return std::memcmp(text.data(), &ring_[at], straight) == 0 &&
         std::memcmp(text.data() + straight, ring_.data(), text.size() - straight) == 0;
}

void SentText::append(Bytes text) {
  if (text.empty()) return;
  if (size_ + text.size() > ring_.size()) grow(size_ + text.size());
  const std::size_t at = place_of(end());
  const std::size_t straight = std::min(text.size(), ring_.size() - at);
  std::memcpy(&ring_[at], text.data(), straight);
  std::memcpy(ring_.data(), text.data() + straight, text.size() - straight);
  size_ += text.size();
}

void SentText::grow(std::size_t least) {
  std::vector<std::uint8_t> larger(std::bit_ceil(std::max<std::size_t>(least, 4096)));
  larger.swap(ring_);
  for (std::size_t i = 0; i < size_; ++i) {
    const std::size_t position = static_cast<std::size_t>(first_) + i;
    ring_[position & (ring_.size() - 1)] = larger[position & (larger.size() - 1)];
  }
}

void SentText::forget_before(std::int64_t position) {
  position = std::min(position, end());
  if (position <= first_) return;
  size_ -= static_cast<std::size_t>(position - first_);
  first_ = position;
}

FlowKey WireChecker::key_of(const wire::Packet& packet) {
  return {packet.source, packet.destination, packet.tcp.source_port, packet.tcp.destination_port};
}

// Mostly the flow of the packet before, or its other direction.
WireChecker::Direction& WireChecker::direction_of(const FlowKey& flow) {
  for (const Known& known : last_) {
    if (known.direction != nullptr && known.flow == flow) return *known.direction;
  }
  Direction& found = directions_[flow];
  last_[1] = last_[0];
  last_[0] = {flow, &found};
  return found;
}

WireChecker::Direction& WireChecker::forward(const wire::Packet& packet) {
  return direction_of(key_of(packet));
}

WireChecker::Direction& WireChecker::backward(const wire::Packet& packet) {
  const FlowKey key = key_of(packet);
  return direction_of({key.remote, key.local, key.remote_port, key.local_port});
}

void WireChecker::fail(const wire::Packet& packet, const std::string& what) {
  verdict_.fail(what + ": " + wire::format_packet(packet));
}

void WireChecker::on_syn(const wire::Packet& packet, Direction& self, Direction& peer) {
  const bool again = self.known && self.isn == packet.tcp.sequence;
  if (again) return;
  // An old SYN that comes late meets a listener, and its answer one who knows the old connection:
  // nothing can be said of the two until a new SYN.
  const bool stale = packet.tcp.has(wire::kAck) && self.known;
  if (stale) peer.known = false;
  if (!packet.tcp.has(wire::kAck)) peer = Direction();
  self = Direction();
  self.known = !stale;
  self.isn = packet.tcp.sequence;
  self.offers_scale = packet.tcp.options.has_window_scale;
  self.scale = std::min<std::uint8_t>(packet.tcp.options.window_scale, 14);
  self.syn_window = packet.tcp.window;
  self.announced = packet.tcp.window;
  if (packet.tcp.has(wire::kAck)) self.heard = peer.syn_window;
}

void WireChecker::on_sent(const wire::Packet& packet, Bytes payload) {
  if (packet.protocol != wire::kProtocolTcp || packet.tcp.has(wire::kRst)) return;
  Direction& self = forward(packet);
  Direction& peer = backward(packet);
  if (packet.tcp.has(wire::kSyn)) {
    if (!payload.empty()) fail(packet, "text in a SYN");
    return on_syn(packet, self, peer);
  }
  if (!self.known || !peer.known) return;
  check_text(packet, payload, self);
  check_ack(packet, self, peer);
}

void WireChecker::check_text(const wire::Packet& packet, Bytes payload, Direction& self) {
  const auto sent = self.sent.end();
  const std::int64_t begin = position(packet.tcp.sequence, self.isn, sent);
  const std::int64_t end = begin + static_cast<std::int64_t>(payload.size());
  const bool fin = packet.tcp.has(wire::kFin);
  if (begin < -1 || begin > self.end()) return fail(packet, "sequence number out of nowhere");
  if (payload.empty() && !fin) return;
  if (begin < 0 || begin > sent) return fail(packet, "text leaves a gap");
  if (self.fin && end > sent) return fail(packet, "text beyond the FIN");
  if (fin && end < sent) return fail(packet, "FIN before text that was sent");
  const auto old = static_cast<std::size_t>(std::min(end, sent) - begin);
  if (!self.sent.agrees(begin, payload.first(old))) {
    return fail(packet, "other bytes than were sent before");
  }
  const std::int64_t before = self.end();
  self.sent.append(payload.subspan(old));
  if (fin) self.fin = true;
  if (self.end() > before) check_window_kept(packet, end, self);
}

// A window probe may carry one byte, and a FIN, beyond the edge (RFC 9293 3.8.6.1).
void WireChecker::check_window_kept(const wire::Packet& packet, std::int64_t end,
                                    const Direction& self) {
  if (end <= self.heard + 1) return;
  fail(packet, std::to_string(end - self.heard) + " bytes beyond the peer's window");
}

void WireChecker::check_ack(const wire::Packet& packet, Direction& self, const Direction& peer) {
  if (!packet.tcp.has(wire::kAck)) return fail(packet, "no ACK bit");
  const std::int64_t ack = position(packet.tcp.acknowledgment, peer.isn, self.acked);
  if (ack > peer.end()) return fail(packet, "acknowledges what was never sent");
  if (ack < self.acked) return fail(packet, "acknowledgement goes back");
  self.acked = ack;
  const bool scaling = self.offers_scale && peer.offers_scale;
  const std::int64_t edge = ack + scaled(packet.tcp.window, scaling, self.scale);
  const std::int64_t rounding = scaling ? (std::int64_t{1} << self.scale) - 1 : 0;
  if (edge + rounding < self.announced) {
    return fail(packet, "the window's right edge moves left by " +
                            std::to_string(self.announced - edge) + " bytes");
  }
  self.announced = std::max(self.announced, edge);
}

void WireChecker::on_taken(const wire::Packet& packet) {
  const bool counts = packet.protocol == wire::kProtocolTcp && packet.tcp.has(wire::kAck) &&
                      !packet.tcp.has(wire::kRst);
  if (!counts) return;
  const Direction& sender = forward(packet);
  Direction& self = backward(packet);
  if (!sender.known || !self.known) return;
  const std::int64_t ack = position(packet.tcp.acknowledgment, self.isn, self.end());
  const bool scaling = sender.offers_scale && self.offers_scale && !packet.tcp.has(wire::kSyn);
  self.sent.forget_before(ack);
  self.heard = std::max(self.heard, ack + scaled(packet.tcp.window, scaling, sender.scale));
}

}  // namespace sluice::sim
