// A segment as the machine sees it: received (SEG.SEQ, SEG.LEN, ...) and about to be sent.
#pragma once

#include <array>
#include <cstdint>

#include "proto/base/frame.hpp"
#include "proto/tcp/constants.hpp"
#include "proto/tcp/seq.hpp"
#include "proto/wire/tcp.hpp"

namespace sluice::tcp {

// Of how many segments so much text is, where each holds `size` bytes at most: at least one. Mostly
// it is one, and nothing is divided.
inline std::uint32_t segments_of(std::uint32_t bytes, std::uint32_t size) {
  return bytes <= size ? 1 : (bytes + size - 1) / size;
}

// A received segment. Trimming changes seq, payload and flags together.
struct Segment {
  Seq seq;
  Seq ack;
  Seq urgent_end;  // SEG.UP, with URG: behind the last urgent byte (RFC 9293 MUST-62)
  std::uint8_t flags = 0;
  std::uint16_t window = 0;     // as on the wire
  std::uint16_t gso_size = 0;   // payload of each segment that a super-segment was made of
  bool is_marked = false;       // a router on the way was congested (RFC 3168: CE)
  bool is_ecn_capable = false;  // marked, or it may be (RFC 3168: ECT)
  wire::SackBlock twice;        // the front that was cut off since it had come before (RFC 2883)
  const wire::TcpOptions* options = nullptr;
  Slice payload;

  bool has(wire::TcpFlag flag) const { return (flags & flag) != 0; }
  // RFC 9293 R9293-9: SYN and FIN count one each.
  std::uint32_t length() const {
    return payload.size() + (has(wire::kSyn) ? 1u : 0u) + (has(wire::kFin) ? 1u : 0u);
  }
  Seq end() const { return seq + length(); }
};

// `header` and `options` must outlive the segment.
inline Segment make_segment(const wire::TcpHeader& header, Slice payload,
                            std::uint16_t gso_size = 0) {
  Segment segment;
  segment.seq = Seq(header.sequence);
  segment.ack = Seq(header.acknowledgment);
  segment.urgent_end = segment.seq + header.urgent;
  segment.flags = header.flags;
  segment.window = header.window;
  segment.gso_size = gso_size;
  segment.options = &header.options;
  segment.payload = std::move(payload);
  return segment;
}

// A segment to send. The ports are the sender's business. Used again and again: clear() first.
struct OutSegment {
  wire::TcpHeader header;
  std::uint32_t payload_length = 0;
  std::uint16_t gso_size = 0;  // payload of each segment to be cut; 0 when there is but one
  std::uint8_t ecn = 0;        // codepoint for the IP header (RFC 3168)
  std::uint32_t pieces = 0;
  std::array<Slice, kMaxSegmentPieces> payload;

  void push() {
    if (payload_length > 0) header.flags |= wire::kPsh;
  }
  // Keeps the first `length` bytes of the payload.
  void trim(std::uint32_t length) {
    std::uint32_t left = payload_length = length;
    std::uint32_t kept = 0;
    for (std::uint32_t i = 0; i < pieces; ++i) {
      payload[i].keep_front(left < payload[i].size() ? left : payload[i].size());
      left -= payload[i].size();
      if (payload[i].empty()) {
        payload[i] = Slice();
      } else {
        ++kept;
      }
    }
    pieces = kept;
  }

  void clear() {
    header = {};
    for (std::uint32_t i = 0; i < pieces; ++i) payload[i] = Slice();
    pieces = 0;
    payload_length = 0;
    gso_size = 0;
    ecn = 0;
  }
};

}  // namespace sluice::tcp
