#include "dataplane/sim/core.hpp"

#include <algorithm>
#include <cstring>

#include "dataplane/sim/host.hpp"

namespace sluice::sim {
namespace {

constexpr std::uint32_t kFrameBytes = wire::kVirtioNetHeaderSize + 65'535;

ShardOptions shard_of(const HostOptions& options, std::uint32_t number) {
  ShardOptions shard = options.shard;
  shard.worker = number;
  shard.ownership.shards = options.cores;
  shard.secrets.seed += number;
  return shard;
}

}  // namespace

Core::Core(const HostOptions& options, std::uint32_t number, Host& host, Instant now)
    : options_(options),
      host_(host),
      frames_(options.frames, kFrameBytes, options.frame_reserve),
      blocks_(options.blocks, options.block_bytes, options.block_reserve),
      nodes_(options.nodes, options.nodes / 8),
      sent_(options.sent_segments),
      resources_{blocks_, nodes_, sent_},
      batch_(options.tx_slots),
      shard_(std::make_unique<Shard>(shard_of(options, number), resources_, now)),
      now_(now) {}

Core::~Core() {
  close();
}

void Core::close() {
  complete_slots(true);
  inbox_.clear();
  queue_.clear();
  work_.clear();
  leaked_ = Slice();
  shard_.reset();
}

void Core::receive(LinkPacket packet) {
  if (queue_.empty()) is_stale_ = true;
  if (queue_.size() < options_.queue_packets) queue_.push_back(std::move(packet));
}

void Core::schedule(Instant at, std::function<void()> work) {
  work_.emplace(at, std::move(work));
  is_stale_ = true;
}

std::string Core::describe_memory() const {
  const auto part = [](const char* name, std::uint64_t free, std::uint64_t all) {
    return std::string(" ") + name + " " + std::to_string(free) + "/" + std::to_string(all);
  };
  return "free" + part("frames", frames_.free_count(), frames_.size()) +
         part("blocks", blocks_.free_count(), blocks_.size()) +
         part("nodes", nodes_.free_count(), nodes_.size()) +
         part("sent", sent_.free_count(), sent_.size()) +
         part("slots", batch_.free_count(), batch_.slots());
}

bool Core::is_quiet() const {
  return queue_.empty() && inbox_.empty() && in_kernel_.empty() && work_.empty() &&
         !shard_->has_output() && shard_->connections() == 0;
}

void Core::find_next_turn() const {
  Instant next = host_.forgets_timers() ? Instant::never() : shard_->next_deadline();
  if (!work_.empty()) next = std::min(next, work_.begin()->first);
  const bool busy = has_left_packets_ || !inbox_.empty() || !in_kernel_.empty() ||
                    shard_->has_output() || host_.has_planted(Fault::restless_timer);
  if (busy) next = now_;
  if (!queue_.empty()) next = std::min(next, now_ + options_.coalesce);
  next_turn_ = std::max(next, now_ + options_.turn_time);
  is_stale_ = false;
}

// False when no frame was free: the packet waits in the device.
bool Core::take_packet(const LinkPacket& arrived) {
  Frame* const frame = frames_.take();
  if (frame == nullptr) return false;
  std::memcpy(frame->data, arrived.whole.data(), arrived.whole.size());
  const Slice whole(*frame, 0, arrived.whole.size());
  if (host_.has_planted(Fault::lost_frame) && leaked_.empty()) leaked_ = whole;
  Slice ip = whole;
  ip.drop_front(wire::kVirtioNetHeaderSize);
  const wire::VirtioNetHeader offload = wire::parse_virtio_net(whole.bytes());
  wire::Packet packet;
  const DropReason reason = wire::parse_packet(ip.bytes(), offload, packet);
  if (reason != DropReason::none) {
    shard_->count_drop(reason);
    if (!arrived.is_corrupt) host_.refuse_good(reason);
    return true;
  }
  if (host_.admit({frame->data, arrived.whole.size()}, packet)) {
    wire::parse_packet(ip.bytes(), wire::VirtioNetHeader(), packet);
  }
  Core& owner = host_.core(shard_->owner_of(ip.bytes(), packet));
  if (&owner != this) {
    owner.hand_over(std::move(ip), packet);
    return true;
  }
  shard_->on_packet(ip, packet, now_);
  return true;
}

// From the device, then from other cores.
std::uint32_t Core::take_packets() {
  std::uint32_t received = 0;
  while (received < options_.packets_per_turn && !queue_.empty()) {
    if (!take_packet(queue_.front())) break;
    queue_.pop_front();
    ++received;
  }
  for (; !inbox_.empty(); inbox_.pop_front(), ++received) {
    shard_->on_packet(inbox_.front().ip, inbox_.front().packet, now_);
  }
  return received;
}

void Core::complete_slots(bool all) {
  while (!in_kernel_.empty()) {
    const Held& held = in_kernel_.front();
    if (!all && held.turn + options_.completion_turns > turns_) return;
    batch_.complete(*held.packet);
    in_kernel_.pop_front();
  }
}

bool Core::send_pushed() {
  const bool any = !batch_.empty();
  for (TxPacket* const packet : batch_.pushed()) {
    scratch_.clear();
    for (const iovec& piece : packet->iovecs()) {
      const auto* const from = static_cast<const std::uint8_t*>(piece.iov_base);
      scratch_.insert(scratch_.end(), from, from + piece.iov_len);
    }
    if (scratch_.size() != packet->length) host_.fail("a slot's length is not that of its pieces");
    host_.send(scratch_, now_);
    in_kernel_.push_back({turns_, packet});
  }
  batch_.forget_pushed();
  complete_slots(false);
  return any;
}

// With many connections not after every turn: it looks at all of them.
void Core::check_invariants() {
  const std::uint32_t rarity = shard_->connections() < 8 ? 1 : 16;
  if (turns_ % (std::uint64_t{rarity} * options_.turns_per_check) == 0) {
    shard_->check_invariants();
  }
}

void Core::do_work(Instant now) {
  while (!work_.empty() && work_.begin()->first <= now) {
    auto work = std::move(work_.begin()->second);
    work_.erase(work_.begin());
    shard_->on_command(PostCommand{std::move(work)}, now);
  }
}

bool Core::turn(Instant now) {
  now_ = now;
  is_stale_ = true;
  ++turns_;
  complete_slots(false);
  const std::uint32_t received = take_packets();
  has_left_packets_ = !queue_.empty();
  do_work(now);
  if (!host_.forgets_timers()) shard_->on_time(now);
  shard_->fill(batch_, now);
  const bool sent = send_pushed();
  check_invariants();
  return received > 0 || sent;
}

}  // namespace sluice::sim
