// What a shard does when memory runs short. Its connections do most of it themselves, by what they
// may hold (tcp::Resources): windows and send buffers stop growing, and the last blocks are for
// those who hold nothing. And what it does when memory is idle.
#include "dataplane/shard/shard.hpp"

namespace sluice {

// When memory is critical, what lies beyond gaps is given up, the oldest first: the peers still
// have it (RFC 2018 R2018-6). True when it is not critical, or no longer.
bool Shard::has_memory() {
  while (resources_.level() == MemoryLevel::critical) {
    if (gapped_.empty()) return false;
    gapped_.pop_front().tcp.forget_beyond_gap();
  }
  return true;
}

// Once a turn.
void Shard::watch_memory() {
  has_memory();
  const bool is_short = resources_.level() != MemoryLevel::plenty;
  if (is_short && !memory_was_short_) ++stats_.memory_shortages;
  memory_was_short_ = is_short;
}

void Shard::trim() {
  slots_.trim();
  time_waits_.trim();
  table_.trim();
  replies_.trim();
  datagrams_.trim();
  if (reassembly_) reassembly_->trim();
}

std::uint64_t Shard::held_bytes() const {
  return sizeof *this + slots_.held_bytes() + time_waits_.held_bytes() + table_.held_bytes() +
         replies_.held_bytes() + datagrams_.held_bytes() +
         (reassembly_ ? reassembly_->held_bytes() : 0);
}

// After each segment: whether the connection holds something beyond a gap may have changed.
void Shard::note_gap(ConnectionSlot& slot) {
  auto& node = static_cast<ListNode<GapTag>&>(slot);
  if (slot.tcp.has_gap() == node.is_linked()) return;
  if (node.is_linked()) {
    node.unlink();
  } else {
    gapped_.push_back(slot);
  }
}

}  // namespace sluice
