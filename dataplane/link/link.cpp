#include "dataplane/link/link.hpp"

#include <algorithm>

#include "dataplane/link/segmenter.hpp"
#include "proto/wire/virtio_net.hpp"

namespace sluice {
namespace {

constexpr std::uint64_t kNanosecondsPerSecond = 1'000'000'000;
constexpr std::uint32_t kVirtio = wire::kVirtioNetHeaderSize;

// What another link has damaged stays as it is: a second damage might hide the first, and a new sum
// would.
bool may_change(const LinkPacket& packet) {
  return packet.whole.frame()->slices == 1 && !packet.is_corrupt;
}

MutableBytes writable(const Slice& whole) {
  return {whole.frame()->data + whole.offset(), whole.size()};
}

}  // namespace

Link::Link(const LinkOptions& options, std::uint32_t most_packets, std::uint64_t seed)
    : options_(options),
      rng_(seed),
      most_packets_(most_packets),
      in_order_(most_packets),
      departures_(most_packets) {
  heap_.reserve(most_packets);
}

Duration Link::draw(Duration most) {
  if (most <= Duration()) return {};
  return Duration::nanoseconds(
      static_cast<std::int64_t>(rng_.below(static_cast<std::uint64_t>(most.ns()))));
}

// Gilbert's model: all is lost in the bad state. It is left with 1/length, and entered so often
// that in the long run the share of packets asked for finds the link in it.
bool Link::loses() {
  if (!options_.is_up) return true;
  if (options_.loss_every != 0 && ++since_loss_ >= options_.loss_every) {
    since_loss_ = 0;
    return true;
  }
  const double leave = 1 / options_.burst_length;
  const double enter = leave * options_.burst_loss / (1 - options_.burst_loss);
  in_burst_ = in_burst_ ? !rng_.chance(leave) : rng_.chance(enter);
  return in_burst_ || rng_.chance(options_.loss);
}

void Link::let_depart(Instant now) {
  while (!departures_.empty() && departures_.front().at <= now) {
    backlog_bytes_ -= departures_.pop_front().bytes;
  }
}

// Sets free_at_. False when the queue is full.
bool Link::enqueue(std::uint32_t bytes, Instant now) {
  let_depart(now);
  if (options_.rate_bits == 0) {
    free_at_ = std::max(free_at_, now);
    return true;
  }
  const std::size_t waiting = departures_.size();
  const bool too_many = options_.queue_packets != 0 && waiting >= options_.queue_packets;
  const bool too_long = options_.queue_bytes != 0 && backlog_bytes_ + bytes > options_.queue_bytes;
  if (too_many || too_long || waiting == most_packets_) return false;
  if (free_at_ < now) {
    free_at_ = now;
    rest_ = 0;
  }
  rest_ += std::uint64_t{bytes} * 8 * kNanosecondsPerSecond;
  free_at_ =
      free_at_ + Duration::nanoseconds(static_cast<std::int64_t>(rest_ / options_.rate_bits));
  rest_ %= options_.rate_bits;
  departures_.push_back({free_at_, bytes});
  backlog_bytes_ += bytes;
  return true;
}

void Link::mark(const LinkPacket& packet) {
  if (options_.mark_bytes == 0 || backlog_bytes_ <= options_.mark_bytes) return;
  if (may_change(packet) && mark_congestion(writable(packet.whole))) ++counters_.marked;
}

// One byte, never two: the Internet checksum finds every burst of less than 16 bits, and more than
// that may cancel out.
void Link::damage(LinkPacket& packet) {
  if (!may_change(packet)) return;
  const MutableBytes ip = writable(packet.whole).subspan(kVirtio);
  ip[rng_.below(ip.size())] ^= static_cast<std::uint8_t>(rng_.between(1, 255));
  packet.is_corrupt = true;
  ++counters_.corrupted;
}

void Link::hold_back(LinkPacket packet, Instant at) {
  heap_.push_back({at, next_number_++, std::move(packet)});
  std::push_heap(heap_.begin(), heap_.end());
}

Link::Fate Link::send(LinkPacket packet, Instant now) {
  ++counters_.sent;
  const std::uint32_t bytes = packet.whole.size() - kVirtio;
  if (bytes > options_.mtu) {
    ++counters_.too_big;
    return Fate::too_big;
  }
  if (under_way() == most_packets_ || !enqueue(bytes, now)) {
    ++counters_.queue_full;
    return Fate::queue_full;
  }
  if (loses()) {
    ++counters_.lost;
    return Fate::lost;
  }
  mark(packet);
  if (rng_.chance(options_.corrupt)) damage(packet);
  Instant arrival = free_at_ + options_.delay + draw(options_.jitter);
  arrival = std::max(arrival, last_in_order_);
  if (rng_.chance(options_.duplicate) && under_way() + 1 < most_packets_) {
    ++counters_.duplicated;
    hold_back(packet, arrival + draw(options_.reorder_delay));
  }
  if (rng_.chance(options_.reorder)) {
    ++counters_.reordered;
    hold_back(std::move(packet), arrival + draw(options_.reorder_delay));
  } else {
    last_in_order_ = arrival;
    in_order_.push_back({arrival, next_number_++, std::move(packet)});
  }
  return Fate::on_its_way;
}

std::optional<LinkPacket> Link::take(Instant now) {
  if (next_delivery() > now) return std::nullopt;
  LinkPacket packet;
  if (heap_.empty() || (!in_order_.empty() && heap_.front() < in_order_.front())) {
    packet = in_order_.pop_front().packet;
  } else {
    std::pop_heap(heap_.begin(), heap_.end());
    packet = std::move(heap_.back().packet);
    heap_.pop_back();
  }
  ++counters_.delivered;
  counters_.delivered_bytes += packet.whole.size() - kVirtio;
  return packet;
}

}  // namespace sluice
