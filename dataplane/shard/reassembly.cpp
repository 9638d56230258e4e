#include "dataplane/shard/reassembly.hpp"

#include <algorithm>
#include <utility>

#include "proto/base/assert.hpp"

namespace sluice {

Reassembly::Reassembly(FrameSource& frames, const ReassemblyLimits& limits, Growth growth)
    : frames_(frames), limits_(limits), datagrams_(limits.max_datagrams, growth) {
  SLUICE_ASSERT(limits.max_datagrams > 0 && limits.max_per_source > 0);
}

Reassembly::~Reassembly() {
  clear();
}

Slice Reassembly::on_fragment(Bytes ip, Instant now, DropReason& reason) {
  wire::IpHeader fragment;
  reason = parse_fragment(ip, fragment);
  if (reason != DropReason::none) return {};
  PartialDatagram* datagram = oldest([&](const auto& partial) { return partial.has(fragment); });
  if (datagram == nullptr) datagram = begin(fragment, now);
  reason = datagram == nullptr ? DropReason::fragment_limit : datagram->on_fragment(ip, fragment);
  if (reason != DropReason::none || !datagram->is_whole()) return {};
  Slice packet = datagram->take_whole();
  remove(*datagram);
  ++counters_.joined;
  return packet;
}

bool Reassembly::next_expired(Instant now, Slice& first_fragment) {
  while (now >= next_deadline_ && !oldest_first_.empty()) {
    PartialDatagram& datagram =
        *oldest([now](const auto& partial) { return partial.deadline() <= now; });
    const bool was_spoiled = datagram.is_spoiled();
    first_fragment = datagram.first_fragment();
    remove(datagram);
    if (was_spoiled) continue;
    ++counters_.timed_out;
    return true;
  }
  return false;
}

void Reassembly::clear() {
  while (!oldest_first_.empty()) remove(oldest_first_.front());
}

template <class Predicate>
PartialDatagram* Reassembly::oldest(Predicate is_meant) {
  PartialDatagram* found = nullptr;
  oldest_first_.for_each([&](PartialDatagram& partial) {
    if (found == nullptr && is_meant(partial)) found = &partial;
  });
  return found;
}

// Null if there is no memory to spare.
PartialDatagram* Reassembly::begin(const wire::IpHeader& fragment, Instant now) {
  make_room_for(fragment.source);
  Frame* const frame = frames_.take();
  if (frame == nullptr) return nullptr;
  Slice pin(*frame, 0, 0);
  if (frame->home->is_scarce()) return nullptr;
  const Instant deadline = now + (fragment.source.is_v4() ? kIpv4Lifetime : kIpv6Lifetime);
  PartialDatagram* const datagram = datagrams_.make(fragment, std::move(pin), deadline);
  if (datagram == nullptr) return nullptr;
  oldest_first_.push_back(*datagram);
  next_deadline_ = std::min(next_deadline_, deadline);
  return datagram;
}

void Reassembly::make_room_for(const IpAddress& source) {
  const auto is_from_there = [&](const PartialDatagram& d) { return d.source() == source; };
  std::uint32_t from_there = 0;
  oldest_first_.for_each([&](const PartialDatagram& d) { from_there += is_from_there(d); });
  PartialDatagram* victim = nullptr;
  if (from_there >= limits_.max_per_source) {
    victim = oldest(is_from_there);
  } else if (size() == limits_.max_datagrams) {
    victim = &oldest_first_.front();
  } else {
    return;
  }
  if (!victim->is_spoiled()) ++counters_.evicted;
  remove(*victim);
}

void Reassembly::remove(PartialDatagram& datagram) {
  datagram.unlink();
  datagrams_.destroy(datagram);
  next_deadline_ = Instant::never();
  oldest_first_.for_each([this](const PartialDatagram& partial) {
    next_deadline_ = std::min(next_deadline_, partial.deadline());
  });
}

}  // namespace sluice
