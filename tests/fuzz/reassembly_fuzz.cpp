#include <algorithm>

#include "dataplane/memory/frame_pool.hpp"
#include "dataplane/shard/reassembly.hpp"
#include "proto/base/assert.hpp"
#include "proto/wire/packet.hpp"
#include "tests/fuzz/targets.hpp"
#include "tests/proto/wire/sample_packets.hpp"

namespace sluice::fuzz {
namespace {

using wire::sample::ByteVector;

constexpr ReassemblyLimits kLimits{.max_datagrams = 4, .max_per_source = 3};
constexpr std::uint32_t kFrames = 3;          // one too few
constexpr std::uint32_t kFrameBytes = 2'048;  // too short for some

// What leaves is one whole packet, and no fragment again.
void check_whole(Bytes packet) {
  wire::IpHeader header;
  SLUICE_ASSERT(parse_ip(packet, header) == DropReason::none);
  SLUICE_ASSERT(!header.is_fragment);
  SLUICE_ASSERT(header.payload_offset + header.payload_length == packet.size());
  wire::Packet parsed;
  SLUICE_ASSERT(parse_packet(packet, wire::VirtioNetHeader(), parsed) != DropReason::fragment);
}

void check_first(Bytes packet) {
  wire::IpHeader header;
  if (packet.empty()) return;
  SLUICE_ASSERT(parse_fragment(packet, header) == DropReason::none);
  SLUICE_ASSERT(header.fragment.offset == 0);
}

void expire(Reassembly& reassembly, Instant now) {
  Slice first;
  while (reassembly.next_expired(now, first)) check_first(first.bytes());
  SLUICE_ASSERT(reassembly.next_deadline() > now);
}

void give(Reassembly& reassembly, Bytes bytes, Instant now) {
  ByteVector packet(bytes.begin(), bytes.end());
  // No fuzzer guesses a sum.
  if (!packet.empty() && packet[0] >> 4 == 4) wire::sample::repair_ipv4_sum(packet);
  DropReason reason = DropReason::count_;
  const std::uint64_t joined = reassembly.counters().joined;
  const Slice whole = reassembly.on_fragment(packet, now, reason);
  SLUICE_ASSERT(reason != DropReason::count_ && reason != DropReason::fragment);
  SLUICE_ASSERT(whole.empty() || reason == DropReason::none);
  SLUICE_ASSERT(reassembly.counters().joined - joined == (whole.empty() ? 0 : 1));
  SLUICE_ASSERT(reassembly.size() <= kLimits.max_datagrams);
  if (!whole.empty()) check_whole(whole.bytes());
}

}  // namespace

void fuzz_reassembly(Bytes input) {
  FramePool frames(kFrames, kFrameBytes);
  {
    Reassembly reassembly(frames, kLimits);
    Instant now;
    while (input.size() >= 2) {
      now = now + Duration::seconds(input[0]);
      expire(reassembly, now);
      const std::size_t length = std::min<std::size_t>(input[1], input.size() - 2);
      give(reassembly, input.subspan(2, length), now);
      input = input.subspan(2 + length);
    }
  }
  SLUICE_ASSERT(frames.free_count() == kFrames);
}

}  // namespace sluice::fuzz
