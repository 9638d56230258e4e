#include "dataplane/shard/partial_datagram.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace sluice {
namespace {

// RFC 3168 R3168-11
constexpr unsigned kNotCapable = 1U << 0;
constexpr unsigned kCongested = 1U << 3;

std::uint32_t end_of(const wire::IpHeader& fragment) {
  return fragment.fragment.offset + fragment.payload_length;
}

}  // namespace

PartialDatagram::PartialDatagram(const wire::IpHeader& fragment, Slice pin, Instant deadline)
    : header_(fragment),
      pin_(std::move(pin)),
      deadline_(deadline),
      payload_at_(fragment.payload_offset) {}

// RFC 791 3.2 tells datagrams apart by their protocol too; in RFC 8200 4.5 only the first
// fragment's counts, and the others' may differ.
bool PartialDatagram::has(const wire::IpHeader& fragment) const {
  return header_.fragment.identification == fragment.fragment.identification &&
         header_.source == fragment.source && header_.destination == fragment.destination &&
         (header_.source.is_v6() || header_.protocol == fragment.protocol);
}

DropReason PartialDatagram::on_fragment(Bytes ip, const wire::IpHeader& fragment) {
  DropReason refused = judge(ip, fragment);
  if (refused == DropReason::none) {
    take(ip, fragment);
    if (is_whole()) refused = judge_whole();
  }
  const bool spoils = refused != DropReason::none && refused != DropReason::fragment_duplicate;
  if (spoils) spoil(refused);
  return refused;
}

// RFC 8200 R8200-7
DropReason PartialDatagram::judge(Bytes ip, const wire::IpHeader& fragment) const {
  if (is_spoiled()) return spoiled_by_;
  if (contradicts_end(fragment)) return DropReason::fragment_overlap;
  switch (map_.place(fragment.fragment.offset, end_of(fragment))) {
    case FragmentMap::Place::overlap: return DropReason::fragment_overlap;
    case FragmentMap::Place::duplicate:
      return is_same(ip, fragment) ? DropReason::fragment_duplicate : DropReason::fragment_overlap;
    case FragmentMap::Place::free: break;
  }
  return has_room_for(fragment) ? DropReason::none : DropReason::fragment_limit;
}

// There is one last fragment, and nothing behind it.
bool PartialDatagram::contradicts_end(const wire::IpHeader& fragment) const {
  const std::uint32_t end = end_of(fragment);
  if (fragment.fragment.more) return has_last_ && end >= highest_end_;
  return has_last_ ? end != highest_end_ : end <= highest_end_;
}

bool PartialDatagram::is_same(Bytes ip, const wire::IpHeader& fragment) const {
  return std::memcmp(payload() + fragment.fragment.offset, ip.data() + fragment.payload_offset,
                     fragment.payload_length) == 0;
}

bool PartialDatagram::has_room_for(const wire::IpHeader& fragment) const {
  const std::uint32_t headers = fragment.fragment.offset == 0 ? fragment.payload_offset : 0;
  const std::uint32_t room =
      std::max(payload_at_, headers) + std::max(highest_end_, end_of(fragment));
  return room <= pin_.frame()->capacity;
}

void PartialDatagram::take(Bytes ip, const wire::IpHeader& fragment) {
  const std::uint32_t begin = fragment.fragment.offset;
  if (begin == 0) take_headers(ip, fragment);
  std::memcpy(payload() + begin, ip.data() + fragment.payload_offset, fragment.payload_length);
  map_.add(begin, end_of(fragment));
  received_ += fragment.payload_length;
  highest_end_ = std::max(highest_end_, end_of(fragment));
  has_last_ = has_last_ || !fragment.fragment.more;
  ecn_seen_ |= 1U << (fragment.traffic_class & 3);
}

// Right in front of the payload, which moves up if they need more room than those before.
void PartialDatagram::take_headers(Bytes ip, const wire::IpHeader& first) {
  const std::uint32_t length = first.payload_offset;
  if (length > payload_at_) {
    std::uint8_t* const frame = pin_.frame()->data;
    std::memmove(frame + length, frame + payload_at_, highest_end_);
    payload_at_ = length;
  }
  std::memcpy(payload() - length, ip.data(), length);
  header_ = first;
  has_first_ = true;
}

// What shows only at the end: the headers of the first fragment may be longer than those of the
// others, and marks of congestion need all to be capable of them. RFC 3168 R3168-11
DropReason PartialDatagram::judge_whole() const {
  const bool marks_contradict = (ecn_seen_ & kCongested) != 0 && (ecn_seen_ & kNotCapable) != 0;
  const bool is_good = fits_one_packet(header_, highest_end_) && !marks_contradict;
  return is_good ? DropReason::none : DropReason::bad_fragment;
}

void PartialDatagram::spoil(DropReason reason) {
  spoiled_by_ = reason;
  pin_ = Slice();
}

Slice PartialDatagram::take_whole() {
  Frame& frame = *pin_.frame();
  const std::uint32_t at = payload_at_ - header_.payload_offset;
  Slice packet(frame, at, header_.payload_offset + highest_end_);
  pin_ = Slice();
  const bool congested = (ecn_seen_ & kCongested) != 0;
  packet.drop_front(build_whole({frame.data + at, packet.size()}, header_, congested));
  return packet;
}

Slice PartialDatagram::first_fragment() const {
  if (is_spoiled() || !has_first_) return {};
  return Slice(*pin_.frame(), payload_at_ - header_.payload_offset,
               header_.payload_offset + header_.payload_length);
}

}  // namespace sluice
