// Packets of no connection, on their way out: whole, cut into datagrams, or in fragments.
#include <algorithm>
#include <cstring>

#include "dataplane/shard/shard.hpp"
#include "proto/wire/fragment.hpp"

namespace sluice {
namespace {

// The transport's header that a first fragment begins with: of UDP as of ICMP.
constexpr std::uint32_t kFirstHeader = wire::kUdpHeader;
static_assert(kFirstHeader == wire::kIcmpHeader);
static_assert(kHeaderRoom >= wire::kVirtioNetHeaderSize + wire::kIpv6Header +
                                 wire::kFragmentHeader + kFirstHeader);

// How much of the packet an error quotes: as much as keeps the error below what every path carries
// (RFC 1812 4.3.2.3, RFC 4443 R4443-2).
constexpr std::uint32_t kQuoteV4 = 576 - wire::kIpv4MinHeader - wire::kIcmpHeader;
constexpr std::uint32_t kQuoteV6 = 1280 - wire::kIpv6Header - wire::kIcmpHeader;

// In one packet for the device to cut: Linux refuses more (UDP_MAX_SEGMENTS, later 128).
constexpr std::uint32_t kMostDatagrams = 64;

}  // namespace

OutPacket* Shard::new_reply(const IpAddress& from, const IpAddress& to, std::uint8_t protocol) {
  OutPacket* const reply = replies_.push();
  if (reply == nullptr) {
    ++stats_.replies_dropped;
    return nullptr;
  }
  reply->ip.source = from;
  reply->ip.destination = to;
  reply->ip.protocol = protocol;
  reply->ip.hop_limit = options_.hop_limit;
  return reply;
}

void Shard::reply_with_reset(const FlowKey& flow, const wire::TcpHeader& reset) {
  OutPacket* const reply = new_reply(flow.local, flow.remote, wire::kProtocolTcp);
  if (reply == nullptr) return;
  reply->tcp = reset;
  ++stats_.resets_sent;
}

void Shard::reply_with_ack(const FlowKey& flow, const tcp::TimeWait& rest, IpMarks marks) {
  OutPacket* const reply = new_reply(flow.local, flow.remote, wire::kProtocolTcp);
  if (reply == nullptr) return;
  reply->ip.hop_limit = marks.hop_limit;
  reply->ip.traffic_class = marks.traffic_class;
  reply->tcp = rest.next_ack(now_);
  reply->tcp.source_port = flow.local_port;
  reply->tcp.destination_port = flow.remote_port;
}

// RFC 1122 3.2.2, RFC 4443 R4443-4: limited in rate; the caller knows that `ip` is no error itself,
// and that both addresses are single hosts'.
void Shard::reply_with_error(const Slice& ip, const IpAddress& from, const IpAddress& to,
                             const wire::IcmpHeader& error) {
  if (!errors_.try_take(now_)) return;
  const bool v4 = to.is_v4();
  OutPacket* const reply = new_reply(from, to, v4 ? wire::kProtocolIcmp : wire::kProtocolIcmpV6);
  if (reply == nullptr) return;
  reply->icmp = error;
  reply->payload = ip.front(std::min(ip.size(), v4 ? kQuoteV4 : kQuoteV6));
  ++stats_.errors_sent;
}

void Shard::fill_from(OutQueue& queue, TxBatch& batch, std::uint32_t& budget) {
  while (budget > 0 && !queue.empty()) {
    TxPacket* const packet = batch.claim();
    if (packet == nullptr) return;
    if (build_next(*packet, queue.front())) queue.pop();
    batch.push(*packet);
    ++stats_.packets_out;
    --budget;
  }
}

// True when nothing of `out` is left.
bool Shard::build_next(TxPacket& packet, OutPacket& out) {
  const std::uint32_t mtu = out.mtu != 0 ? std::min(out.mtu, options_.mtu) : options_.mtu;
  const std::uint32_t room =
      mtu - static_cast<std::uint32_t>(wire::ip_header_length(out.ip.destination));
  const bool fits = out.segment_bytes > 0 || kFirstHeader + out.payload.size() <= room;
  if (!fits || out.fragment_offset > 0) {
    build_fragment(packet, out, room);
    return out.payload.empty();
  }
  const std::uint32_t datagrams = options_.datagram_offload ? kMostDatagrams : 1;
  const std::uint32_t most =
      out.segment_bytes > 0 ? out.segment_bytes * datagrams : out.payload.size();
  Slice payload = out.payload.front(std::min(most, out.payload.size()));
  out.payload.drop_front(payload.size());
  packet.set_header(
      build_whole(packet.header, out, payload, out.segment_bytes, !options_.checksum_offload));
  if (!payload.empty()) packet.add_piece(std::move(payload));
  return out.payload.empty();
}

// Headers for `payload`, the length of which is returned.
std::uint32_t Shard::build_whole(MutableBytes headers, const OutPacket& out, const Slice& payload,
                                 std::uint16_t segment_bytes, bool complete_sums) const {
  wire::PayloadFacts facts{payload.size(), segment_bytes, nullptr};
  wire::Checksum sum;
  if (complete_sums) {
    sum.add(payload.bytes());
    facts.payload_sum = &sum;
  }
  std::size_t length = 0;
  switch (out.ip.protocol) {
    case wire::kProtocolTcp:
      length = wire::build_tcp_packet(headers, out.ip, out.tcp, facts);
      break;
    case wire::kProtocolUdp:
      length = wire::build_udp_packet(headers, out.ip, out.udp, facts);
      break;
    default: length = wire::build_icmp_packet(headers, out.ip, out.icmp, payload.bytes());
  }
  return static_cast<std::uint32_t>(length);
}

// The next piece, of at most `room` bytes behind the IP header. RFC 791 3.2, RFC 8200 4.5
void Shard::build_fragment(TxPacket& packet, OutPacket& out, std::uint32_t room) {
  if (out.ip.destination.is_v6()) room -= std::uint32_t{wire::kFragmentHeader};
  std::array<std::uint8_t, wire::kMaxHeaders> whole;
  std::uint32_t header = 0;
  if (out.fragment_offset == 0) {
    out.fragment_identification = next_identification(out.ip.destination.is_v4());
    header = kFirstHeader;
  }
  const std::uint32_t length = std::min((room & ~7U) - header, out.payload.size());
  const wire::FragmentFields fragment{out.fragment_identification, out.fragment_offset,
                                      length < out.payload.size()};
  const std::size_t headers =
      wire::build_fragment(packet.header, out.ip, fragment, header + length);
  if (header > 0) {
    const std::uint32_t end = build_whole(whole, out, out.payload, 0, true);
    std::memcpy(packet.header.data() + headers, whole.data() + end - header, header);
  }
  packet.set_header(static_cast<std::uint32_t>(headers) + header);
  packet.add_piece(out.payload.front(length));
  out.payload.drop_front(length);
  out.fragment_offset += header + length;
  ++stats_.fragments_out;
}

// Each shard has a share of the numbers for itself. RFC 6864 4.3
std::uint32_t Shard::next_identification(bool v4) {
  const std::uint64_t share = (std::uint64_t{1} << (v4 ? 16 : 32)) / options_.ownership.shards;
  return static_cast<std::uint32_t>(options_.worker * share + identification_++ % share);
}

}  // namespace sluice
