// A TUN queue behind a worse wire: what the link model does to packets, in real time and in both
// directions.
#pragma once

#include <cstdint>
#include <memory>

#include "dataplane/config.hpp"
#include "dataplane/io/tun_queue.hpp"
#include "dataplane/link/link_counters.hpp"

namespace sluice {

class ImpairedQueue : public io::TunQueue {
 public:
  virtual LinkCounters in_counters() const = 0;   // packets to us
  virtual LinkCounters out_counters() const = 0;  // and from us
};

// Of `config`: link_in and link_out, of which worker `number` gets its share, and what the device
// is like. `pool` outlives the queue, as it does `queue`, which reads into its frames. What is on
// the way when the queue ends is lost.
std::unique_ptr<ImpairedQueue> make_impaired_queue(std::unique_ptr<io::TunQueue> queue,
                                                   const Config& config, std::uint32_t number,
                                                   FramePool& pool);

}  // namespace sluice
