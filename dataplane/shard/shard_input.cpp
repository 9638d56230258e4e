// A packet's way in: from parsed values to the connection, the listener or an answer.
#include "dataplane/shard/shard.hpp"
#include "proto/tcp/listen.hpp"

namespace sluice {

void Shard::on_packet(const Slice& ip, const wire::Packet& packet, Instant now) {
  now_ = now;
  ++stats_.packets_in;
  const DropReason reason = admit(ip, packet);
  if (reason != DropReason::none) count_drop(reason);
}

void Shard::on_own_packet(const Slice& ip, const wire::Packet& packet, Instant now) {
  now_ = now;
  ++stats_.packets_in;
  const DropReason reason = route(ip, packet);
  if (reason != DropReason::none) count_drop(reason);
}

DropReason Shard::admit(const Slice& ip, const wire::Packet& packet) {
  const IpAddress& to = packet.destination;
  if (to.is_multicast() || to.is_broadcast()) return DropReason::multicast;  // RFC 9293 MUST-57
  if (packet.source == to) return DropReason::land_attack;
  if (!local_.contains(to)) return DropReason::not_for_us;  // RFC 1122 R1122-2
  if (!local_.may_be_peer(packet.source)) return DropReason::bad_source_address;
  return route(ip, packet);
}

DropReason Shard::route(const Slice& ip, const wire::Packet& packet) {
  switch (packet.protocol) {
    case wire::kProtocolTcp: return on_tcp(ip, packet);
    case wire::kProtocolIcmp:
    case wire::kProtocolIcmpV6: return on_icmp(ip, packet);
    case wire::kProtocolUdp: return on_udp(ip, packet);
    default: return DropReason::unknown_protocol;
  }
}

// --- TCP ------------------------------------------------------------------------------------

DropReason Shard::on_tcp(const Slice& ip, const wire::Packet& packet) {
  const FlowKey flow = flow_of(packet);
  Slice payload;
  if (packet.payload_length > 0) {
    payload = ip;
    payload.drop_front(packet.payload_offset);
    payload.keep_front(packet.payload_length);
  }
  tcp::Segment segment = tcp::make_segment(packet.tcp, std::move(payload), packet.gso_size);
  segment.is_marked = (packet.traffic_class & 3) == 3;  // RFC 3168 R3168-1
  segment.is_ecn_capable = (packet.traffic_class & 3) != 0;
  const FlowRef ref = find_flow(flow, hash_of(flow));
  if (ref.is_none()) return on_unknown_flow(flow, packet, segment, nullptr);
  if (ref.is_time_wait()) {
    return on_time_wait(time_waits_.at(ref.index()), flow, packet, segment);
  }
  return on_connection(slots_.at(ref.index()), std::move(segment));
}

namespace {

// What a listener's half-open connection waits for.
bool establishes(const tcp::Segment& segment) {
  return segment.has(wire::kAck) && !segment.has(wire::kSyn) && !segment.has(wire::kRst);
}

}  // namespace

DropReason Shard::on_connection(ConnectionSlot& slot, tcp::Segment segment) {
  if (slot.listener != nullptr && establishes(segment) && !slot.listener->has_room()) {
    return DropReason::backlog_full;
  }
  const DropReason reason = slot.tcp.on_segment(segment, now_);
  segment.payload = Slice();  // what the connection did not take goes home before callbacks run
  note_gap(slot);
  after_event(slot);
  return reason;
}

DropReason Shard::on_time_wait(TimeWaitEntry& entry, const FlowKey& flow,
                               const wire::Packet& packet, const tcp::Segment& segment) {
  using Action = tcp::TimeWait::Action;
  switch (entry.tcp.on_segment(segment, settings_)) {
    case Action::none: return DropReason::none;
    case Action::acknowledge:
      if (entry.tcp.may_acknowledge(segment, settings_, now_)) {
        reply_with_ack(flow, entry.tcp, entry.marks);
      }
      return DropReason::none;
    case Action::restart:
      reply_with_ack(flow, entry.tcp, entry.marks);
      time_waits_.restart(entry, now_ + settings_.time_wait);
      return DropReason::none;
    case Action::forget: forget_time_wait(entry); return DropReason::none;
    case Action::reopen: break;
  }
  // RFC 9293 MAY-2: only when somebody listens; otherwise the old connection keeps its rest.
  if (stopping_ || listeners_.find(flow.local, flow.local_port) == nullptr) {
    reply_with_ack(flow, entry.tcp, entry.marks);
    return DropReason::none;
  }
  const tcp::TimeWait previous = entry.tcp;
  forget_time_wait(entry);
  return on_unknown_flow(flow, packet, segment, &previous);
}

DropReason Shard::on_unknown_flow(const FlowKey& flow, const wire::Packet& packet,
                                  const tcp::Segment& segment, const tcp::TimeWait* previous) {
  ListenerEntry* const listener = listeners_.find(flow.local, flow.local_port);
  const tcp::ListenAction action = listener == nullptr
                                       ? tcp::ListenAction::reset
                                       : tcp::on_segment_in_listen(packet.tcp, settings_);
  switch (action) {
    case tcp::ListenAction::drop: return DropReason::tcp_no_ack;
    case tcp::ListenAction::accept: return on_syn(*listener, flow, segment, previous);
    case tcp::ListenAction::reset: break;
  }
  if (const auto reset = tcp::make_reset(packet.tcp, packet.payload_length, settings_)) {
    reply_with_reset(flow, *reset);
  }
  return DropReason::no_listener;
}

DropReason Shard::on_syn(ListenerEntry& listener, const FlowKey& flow, const tcp::Segment& syn,
                         const tcp::TimeWait* previous) {
  if (stopping_) return DropReason::stopping;
  if (listener.half_open >= listener.options.backlog || !listener.has_room()) {
    return DropReason::backlog_full;
  }
  if (!has_memory()) return DropReason::memory_short;
  ConnectionSlot* const slot = make_slot(flow, hash_of(flow));
  if (slot == nullptr) return DropReason::connection_limit;
  tcp::Identity identity = identity_of(flow);
  if (previous != nullptr) identity.iss = tcp::max(identity.iss, previous->minimum_iss());
  slot->listener = &listener;
  ++listener.half_open;
  prepare(*slot, listener.options.stream);
  if (listener.policy != nullptr) listener.policy->prepare(*slot);
  slot->tcp.open_passive(identity, syn, now_);
  mark_ready(*slot);
  return DropReason::none;
}

// --- ICMP -----------------------------------------------------------------------------------

DropReason Shard::on_icmp(const Slice& ip, const wire::Packet& packet) {
  const wire::IcmpHeader& icmp = packet.icmp;
  const bool v6 = packet.protocol == wire::kProtocolIcmpV6;
  if (icmp.type == (v6 ? wire::icmp_v6::kEcho : wire::icmp_v4::kEcho)) {  // RFC 1122 R1122-8
    OutPacket* const reply = new_reply(packet.destination, packet.source, packet.protocol);
    if (reply == nullptr) return DropReason::none;
    reply->icmp = icmp;
    reply->icmp.type = v6 ? wire::icmp_v6::kEchoReply : wire::icmp_v4::kEchoReply;
    reply->ip.traffic_class = packet.traffic_class;
    reply->payload = ip;
    reply->payload.drop_front(packet.payload_offset);
    reply->payload.keep_front(packet.payload_length);
    ++stats_.echo_replies;
    return DropReason::none;
  }
  const auto error = tcp::path_error_of(icmp, v6);
  if (!error) return DropReason::unhandled_icmp;  // RFC 9293 MUST-55: source quench, too
  return on_icmp_error(ip, packet, *error, v6 ? icmp.rest : icmp.rest & 0xffff);
}

// RFC 9293 MUST-54: directed to the connection that the error quotes.
DropReason Shard::on_icmp_error(const Slice& ip, const wire::Packet& packet, tcp::PathError error,
                                std::uint32_t mtu) {
  const Bytes quote = ip.bytes().subspan(packet.payload_offset, packet.payload_length);
  wire::QuotedSegment quoted;
  const bool v6 = packet.protocol == wire::kProtocolIcmpV6;
  if (!wire::parse_quote(quote, v6, quoted)) return DropReason::bad_icmp_header;
  const FlowKey flow = flow_of(quoted);
  if (quoted.protocol == wire::kProtocolUdp) return on_udp_error(flow, error, mtu);
  if (quoted.protocol != wire::kProtocolTcp) return DropReason::icmp_unknown_flow;
  const FlowRef ref = find_flow(flow, hash_of(flow));
  if (ref.is_none() || ref.is_time_wait()) return DropReason::icmp_unknown_flow;
  ConnectionSlot& slot = slots_.at(ref.index());
  if (error == tcp::PathError::packet_too_big && !slot.discovers_mtu) return DropReason::none;
  const DropReason reason = slot.tcp.on_path_error(error, tcp::Seq(quoted.sequence), mtu);
  after_event(slot);
  return reason;
}

}  // namespace sluice
