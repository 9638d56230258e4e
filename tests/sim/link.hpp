// One direction of a wire, with everything that can go wrong on it; all of it from one seed.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "proto/base/rng.hpp"
#include "proto/base/time.hpp"
#include "tests/sim/packet_bytes.hpp"

namespace sluice::sim {

// Probabilities are 0 to 1, each for one packet.
struct LinkOptions {
  std::uint64_t rate_bits = 0;         // per second; 0: as fast as it likes
  Duration delay;                      // one way
  Duration jitter;                     // added, uniform from 0
  std::uint32_t queue_packets = 1000;  // waiting to be sent; more are dropped
  double loss = 0;
  double burst = 0;    // a lost packet takes the next few with it
  double reorder = 0;  // held back by up to `reorder_delay`
  Duration reorder_delay;
  double duplicate = 0;
  double corrupt = 0;         // one byte changes
  bool flip_and_fix = false;  // plants a fault: a payload byte changes, sums are made right
  // Faults end here: the link goes on with rate, delay and queue only.
  Instant faults_until = Instant::never();
};

struct LinkCounters {
  std::uint64_t sent = 0;
  std::uint64_t delivered = 0;
  std::uint64_t lost = 0;
  std::uint64_t queue_full = 0;
  std::uint64_t reordered = 0;
  std::uint64_t duplicated = 0;
  std::uint64_t corrupted = 0;
};

struct Delivery {
  PacketBytes packet;
  bool is_corrupt = false;
};

class Link {
 public:
  Link(const LinkOptions& options, std::uint64_t seed) : options_(options), rng_(seed) {}

  void send(PacketBytes packet, Instant now);
  // never() when nothing is under way.
  Instant next_delivery() const;
  // The next packet that has arrived by `now`.
  std::optional<Delivery> take(Instant now);

  const LinkCounters& counters() const { return counters_; }
  const LinkOptions& options() const { return options_; }

 private:
  bool loses();
  void damage(Delivery& delivery);
  void flip_payload(PacketBytes& packet);
  void put(const Delivery& delivery, Instant at);

  LinkOptions options_;
  Rng rng_;
  Instant free_at_;  // when the last packet will have left
  std::uint32_t burst_left_ = 0;
  // By time of arrival, then in order of sending.
  std::multimap<Instant, Delivery> under_way_;
  std::multimap<Instant, int> departures_;
  LinkCounters counters_;
};

}  // namespace sluice::sim
