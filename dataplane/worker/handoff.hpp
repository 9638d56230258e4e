// One worker's side of what crosses cores: packets of foreign flows go to their owners, and frames
// go home to the worker that read into them. In bulk, once a turn.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "dataplane/memory/frame_pool.hpp"
#include "dataplane/stats.hpp"
#include "dataplane/worker/crew.hpp"

namespace sluice {

// Used by the worker's thread. What it holds must be home before it goes (leave()).
class Handoff {
 public:
  // `pool` is the worker's own, the frames of which its packets lie in; the others' are as large.
  Handoff(std::uint32_t self, Crew& crew, FramePool& pool);

  // `ip` is a packet in a frame of the own pool, and the only slice of it. At most kMostAtOnce for
  // one owner between two calls of flush().
  void give(std::uint32_t owner, Slice ip, const wire::Packet& packet);

  // Takes what others have handed over, `most` packets at most (up to kMostAtOnce); calls
  // take(ip, packet) for each. Returns how many there were.
  template <class Take>
  std::size_t take(std::size_t most, Take take) {
    const std::size_t count = inbox().pop(std::span(taken_).first(most));
    for (HandedPacket& handed : std::span(taken_).first(count)) take(adopt(handed), handed.packet);
    counters_.taken += count;
    return count;
  }

  // Sends off what was given and what is done with; wakes who sleeps through `queue`. Then brings
  // in own frames that have come back.
  void flush(io::TunQueue& queue);

  // Whether frames of other workers are here.
  bool holds_frames() const;

  // The worker's last steps, after its loop and with its shard gone: nobody hands over any more
  // once all have left, and no frame is on its way once all have sent theirs home.
  void leave(io::TunQueue& queue);

  const HandoffCounters& counters() const { return counters_; }

  static constexpr std::size_t kMostAtOnce = 64;

 private:
  // Another worker: what goes there, and the home of its frames as long as they are here.
  struct Neighbour final : FrameHome {
    Neighbour(Inbox& inbox, std::uint32_t most_frames_held, std::uint32_t frames)
        : lane(inbox), most_held(most_frames_held) {
      packets.reserve(kMostAtOnce);
      homeward.reserve(frames);
    }
    void take_back(Frame& frame) override {
      --held;
      homeward.push_back(&frame);
    }
    // So that buffers here never keep another worker from reading.
    bool is_scarce() const override { return held > most_held; }

    Inbox::Lane lane;
    std::vector<HandedPacket> packets;  // to be handed over
    std::vector<Frame*> homeward;       // its own, to be sent home
    std::uint32_t held = 0;             // its own that slices here look into
    std::uint32_t most_held;
  };

  Inbox& inbox() { return crew_.inbox(self_); }
  Slice adopt(const HandedPacket& handed);
  void hand_over(std::uint32_t worker, io::TunQueue& queue);
  void send_home(std::uint32_t worker, io::TunQueue& queue);
  void bring_home();

  std::uint32_t self_;
  Crew& crew_;
  FramePool& pool_;
  std::vector<std::unique_ptr<Neighbour>> neighbours_;  // by worker; null for ourselves
  std::array<HandedPacket, kMostAtOnce> taken_;
  HandoffCounters counters_;
};

}  // namespace sluice
