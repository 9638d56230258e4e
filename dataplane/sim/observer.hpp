// Whoever wants to see the packets of a run: a trace, a capture file.
#pragma once

#include <cstdint>

#include "dataplane/sim/star.hpp"
#include "proto/base/bytes.hpp"
#include "proto/base/time.hpp"

namespace sluice::sim {

// [virtio_net_hdr | IP packet]; valid during the call.
class Observer {
 public:
  // A host's stack gives it to its device: a super-segment in one piece.
  virtual void on_sent(std::uint32_t host, Bytes whole, Instant now) = 0;
  // It has come to the end of the link from or to `host`.
  virtual void on_crossed(std::uint32_t host, Direction direction, Bytes whole, Instant now) = 0;

 protected:
  ~Observer() = default;
};

}  // namespace sluice::sim
