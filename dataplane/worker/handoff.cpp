#include "dataplane/worker/handoff.hpp"

#include <algorithm>

namespace sluice {

Handoff::Handoff(std::uint32_t self, Crew& crew, FramePool& pool)
    : self_(self), crew_(crew), pool_(pool) {
  // All the others together may keep a quarter of a worker's frames.
  const std::uint32_t most_held = pool.size() / 4 / crew.size();
  for (std::uint32_t i = 0; i < crew.size(); ++i) {
    const bool is_self = i == self;
    neighbours_.push_back(
        is_self ? nullptr : std::make_unique<Neighbour>(crew.inbox(i), most_held, pool.size()));
  }
}

void Handoff::give(std::uint32_t owner, Slice ip, const wire::Packet& packet) {
  const std::uint32_t offset = ip.offset();
  const std::uint32_t length = ip.size();
  std::vector<HandedPacket>& packets = neighbours_[owner]->packets;
  SLUICE_ASSERT(packets.size() < kMostAtOnce);
  packets.push_back({&std::move(ip).detach(), offset, length, self_, packet});
}

// From here on the frame's home is its neighbour, who counts it until the last slice is gone.
Slice Handoff::adopt(const HandedPacket& handed) {
  Neighbour& reader = *neighbours_[handed.reader];
  ++reader.held;
  handed.frame->home = &reader;
  return {*handed.frame, handed.offset, handed.length};
}

void Handoff::flush(io::TunQueue& queue) {
  for (std::uint32_t i = 0; i < neighbours_.size(); ++i) {
    if (i == self_) continue;
    hand_over(i, queue);
    send_home(i, queue);
  }
  bring_home();
}

void Handoff::hand_over(std::uint32_t worker, io::TunQueue& queue) {
  std::vector<HandedPacket>& packets = neighbours_[worker]->packets;
  if (packets.empty()) return;
  const auto pushed = crew_.inbox(worker).push(neighbours_[worker]->lane, packets);
  if (pushed == Inbox::Pushed::full) {
    for (const HandedPacket& handed : packets) pool_.take_back(*handed.frame);
    counters_.refused += packets.size();
  } else {
    counters_.given += packets.size();
  }
  packets.clear();
  if (pushed == Inbox::Pushed::done_wake_it) queue.wake(crew_.queue(worker));
}

void Handoff::send_home(std::uint32_t worker, io::TunQueue& queue) {
  std::vector<Frame*>& frames = neighbours_[worker]->homeward;
  if (frames.empty()) return;
  const auto pushed = crew_.inbox(worker).push(neighbours_[worker]->lane, frames);
  frames.clear();
  if (pushed == Inbox::Pushed::done_wake_it) queue.wake(crew_.queue(worker));
}

void Handoff::bring_home() {
  std::array<Frame*, kMostAtOnce> frames;
  while (const std::size_t count = inbox().pop(frames)) {
    for (Frame* const frame : std::span(frames).first(count)) {
      frame->home = &pool_;
      pool_.take_back(*frame);
    }
  }
}

bool Handoff::holds_frames() const {
  return std::any_of(neighbours_.begin(), neighbours_.end(), [](const auto& neighbour) {
    return neighbour != nullptr && neighbour->held > 0;
  });
}

void Handoff::leave(io::TunQueue& queue) {
  crew_.meet();
  while (take(kMostAtOnce, [](const Slice&, const wire::Packet&) {}) > 0) {
  }
  flush(queue);
  crew_.meet();
  bring_home();
}

}  // namespace sluice
