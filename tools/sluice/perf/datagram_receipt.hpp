// What a receiver knows of a stream of datagrams, reckoned as iperf3 does.
#pragma once

#include <cstdint>

#include "proto/base/time.hpp"
#include "tools/sluice/perf/datagram_header.hpp"

namespace sluice::perf {

class DatagramReceipt {
 public:
  void on_datagram(const DatagramHeader& header, Instant arrival);

  // The highest number that was seen.
  std::uint64_t highest() const { return highest_; }
  // Numbers that were left out, less what came later after all: a duplicate makes up for one, too.
  std::uint64_t lost() const { return lost_; }
  std::uint64_t out_of_order() const { return out_of_order_; }
  // Of the transit times, smoothed. RFC 1889 6.3.1, A.8
  double jitter_seconds() const { return jitter_seconds_; }

 private:
  void count(std::uint64_t sequence);
  void time(std::int64_t sent_us, Instant arrival);

  bool has_come_ = false;
  std::uint64_t highest_ = 0;
  std::uint64_t lost_ = 0;
  std::uint64_t out_of_order_ = 0;
  double jitter_seconds_ = 0;
  double transit_seconds_ = 0;  // of the datagram before; the clocks' difference is in it
};

}  // namespace sluice::perf
