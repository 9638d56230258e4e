// The network: each host has a link to a hub and one from it. The hub forwards by address, and says
// when a packet is too big for the next link.
#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "dataplane/link/link.hpp"
#include "dataplane/sim/growing_pool.hpp"
#include "proto/wire/address.hpp"

namespace sluice::sim {

struct LinkChange {
  Instant at;
  LinkOptions options;
};

// A link and what becomes of it, in order of time.
struct LinkPlan {
  LinkOptions options;
  std::vector<LinkChange> changes;
};

struct SpokePlan {
  LinkPlan up;  // from the host
  LinkPlan down;
  std::vector<Cidr> networks;  // behind which the host lies
  std::uint32_t mtu = 1500;    // of its device
  bool cut = true;             // super-segments on its up link
};

enum class Direction : std::uint8_t { up, down };

// Hears of packets at the end of a link. `packet` is to be sent on.
class StarEvents {
 public:
  virtual void on_crossed(std::uint32_t host, Direction direction, const LinkPacket& packet,
                          Instant now) = 0;
  virtual void on_arrival(std::uint32_t host, LinkPacket packet, Instant now) = 0;
  // A packet that no device would send, or that has nowhere to go.
  virtual void on_nonsense(const char* what) = 0;

 protected:
  ~StarEvents() = default;
};

class Star {
 public:
  Star(const std::vector<SpokePlan>& spokes, std::uint64_t seed, StarEvents& events);

  // [virtio_net_hdr | IP packet], which is copied.
  void send(std::uint32_t host, Bytes whole, Instant now);
  // Moves what is due.
  void step(Instant now);
  // never() when nothing is under way.
  Instant next_event() const;

  const Link& link(std::uint32_t host, Direction direction) const;
  // Of the frames in which packets lie on the wires.
  std::uint64_t frames_out() const { return pool_.out(); }

 private:
  struct Wire {
    Wire(const LinkPlan& its_plan, std::uint64_t seed);
    void catch_up(Instant now);
    Link link;
    LinkPlan plan;
    std::size_t next_change = 0;
  };
  struct Spoke {
    Spoke(const SpokePlan& its_plan, std::uint64_t seed);
    SpokePlan plan;
    bool has_down;
    Wire up;
    Wire down;
  };

  void send_on(Wire& wire, LinkPacket packet, Instant now);
  void forward(LinkPacket packet, Instant now);
  void send_down(Spoke& spoke, LinkPacket packet, Instant now);
  std::uint32_t number_of(const Spoke& spoke) const {
    return static_cast<std::uint32_t>(&spoke - spokes_.data());
  }
  void say_too_big(Bytes ip, std::uint32_t mtu, Instant now);
  Spoke* spoke_of(const IpAddress& address);
  Spoke* find_spoke(const IpAddress& address);

  StarEvents& events_;
  GrowingPool pool_;
  std::vector<Spoke> spokes_;
  std::vector<Slice> pieces_;
  // Of the last two addresses asked for: mostly a flow's two ends.
  std::array<std::pair<IpAddress, Spoke*>, 2> last_{};
};

}  // namespace sluice::sim
