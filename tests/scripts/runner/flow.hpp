// One conversation: how the script's numbers and the stack's belong together.
//
// The peer's numbers are the script's own. The stack's sequence numbers and timestamps are counted
// from where the script lets them begin: from its first SYN, and from its first TS val.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "tests/scripts/runner/packet.hpp"

namespace sluice::script {

struct Endpoints {
  IpAddress local, remote;
  std::uint16_t local_port = 0, remote_port = 0;

  auto operator<=>(const Endpoints&) const = default;
};

class Flow {
 public:
  // The next SYN of the stack, or SYN-ACK, may have another initial sequence number.
  void may_begin_anew() { may_begin_anew_ = true; }

  // A segment for the stack: from the script's numbers to those on the wire.
  TcpText to_wire(TcpText text);
  // One from the stack, the other way. What is not known yet is taken from `expected`, which is
  // the script's; null: it expects no segment now.
  TcpText to_script(TcpText text, const TcpText* expected);
  // Of a sequence number of the stack, as an ICMP error quotes it.
  std::uint32_t sequence_to_wire(std::uint32_t sequence) const { return sequence + ours_; }
  std::uint32_t sequence_to_script(std::uint32_t sequence) const { return sequence - ours_; }

  // Where in its stream the byte with this number on the wire stands: 0 is the first.
  std::uint32_t position_of_ours(std::uint32_t sequence) const { return sequence - our_first_; }
  std::uint32_t position_of_peers(std::uint32_t sequence) const { return sequence - peer_first_; }

  std::string sent;                // what the application has handed to the stack, in order
  std::set<std::uint32_t> urgent;  // positions in the peer's stream

 private:
  void note_syn_of_ours(const TcpText& text, const TcpText* expected);
  void note_timestamp_of_ours(std::uint32_t value, const TcpText* expected);

  bool knows_ours_ = false;
  bool may_begin_anew_ = false;
  std::uint32_t ours_ = 0;              // the wire's sequence numbers less the script's
  std::uint32_t our_first_ = 0;         // of the first byte of our stream, on the wire
  std::uint32_t peer_first_ = 0;        // of the peer's
  std::optional<std::uint32_t> ticks_;  // the wire's TS val less the script's
};

// All conversations of a script. A line without ports speaks of the current one.
class Flows {
 public:
  explicit Flows(const Endpoints& current) : current_(current) {}

  const Endpoints& current() const { return current_; }
  void set_current(const Endpoints& ends) { current_ = ends; }

  Flow& of(const Endpoints& ends) { return flows_[ends]; }

  // Between whom a line's packet goes.
  Endpoints ends_of(const Packet& packet) const;

 private:
  Endpoints current_;
  std::map<Endpoints, Flow> flows_;
};

}  // namespace sluice::script
