// One machine of several cores, and its device, which brings a packet to the core that owns it, or
// by mistake to another.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "dataplane/sim/core.hpp"
#include "proto/base/rng.hpp"

namespace sluice::sim {

class Host {
 public:
  struct Place {
    std::uint32_t number;  // among the hosts
    HostEvents& events;
    Verdict& verdict;
    Fault fault;  // planted here
  };
  Host(const HostOptions& options, const Place& place, Instant now);
  ~Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  // From the wire.
  void receive(LinkPacket packet);
  Instant next_turn() const;
  // The cores that are due; calls told(moved) for each, where `moved` says that a packet did.
  template <class Told>
  void turn(Instant now, Told told) {
    for (const auto& core : cores_) {
      if (core->next_turn() <= now) told(core->turn(now));
    }
  }
  bool is_quiet() const;
  void listen(std::uint16_t port, const Acceptor& acceptor);

  Core& core(std::uint32_t number) { return *cores_[number]; }
  const Core& core(std::uint32_t number) const { return *cores_[number]; }
  std::uint32_t cores() const { return options_.cores; }
  const HostOptions& options() const { return options_; }
  ShardStats stats() const;

  // --- for its cores -----------------------------------------------------------------------------
  void send(MutableBytes whole, Instant now);
  // Tells of a good packet. True when a planted fault has then changed it.
  bool admit(MutableBytes whole, const wire::Packet& packet);
  void refuse_good(DropReason reason);
  void fail(const char* what) { place_.verdict.fail(what); }
  bool has_planted(Fault fault) const { return place_.fault == fault; }
  bool forgets_timers() const { return has_planted(Fault::forgotten_rto); }

 private:
  std::uint32_t queue_for(const LinkPacket& packet);

  HostOptions options_;
  Place place_;
  Rng rng_;
  std::vector<std::unique_ptr<Core>> cores_;
};

}  // namespace sluice::sim
