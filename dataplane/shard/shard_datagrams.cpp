// Fragments and UDP.
#include <algorithm>
#include <cstring>
#include <utility>

#include "dataplane/shard/shard.hpp"

namespace sluice {

// --- fragments --------------------------------------------------------------------------------

namespace {

// Whether a first fragment, which holds all its headers, is of an ICMP error: never answered by
// another. RFC 1122 3.2.2, RFC 4443 2.4 (e)
bool is_error(Bytes first, wire::IpHeader header) {
  header.is_fragment = false;
  const bool v6 = header.source.is_v6();
  if (v6 && wire::skip_extensions(first, header) != DropReason::none) return true;
  if (header.protocol != (v6 ? wire::kProtocolIcmpV6 : wire::kProtocolIcmp)) return false;
  const std::uint8_t type = first[header.payload_offset];
  return v6 ? wire::icmp_v6::is_error(type) : wire::icmp_v4::is_error(type);
}

}  // namespace

Slice Shard::join(const Slice& fragment, Instant now) {
  now_ = now;
  DropReason reason = DropReason::fragment_limit;
  Slice whole;
  if (reassembly_) whole = reassembly_->on_fragment(fragment.bytes(), now, reason);
  if (whole.empty() && reason != DropReason::none) count_drop(reason);
  return whole;
}

// RFC 1122 R1122-4, RFC 8200 R8200-7
void Shard::expire_fragments() {
  Slice first;
  while (reassembly_->next_expired(now_, first)) {
    count_drop(DropReason::fragment_timeout);
    wire::IpHeader header;
    if (first.empty() || wire::parse_ip(first.bytes(), header) != DropReason::none) continue;
    const bool is_ours = local_.contains(header.destination) && local_.may_be_peer(header.source);
    if (!is_ours || is_error(first.bytes(), header)) continue;
    const bool v4 = header.destination.is_v4();
    reply_with_error(
        first, header.destination, header.source,
        {.type = v4 ? wire::icmp_v4::kTimeExceeded : wire::icmp_v6::kTimeExceeded, .code = 1});
    first = Slice();
  }
}

// --- in ---------------------------------------------------------------------------------------

DropReason Shard::on_udp(const Slice& ip, const wire::Packet& packet) {
  const FlowKey flow = flow_of(packet);
  DatagramEntry* const socket = find_socket(flow);
  Slice whole = ip.front(packet.payload_offset + packet.payload_length);
  if (socket == nullptr) {  // RFC 1122 R1122-10, RFC 4443 R4443-6
    const bool v4 = flow.local.is_v4();
    reply_with_error(
        whole, flow.local, flow.remote,
        {.type = v4 ? wire::icmp_v4::kUnreachable : wire::icmp_v6::kUnreachable,
         .code = v4 ? wire::icmp_v4::kPortUnreachable : wire::icmp_v6::kPortUnreachable});
    return DropReason::udp_unreachable;
  }
  whole.drop_front(packet.payload_offset);
  Datagram datagram{flow, std::move(whole), 0};
  if (packet.gso_size == 0 || packet.gso_size >= packet.payload_length) {
    ++stats_.datagrams_in;
    socket->events.on_datagram(*socket, datagram);
  } else {
    datagram.segment_bytes = packet.gso_size;
    stats_.datagrams_in += (packet.payload_length + packet.gso_size - 1U) / packet.gso_size;
    socket->events.on_datagrams(*socket, datagram);
  }
  return DropReason::none;
}

DropReason Shard::on_udp_error(const FlowKey& flow, tcp::PathError error, std::uint32_t mtu) {
  DatagramEntry* const socket = find_socket(flow);
  if (socket == nullptr) return DropReason::icmp_unknown_flow;
  socket->events.on_path_error(*socket, flow, error, mtu);
  return DropReason::none;
}

DatagramEntry* Shard::find_socket(const FlowKey& flow) const {
  return sockets_.find_best(flow.local_port,
                            [&flow](const DatagramEntry& socket) { return socket.fit(flow); });
}

void DatagramEvents::on_path_error(DatagramSocket& socket, const FlowKey& flow,
                                   tcp::PathError error, std::uint32_t /*mtu*/) {
  if (tcp::is_hard(error)) on_refused(socket, flow);
}

void DatagramEvents::on_datagrams(DatagramSocket& socket, const Datagram& several) {
  Datagram one{several.flow, {}, 0};
  for (Slice rest = several.payload; !rest.empty(); rest.drop_front(one.payload.size())) {
    one.payload = rest.front(std::min<std::uint32_t>(rest.size(), several.segment_bytes));
    on_datagram(socket, one);
  }
}

// --- out --------------------------------------------------------------------------------------

namespace {

DatagramEntry& entry_of(DatagramSocket& socket) {
  return static_cast<DatagramEntry&>(socket);
}

}  // namespace

bool DatagramSocket::send(const FlowKey& flow, Slice payload, std::uint16_t segment_bytes) {
  DatagramEntry& entry = entry_of(*this);
  return entry.shard.send_datagram(entry, flow, std::move(payload), segment_bytes);
}

bool DatagramSocket::send(const FlowKey& flow, Bytes payload, std::uint16_t segment_bytes) {
  Slice copy = entry_of(*this).shard.copy_of(payload);
  return copy.size() == payload.size() && send(flow, std::move(copy), segment_bytes);
}

void DatagramSocket::set_traffic_class(std::uint8_t value) {
  entry_of(*this).traffic_class = value;
}

void DatagramSocket::set_dont_fragment(bool on) {
  entry_of(*this).refuses_fragments = on;
}

std::uint32_t DatagramSocket::worker() const {
  return static_cast<const DatagramEntry&>(*this).shard.options_.worker;
}

bool Shard::send_datagram(DatagramEntry& socket, const FlowKey& flow, Slice payload,
                          std::uint16_t segment_bytes) {
  constexpr std::size_t kMaxPacket = 65'535;
  const IpAddress& to = flow.remote;
  const std::size_t headers = wire::ip_header_length(to) + wire::kUdpHeader;
  const bool usable = local_.contains(flow.local) && flow.local.is_v4() == to.is_v4() &&
                      flow.remote_port != 0 && is_one_hosts(to);
  const bool is_whole = socket.refuses_fragments && segment_bytes == 0;
  const std::size_t most = is_whole ? options_.mtu : kMaxPacket;
  if (!usable || payload.size() + headers > most || segment_bytes + headers > options_.mtu) {
    return false;
  }
  OutPacket* const out = datagrams_.push();
  if (out == nullptr) {
    socket.waits_for_room = true;
    sockets_wait_ = true;
    return false;
  }
  out->ip.source = flow.local;
  out->ip.destination = to;
  out->ip.protocol = wire::kProtocolUdp;
  out->ip.hop_limit = socket.hop_limit;
  out->ip.traffic_class = socket.traffic_class;
  out->ip.dont_fragment = socket.dont_fragment;
  out->mtu = socket.mtu;
  out->udp.source_port = socket.options.port;
  out->udp.destination_port = flow.remote_port;
  const bool several = segment_bytes > 0 && payload.size() > segment_bytes;
  out->segment_bytes = several ? segment_bytes : std::uint16_t{0};
  stats_.datagrams_out += several ? (payload.size() + segment_bytes - 1) / segment_bytes : 1;
  out->payload = std::move(payload);
  return true;
}

// Empty when there is no memory.
Slice Shard::copy_of(Bytes bytes) {
  Slice copy = room_for(static_cast<std::uint32_t>(bytes.size()));
  if (!copy.empty()) std::memcpy(copy.frame()->data, bytes.data(), bytes.size());
  return copy;
}

// In a block if that is large enough.
Slice Shard::room_for(std::uint32_t size) {
  if (size == 0) return {};
  for (FrameSource* const source : {&resources_.blocks, options_.frames}) {
    Frame* const frame = source == nullptr ? nullptr : source->take();
    if (frame == nullptr) continue;
    Slice room(*frame, 0, std::min(size, frame->capacity));
    if (room.size() == size) return room;
  }
  return {};
}

void Shard::tell_writable() {
  if (datagrams_.room() < options_.max_datagrams / 2) return;
  sockets_wait_ = false;
  sockets_.for_each([](DatagramEntry& socket) {
    if (std::exchange(socket.waits_for_room, false)) socket.events.on_writable(socket);
  });
}

}  // namespace sluice
