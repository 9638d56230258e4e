#include "tests/scripts/runner/flow.hpp"

#include "proto/wire/tcp.hpp"

namespace sluice::script {
namespace {

const TcpOption* timestamps_of(const TcpText& text) {
  if (!text.options) return nullptr;
  for (const TcpOption& option : *text.options) {
    if (option.kind == TcpOption::Kind::timestamps) return &option;
  }
  return nullptr;
}

bool has(const TcpText& text, wire::TcpFlag flag) {
  return (text.flags & flag) != 0;
}

}  // namespace

TcpText Flow::to_wire(TcpText text) {
  if (has(text, wire::kSyn)) {
    peer_first_ = text.sequence + 1;
    may_begin_anew_ = may_begin_anew_ || !has(text, wire::kAck);
  }
  // RFC 9293 3.1: the pointer is one past the urgent byte.
  if (has(text, wire::kUrg)) urgent.insert(position_of_peers(text.sequence + text.urgent - 1));
  if (text.acknowledgment) *text.acknowledgment += ours_;
  for (TcpOption& option : *text.options) {
    if (option.kind == TcpOption::Kind::timestamps && option.echo != 0) {
      option.echo += ticks_.value_or(0);
    }
    for (wire::SackBlock& block : option.blocks) {
      block.left += ours_;
      block.right += ours_;
    }
  }
  return text;
}

void Flow::note_syn_of_ours(const TcpText& text, const TcpText* expected) {
  if (knows_ours_ && (!may_begin_anew_ || text.sequence + 1 == our_first_)) return;
  const std::uint32_t begin = expected != nullptr ? expected->sequence : 0;
  ours_ = text.sequence - begin;
  our_first_ = text.sequence + 1;
  if (knows_ours_) sent.clear();
  ticks_.reset();
  knows_ours_ = true;
  may_begin_anew_ = false;
}

void Flow::note_timestamp_of_ours(std::uint32_t value, const TcpText* expected) {
  if (ticks_ || value == 0) return;
  const TcpOption* wanted = expected != nullptr ? timestamps_of(*expected) : nullptr;
  if (wanted != nullptr) ticks_ = value - wanted->value;
}

TcpText Flow::to_script(TcpText text, const TcpText* expected) {
  if (has(text, wire::kSyn)) note_syn_of_ours(text, expected);
  text.sequence -= ours_;
  for (TcpOption& option : *text.options) {
    if (option.kind != TcpOption::Kind::timestamps) continue;
    note_timestamp_of_ours(option.value, expected);
    // RFC 7323 5.2: a reset may carry 0, which is no time.
    if (option.value != 0) option.value -= ticks_.value_or(0);
  }
  return text;
}

Endpoints Flows::ends_of(const Packet& packet) const {
  Endpoints ends = current_;
  const bool in = packet.direction == Direction::in;
  if (packet.ports) {
    ends.local_port = in ? packet.ports->destination : packet.ports->source;
    ends.remote_port = in ? packet.ports->source : packet.ports->destination;
  }
  const auto& local = in ? packet.marks.to : packet.marks.from;
  const auto& remote = in ? packet.marks.from : packet.marks.to;
  ends.local = local.value_or(ends.local);
  ends.remote = remote.value_or(ends.remote);
  return ends;
}

}  // namespace sluice::script
