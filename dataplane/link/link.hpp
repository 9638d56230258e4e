// One direction of a wire, with everything that can go wrong on it; all of it from one seed.
//
// The time of its calls is virtual in the simulator and the clock's in a worker. All memory is
// taken in the constructor.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "dataplane/link/link_counters.hpp"
#include "dataplane/link/link_options.hpp"
#include "dataplane/link/ring.hpp"
#include "proto/base/frame.hpp"
#include "proto/base/rng.hpp"
#include "proto/base/time.hpp"

namespace sluice {

struct LinkPacket {
  Slice whole;  // [virtio_net_hdr | IP packet]
  bool is_corrupt = false;
};

// Used by one thread; `now` never goes back.
class Link {
 public:
  enum class Fate : std::uint8_t { on_its_way, lost, queue_full, too_big };

  // `most_packets` may be under way at a time; more are lost as by a full queue.
  Link(const LinkOptions& options, std::uint32_t most_packets, std::uint64_t seed);

  // From now on; what is under way arrives as it would have.
  void change(const LinkOptions& options) { options_ = options; }

  // `packet` has at least one byte behind the virtio_net_hdr. What is corrupted or marked must have
  // its sums finished, and is left alone while other slices look into its frame.
  Fate send(LinkPacket packet, Instant now);
  // never() when nothing is under way.
  Instant next_delivery() const {
    const Instant in_order = in_order_.empty() ? Instant::never() : in_order_.front().at;
    return heap_.empty() ? in_order : std::min(in_order, heap_.front().at);
  }
  // The next packet that has arrived by `now`.
  std::optional<LinkPacket> take(Instant now);
  // Loses what is under way.
  void clear() {
    in_order_.clear();
    heap_.clear();
  }

  const LinkCounters& counters() const { return counters_; }
  const LinkOptions& options() const { return options_; }
  // Waiting for the rate, at the last call of send().
  std::uint64_t backlog_bytes() const { return backlog_bytes_; }

 private:
  // By time of arrival, then in order of sending.
  struct Flying {
    Instant at;
    std::uint64_t number = 0;
    LinkPacket packet;
    bool operator<(const Flying& other) const {  // as std::push_heap wants it: the latest first
      return at != other.at ? at > other.at : number > other.number;
    }
  };
  struct Departure {
    Instant at;
    std::uint32_t bytes = 0;
  };

  bool loses();
  void let_depart(Instant now);
  bool enqueue(std::uint32_t bytes, Instant now);
  void mark(const LinkPacket& packet);
  void damage(LinkPacket& packet);
  void hold_back(LinkPacket packet, Instant at);
  std::size_t under_way() const { return in_order_.size() + heap_.size(); }
  Duration draw(Duration most);

  LinkOptions options_;
  Rng rng_;
  std::uint32_t most_packets_;
  bool in_burst_ = false;         // the bad state of Gilbert's model
  std::uint32_t since_loss_ = 0;  // packets, for LinkOptions::loss_every
  Instant free_at_;               // when the last packet will have left
  std::uint64_t rest_ = 0;  // of its last nanosecond, in units of 1/rate: so that none gets lost
  Instant last_in_order_;   // arrival of the last packet that was not held back
  std::uint64_t next_number_ = 0;
  Ring<Flying> in_order_;
  std::vector<Flying> heap_;    // what was held back, and duplicates
  Ring<Departure> departures_;  // of what waits, in order
  std::uint64_t backlog_bytes_ = 0;
  LinkCounters counters_;
};

}  // namespace sluice
