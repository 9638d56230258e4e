// Joins the fragments of datagrams that are under way to us, within bounds of memory and time.
//
// Each datagram holds one frame, into which its fragments are copied; whole, it leaves in that
// frame. One that fragments have spoiled stays until its time is over, without a frame, so that
// what comes late begins nothing. Used by one thread.
#pragma once

#include <cstdint>

#include "dataplane/shard/partial_datagram.hpp"
#include "dataplane/shard/slab.hpp"
#include "proto/base/bytes.hpp"
#include "proto/base/frame.hpp"
#include "proto/base/intrusive_list.hpp"
#include "proto/base/time.hpp"
#include "proto/wire/drop_reason.hpp"
#include "proto/wire/fragment.hpp"

namespace sluice {

// Past a limit the oldest datagram (of that source) is given up for the new one.
struct ReassemblyLimits {
  std::uint32_t max_datagrams = 64;   // under way or spoiled; at least 1
  std::uint32_t max_per_source = 16;  // at least 1
};

struct ReassemblyCounters {
  std::uint64_t joined = 0;     // whole datagrams given out
  std::uint64_t timed_out = 0;  // given up incomplete, when their time was over
  std::uint64_t evicted = 0;    // given up incomplete, for a newer one
};

class Reassembly {
 public:
  // RFC 1122 R1122-4 recommends 60 to 120 s. We depart, as Linux does: the 16 bits of an IPv4
  // identification may be used again sooner than that, and fragments of two datagrams mixed.
  static constexpr Duration kIpv4Lifetime = Duration::seconds(30);
  static constexpr Duration kIpv6Lifetime = Duration::seconds(60);  // RFC 8200 R8200-7

  // `frames` outlives this, and what it gives out. A frame bounds the datagram that it can hold:
  // 65,545 bytes do for packets of 65,535.
  Reassembly(FrameSource& frames, const ReassemblyLimits& limits, Growth growth = Growth::at_start);
  ~Reassembly();
  Reassembly(const Reassembly&) = delete;
  Reassembly& operator=(const Reassembly&) = delete;

  // `ip` starts with the IP header of what parse_packet called a `fragment`. Returns the whole
  // packet, from its IP header on, if this was the missing piece: fit for parse_packet with an
  // empty VirtioNetHeader, and no fragment itself. Otherwise an empty slice; `reason` is then
  // `none` if the piece was kept, and tells why if it was not.
  Slice on_fragment(Bytes ip, Instant now, DropReason& reason);

  // Gives up one incomplete datagram whose time is over; false if there is none (more).
  // `first_fragment` is the packet that an ICMP "time exceeded" quotes, its payload included; empty
  // if it has not come, and no error is sent. Spoiled datagrams are forgotten on the way.
  // RFC 1122 R1122-4, RFC 8200 R8200-7
  bool next_expired(Instant now, Slice& first_fragment);
  // When to ask next_expired again; never() if nothing is under way.
  Instant next_deadline() const { return next_deadline_; }

  // Gives up everything, uncounted: all frames go home.
  void clear();
  // Gives back the memory of what is no longer under way.
  void trim() { datagrams_.trim(); }
  std::uint64_t held_bytes() const { return datagrams_.held_bytes(); }

  std::uint32_t size() const { return datagrams_.live(); }  // under way or spoiled
  const ReassemblyCounters& counters() const { return counters_; }

 private:
  // Null if there is none such.
  template <class Predicate>
  PartialDatagram* oldest(Predicate is_meant);
  PartialDatagram* begin(const wire::IpHeader& fragment, Instant now);
  void make_room_for(const IpAddress& source);
  void remove(PartialDatagram& datagram);

  FrameSource& frames_;
  ReassemblyLimits limits_;
  Slab<PartialDatagram> datagrams_;
  IntrusiveList<PartialDatagram, PartialByAge> oldest_first_;
  Instant next_deadline_ = Instant::never();
  ReassemblyCounters counters_;
};

}  // namespace sluice
