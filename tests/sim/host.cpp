#include "tests/sim/host.hpp"

#include <algorithm>
#include <cstring>

namespace sluice::sim {

namespace {
constexpr std::uint32_t kFrameBytes = wire::kVirtioNetHeaderSize + 65'535;
}  // namespace

Host::Host(const HostOptions& options, PacketTaker& taker, Verdict& verdict, Instant now)
    : options_(options),
      taker_(taker),
      verdict_(verdict),
      frames_(options.frames, kFrameBytes, options.frame_reserve),
      blocks_(options.blocks, options.block_bytes, options.blocks / 8),
      nodes_(options.nodes, options.nodes / 8),
      sent_(options.nodes / 2),
      resources_{blocks_, nodes_, sent_},
      batch_(options.tx_slots),
      shard_(options.shard, resources_, now),
      now_(now) {}

Host::~Host() {
  complete_slots(true);
}

void Host::receive(Delivery delivery) {
  if (queue_.size() >= options_.queue_packets) {
    ++queue_drops_;
    return;
  }
  queue_.push_back(std::move(delivery));
}

void Host::schedule(Instant at, std::function<void()> work) {
  work_.emplace(at, std::move(work));
}

std::string Host::describe_memory() const {
  const auto part = [](const char* name, std::uint64_t free, std::uint64_t all) {
    return std::string(" ") + name + " " + std::to_string(free) + "/" + std::to_string(all);
  };
  return "free" + part("frames", frames_.free_count(), frames_.size()) +
         part("blocks", blocks_.free_count(), blocks_.size()) +
         part("nodes", nodes_.free_count(), nodes_.size()) +
         part("slots", batch_.free_count(), batch_.slots());
}

bool Host::is_quiet() const {
  return queue_.empty() && in_kernel_.empty() && work_.empty() && !shard_.has_output() &&
         shard_.connections() == 0;
}

Instant Host::next_turn() const {
  Instant next = shard_.next_deadline();
  if (!work_.empty()) next = std::min(next, work_.begin()->first);
  const bool busy = !queue_.empty() || !in_kernel_.empty() || shard_.has_output();
  const Instant soonest = now_ + options_.turn_time;
  return busy ? soonest : std::max(next, soonest);
}

// False when no frame was free: the packet waits in the device.
bool Host::take_packet(const Delivery& delivery) {
  Frame* const frame = frames_.take();
  if (frame == nullptr) return false;
  std::memcpy(frame->data, delivery.packet.data(), delivery.packet.size());
  const Slice whole(*frame, 0, static_cast<std::uint32_t>(delivery.packet.size()));
  if (options_.leak_frame && leaked_.empty()) leaked_ = whole;
  Slice ip = whole;
  ip.drop_front(wire::kVirtioNetHeaderSize);
  const wire::VirtioNetHeader offload = wire::parse_virtio_net(whole.bytes());
  wire::Packet packet;
  const DropReason reason = wire::parse_packet(ip.bytes(), offload, packet);
  if (reason != DropReason::none) {
    shard_.count_drop(reason);
    if (!delivery.is_corrupt) {
      verdict_.fail("a good packet was refused: " + std::string(drop_reason_name(reason)));
    }
    return true;
  }
  taker_.on_taken(packet);
  shard_.on_packet(ip, packet, now_);
  return true;
}

void Host::complete_slots(bool all) {
  while (!in_kernel_.empty()) {
    const Held& held = in_kernel_.front();
    if (!all && held.turn + options_.completion_turns > turns_) return;
    batch_.complete(*held.packet);
    in_kernel_.pop_front();
  }
}

void Host::send_pushed(std::vector<PacketBytes>& out) {
  for (TxPacket* const packet : batch_.pushed()) {
    PacketBytes bytes;
    bytes.reserve(packet->length);
    for (const iovec& piece : packet->iovecs()) {
      const auto* const from = static_cast<const std::uint8_t*>(piece.iov_base);
      bytes.insert(bytes.end(), from, from + piece.iov_len);
    }
    if (bytes.size() != packet->length) verdict_.fail("a slot's length is not that of its pieces");
    out.push_back(std::move(bytes));
    in_kernel_.push_back({turns_, packet});
  }
  batch_.forget_pushed();
  complete_slots(false);
}

// With many connections not after every turn: it looks at all of them.
void Host::check_invariants() {
  const std::uint32_t connections = shard_.connections();
  if (connections < 8 || turns_ % 16 == 0) shard_.check_invariants();
}

bool Host::turn(Instant now, std::vector<PacketBytes>& out) {
  now_ = now;
  ++turns_;
  complete_slots(false);
  const std::size_t sent_before = out.size();
  std::uint32_t received = 0;
  while (received < options_.packets_per_turn && !queue_.empty()) {
    if (!take_packet(queue_.front())) break;
    queue_.pop_front();
    ++received;
  }
  while (!work_.empty() && work_.begin()->first <= now) {
    auto work = std::move(work_.begin()->second);
    work_.erase(work_.begin());
    shard_.on_command(PostCommand{std::move(work)}, now);
  }
  shard_.on_time(now);
  shard_.fill(batch_, now);
  send_pushed(out);
  check_invariants();
  return received > 0 || out.size() > sent_before;
}

}  // namespace sluice::sim
