#include "tests/sim/link.hpp"

#include <algorithm>

#include "tests/sim/segmenter.hpp"

namespace sluice::sim {
namespace {

constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;

Duration transmission_time(std::size_t bytes, std::uint64_t rate_bits) {
  if (rate_bits == 0) return {};
  const auto bits = static_cast<std::int64_t>(bytes) * 8;
  return Duration::nanoseconds(bits * kNanosecondsPerSecond / static_cast<std::int64_t>(rate_bits));
}

Duration fraction(Rng& rng, Duration most) {
  if (most <= Duration()) return {};
  return Duration::nanoseconds(
      static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(most.ns()))));
}

}  // namespace

bool Link::loses() {
  if (burst_left_ > 0) {
    --burst_left_;
    return true;
  }
  if (!rng_.chance(options_.loss)) return false;
  if (rng_.chance(options_.burst)) burst_left_ = static_cast<std::uint32_t>(rng_.between(1, 12));
  return true;
}

// One byte, never two: the Internet checksum finds every burst of less than 16 bits, and more than
// that may cancel out.
void Link::damage(Delivery& delivery) {
  const std::size_t first = wire::kVirtioNetHeaderSize;
  const std::size_t at = first + rng_.below(delivery.packet.size() - first);
  delivery.packet[at] ^= static_cast<std::uint8_t>(rng_.between(1, 255));
  delivery.is_corrupt = true;
  ++counters_.corrupted;
}

void Link::flip_payload(PacketBytes& packet) {
  if (packet.size() < 500) return;
  packet[packet.size() - 1 - rng_.below(100)] ^= 1;
  fix_sums(packet);
}

void Link::put(const Delivery& delivery, Instant at) {
  under_way_.emplace(at, delivery);
}

void Link::send(PacketBytes packet, Instant now) {
  ++counters_.sent;
  departures_.erase(departures_.begin(), departures_.upper_bound(now));
  if (departures_.size() >= options_.queue_packets) {
    ++counters_.queue_full;
    return;
  }
  free_at_ = std::max(free_at_, now) + transmission_time(packet.size(), options_.rate_bits);
  departures_.emplace(free_at_, 0);
  Instant arrival = free_at_ + options_.delay;
  Delivery delivery{std::move(packet), false};
  const bool faulty = now < options_.faults_until;
  if (faulty) {
    if (loses()) {
      ++counters_.lost;
      return;
    }
    if (rng_.chance(options_.corrupt)) damage(delivery);
    if (options_.flip_and_fix) flip_payload(delivery.packet);
    arrival = arrival + fraction(rng_, options_.jitter);
    if (rng_.chance(options_.duplicate)) {
      ++counters_.duplicated;
      put(delivery, arrival + fraction(rng_, options_.reorder_delay));
    }
    if (rng_.chance(options_.reorder)) {
      ++counters_.reordered;
      arrival = arrival + fraction(rng_, options_.reorder_delay);
    }
  }
  put(delivery, arrival);
}

Instant Link::next_delivery() const {
  return under_way_.empty() ? Instant::never() : under_way_.begin()->first;
}

std::optional<Delivery> Link::take(Instant now) {
  if (next_delivery() > now) return std::nullopt;
  Delivery delivery = std::move(under_way_.begin()->second);
  under_way_.erase(under_way_.begin());
  ++counters_.delivered;
  return delivery;
}

}  // namespace sluice::sim
