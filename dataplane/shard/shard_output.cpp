// A packet's way out: headers into a slot of the batch, payload by reference.
#include <algorithm>
#include <utility>

#include "dataplane/shard/shard.hpp"

namespace sluice {
namespace {

static_assert(kMaxPieces >= tcp::kMaxSegmentPieces);
static_assert(kHeaderRoom >= wire::kMaxHeaders);

// One turn's share: batching must not become delay, and no connection starves the others.
constexpr std::uint32_t kPacketsPerTurn = 64;
constexpr std::uint32_t kPacketsPerConnection = 8;

}  // namespace

void Shard::fill(TxBatch& batch, Instant now) {
  now_ = now;
  watch_memory();
  std::uint32_t budget = std::min(kPacketsPerTurn, batch.free_count());
  // Each at most half of what is left, so that no flood of them keeps connections from speaking.
  for (OutQueue* const queue : {&replies_, &datagrams_}) {
    std::uint32_t share = (budget + 1) / 2;
    budget -= share;
    fill_from(*queue, batch, share);
    budget += share;
  }
  if (sockets_wait_) tell_writable();
  IntrusiveList<ConnectionSlot, ReadyTag> later;
  while (budget > 0 && !ready_.empty()) {
    ConnectionSlot& slot = ready_.pop_front();
    if (fill_connection(slot, batch, budget)) later.push_back(slot);
  }
  ready_.append(later);
}

// True when the connection has more to say than its share allowed.
bool Shard::fill_connection(ConnectionSlot& slot, TxBatch& batch, std::uint32_t& budget) {
  dispatch(slot);  // what calls outside of callbacks have caused
  slot.ListNode<ReadyTag>::unlink();
  std::uint32_t share = std::min(budget, kPacketsPerConnection);
  bool is_done = false;
  while (share > 0 && !is_done) {
    TxPacket* const packet = batch.claim();
    if (packet == nullptr) break;
    is_done = !slot.tcp.next_segment(out_, now_);
    if (is_done) {
      batch.complete(*packet);
      break;
    }
    build(*packet, slot);
    batch.push(*packet);
    ++stats_.packets_out;
    --share;
    --budget;
  }
  out_.clear();
  if (is_done && slot.tcp.has_events()) dispatch(slot);  // sending has made room
  if (is_done && close_if_finished(slot)) return false;
  rearm(slot);
  return !is_done;
}

// Tells the application of the end, once it has read what there was. True when the slot is gone.
bool Shard::close_if_finished(ConnectionSlot& slot) {
  if (!slot.tcp.is_finished()) return false;
  if (slot.is_kept) {
    retire(slot);
    return true;
  }
  const bool reads_on = slot.events != nullptr && !slot.application_gone &&
                        slot.tcp.close_reason() == CloseReason::normal && slot.tcp.readable() > 0;
  if (reads_on) return false;
  if (slot.events != nullptr) slot.events->on_closed(slot, slot.tcp.close_reason());
  release(slot);
  return true;
}

// It has ended, but its slot is wanted: it leaves every list.
void Shard::retire(ConnectionSlot& slot) {
  leave_lists(slot);
  if (slot.events == nullptr || std::exchange(slot.told_closed, true)) return;
  slot.events->on_closed(slot, slot.tcp.close_reason());
}

void Shard::build(TxPacket& packet, ConnectionSlot& slot) {
  const FlowKey& flow = slot.flow_key;
  wire::IpFields ip;
  ip.source = flow.local;
  ip.destination = flow.remote;
  ip.protocol = wire::kProtocolTcp;
  ip.identification = slot.ip_identification++;
  ip.dont_fragment = slot.dont_fragment;
  ip.hop_limit = slot.hop_limit;
  ip.traffic_class = slot.traffic_class | out_.ecn;
  ip.flow_label = static_cast<std::uint32_t>(slot.flow_hash) & 0xfffff;
  out_.header.source_port = flow.local_port;
  out_.header.destination_port = flow.remote_port;
  wire::PayloadFacts payload;
  payload.length = out_.payload_length;
  payload.gso_size = out_.gso_size;
  wire::Checksum sum;
  if (!options_.checksum_offload) {
    for (std::uint32_t i = 0; i < out_.pieces; ++i) sum.add(out_.payload[i].bytes());
    payload.payload_sum = &sum;
  }
  const std::size_t length = wire::build_tcp_packet(packet.header, ip, out_.header, payload);
  packet.set_header(static_cast<std::uint32_t>(length));
  for (std::uint32_t i = 0; i < out_.pieces; ++i) packet.add_piece(std::move(out_.payload[i]));
}

}  // namespace sluice
