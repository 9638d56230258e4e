// What one direction of a wire does to packets. All of it off by default: a wire that changes
// nothing.
#pragma once

#include <cstdint>

#include "proto/base/time.hpp"

namespace sluice {

// Probabilities are 0 to 1, each for one packet. Sizes count from the IP header on.
struct LinkOptions {
  std::uint64_t rate_bits = 0;      // a second; 0: as fast as it likes
  Duration delay{};                 // one way
  Duration jitter{};                // added, uniform from 0; keeps the order of packets
  std::uint64_t queue_bytes = 0;    // waiting for the rate; what does not fit is lost; 0: no limit
  std::uint32_t queue_packets = 0;  // the same, in packets
  std::uint64_t mark_bytes = 0;     // a longer queue marks packets that bear it (ECN); 0: never
  double loss = 0;                  // each packet by itself
  std::uint32_t loss_every = 0;     // so many packets one is lost; 0: none
  double burst_loss = 0;            // in the long run; below 1 (Gilbert's model)
  double burst_length = 1;          // packets, on average; at least 1
  double reorder = 0;               // held back by up to `reorder_delay`, overtaken meanwhile
  Duration reorder_delay = Duration::milliseconds(5);
  double duplicate = 0;        // the second one as if reordered
  double corrupt = 0;          // one byte changes
  std::uint32_t mtu = 65'535;  // what is larger is lost
  bool is_up = true;           // false: all is lost

  bool operator==(const LinkOptions&) const = default;
  bool changes_nothing() const { return *this == LinkOptions(); }
};

}  // namespace sluice
