// A datagram of which fragments have come: it copies them to their places in one frame.
//
// Fragments that overlap spoil it (RFC 8200 4.5, RFC 5722; IPv4 likewise). A spoiled datagram has
// given its frame back; it only remembers that its fragments are no longer wanted.
#pragma once

#include <cstdint>

#include "dataplane/shard/fragment_map.hpp"
#include "proto/base/bytes.hpp"
#include "proto/base/frame.hpp"
#include "proto/base/intrusive_list.hpp"
#include "proto/base/time.hpp"
#include "proto/wire/drop_reason.hpp"
#include "proto/wire/fragment.hpp"

namespace sluice {

struct PartialByAge {};

class PartialDatagram : public ListNode<PartialByAge> {
 public:
  // `fragment` is any of its fragments; `pin` looks into the frame, which nobody else does.
  PartialDatagram(const wire::IpHeader& fragment, Slice pin, Instant deadline);

  bool has(const wire::IpHeader& fragment) const;  // whether it is one of this datagram's
  const IpAddress& source() const { return header_.source; }
  Instant deadline() const { return deadline_; }

  // `ip` is the packet that parse_fragment called good, `fragment` what it said. Every reason to
  // refuse it spoils the datagram, but a duplicate.
  DropReason on_fragment(Bytes ip, const wire::IpHeader& fragment);

  bool is_spoiled() const { return spoiled_by_ != DropReason::none; }
  bool is_whole() const { return !is_spoiled() && has_last_ && received_ == highest_end_; }
  // The whole packet, in the frame. Once only.
  Slice take_whole();
  // The packet that brought the first fragment; empty without it and when spoiled.
  Slice first_fragment() const;

 private:
  bool contradicts_end(const wire::IpHeader& fragment) const;
  bool is_same(Bytes ip, const wire::IpHeader& fragment) const;
  bool has_room_for(const wire::IpHeader& fragment) const;
  DropReason judge(Bytes ip, const wire::IpHeader& fragment) const;
  DropReason judge_whole() const;
  void take(Bytes ip, const wire::IpHeader& fragment);
  void take_headers(Bytes ip, const wire::IpHeader& first);
  void spoil(DropReason reason);
  std::uint8_t* payload() const { return pin_.frame()->data + payload_at_; }

  wire::IpHeader header_;  // of the first fragment once it is here, until then of another
  Slice pin_;              // covers nothing: what it keeps is still being written
  Instant deadline_;
  FragmentMap map_;
  DropReason spoiled_by_ = DropReason::none;
  std::uint32_t payload_at_;       // where in the frame the datagram's first payload byte goes
  std::uint32_t received_ = 0;     // payload bytes that have come, each once
  std::uint32_t highest_end_ = 0;  // of the fragments that have come, bytes
  unsigned ecn_seen_ = 0;          // bit n: a fragment carried ECN codepoint n
  bool has_first_ = false;
  bool has_last_ = false;  // then highest_end_ is the payload's length
};

}  // namespace sluice
