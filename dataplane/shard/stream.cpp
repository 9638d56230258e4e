#include "dataplane/stream.hpp"

#include <algorithm>

#include "dataplane/shard/shard.hpp"

namespace sluice {
namespace {

constexpr std::uint8_t kEcnBits = 3;  // RFC 3168 5: the lowest of the traffic class

ConnectionSlot& slot_of(Stream& stream) {
  return static_cast<ConnectionSlot&>(stream);
}
const ConnectionSlot& slot_of(const Stream& stream) {
  return static_cast<const ConnectionSlot&>(stream);
}

}  // namespace

std::uint32_t Stream::send(Bytes bytes) {
  ConnectionSlot& slot = slot_of(*this);
  const std::uint32_t taken = slot.tcp.send(bytes);
  slot.shard.mark_ready(slot);
  return taken;
}

std::uint32_t Stream::send(Slice slice) {
  ConnectionSlot& slot = slot_of(*this);
  const std::uint32_t taken = slot.tcp.send(std::move(slice));
  slot.shard.mark_ready(slot);
  return taken;
}

std::uint32_t Stream::send_space() const {
  return slot_of(*this).tcp.send_space();
}

Slice Stream::read(std::uint32_t max_bytes) {
  ConnectionSlot& slot = slot_of(*this);
  Slice out = slot.tcp.read(max_bytes);
  if (!out.empty()) slot.shard.mark_ready(slot);  // a window update, or the end, may follow
  return out;
}

std::uint32_t Stream::readable() const {
  return slot_of(*this).tcp.readable();
}

void Stream::shutdown_send() {
  ConnectionSlot& slot = slot_of(*this);
  slot.tcp.shutdown_send(slot.shard.now_);
  slot.shard.mark_ready(slot);
}

void Stream::close() {
  ConnectionSlot& slot = slot_of(*this);
  slot.application_gone = true;
  slot.tcp.close(slot.shard.now_);
  slot.shard.mark_ready(slot);
}

void Stream::abort() {
  ConnectionSlot& slot = slot_of(*this);
  slot.application_gone = true;
  slot.tcp.abort(slot.shard.now_);
  slot.shard.mark_ready(slot);
}

void Stream::set_nodelay(bool on) {
  ConnectionSlot& slot = slot_of(*this);
  slot.tcp.set_nodelay(on);
  slot.shard.mark_ready(slot);
}

void Stream::set_traffic_class(std::uint8_t value) {
  slot_of(*this).traffic_class = value & ~kEcnBits;
}

void Stream::set_max_segment(std::uint32_t bytes) {
  ConnectionSlot& slot = slot_of(*this);
  slot.tcp.set_max_segment(bytes);
  slot.shard.mark_ready(slot);
}

void Stream::set_receive_buffer(std::uint32_t bytes) {
  ConnectionSlot& slot = slot_of(*this);
  slot.tcp.set_receive_buffer(std::clamp(bytes, kLeastBufferBytes, kMostBufferBytes));
  slot.shard.mark_ready(slot);
}

void Stream::set_send_buffer(std::uint32_t bytes) {
  ConnectionSlot& slot = slot_of(*this);
  slot.tcp.set_send_buffer(std::clamp(bytes, kLeastBufferBytes, kMostBufferBytes));
  slot.shard.mark_ready(slot);
}

void Stream::set_unsent_low_water(std::uint32_t bytes) {
  ConnectionSlot& slot = slot_of(*this);
  slot.tcp.set_unsent_low_water(bytes == 0 ? UINT32_MAX : bytes);
  slot.shard.mark_ready(slot);
}

void Stream::set_congestion(tcp::Algorithm algorithm) {
  ConnectionSlot& slot = slot_of(*this);
  slot.tcp.set_congestion(algorithm, slot.shard.now_);
  slot.shard.mark_ready(slot);
}

void Stream::set_keepalive(Duration idle) {
  ConnectionSlot& slot = slot_of(*this);
  slot.tcp.set_keepalive(idle, slot.shard.now_);
  slot.shard.mark_ready(slot);
}

void Stream::set_user_timeout(Duration timeout) {
  slot_of(*this).tcp.set_user_timeout(timeout);
}

StreamId Stream::id() const {
  const ConnectionSlot& slot = slot_of(*this);
  return slot.shard.id_of(slot);
}

const FlowKey& Stream::flow() const {
  return slot_of(*this).flow_key;
}

Instant Stream::began() const {
  return slot_of(*this).began;
}

tcp::Snapshot Stream::snapshot() const {
  return slot_of(*this).tcp.snapshot();
}

StreamStats Stream::stats() const {
  const tcp::Connection& tcp = slot_of(*this).tcp;
  StreamStats stats;
  stats.state = tcp.state();
  stats.congestion = tcp.congestion().name();
  stats.congestion_window = tcp.congestion().window();
  stats.in_flight = tcp.pipe();
  stats.receive_buffer = tcp.receive_buffer_bytes();
  stats.send_buffer = tcp.send_buffer_bytes();
  stats.smoothed_rtt_us = tcp.rtt().smoothed().us();
  stats.counters = tcp.counters();
  return stats;
}

}  // namespace sluice
