// What each side says on the wire must hang together: sequence numbers, acknowledgements and
// windows, judged from the packets alone.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "dataplane/sim/verdict.hpp"
#include "proto/flow.hpp"
#include "proto/wire/packet.hpp"

namespace sluice::sim {

// What one side has sent and may still send again: its stream from some position on.
class SentText {
 public:
  std::int64_t end() const { return first_ + static_cast<std::int64_t>(size_); }
  void append(Bytes text);
  // True when `text` is what was sent from `begin` on, as far as that is still known.
  bool agrees(std::int64_t begin, Bytes text) const;
  // Bytes before `position` will not be asked for.
  void forget_before(std::int64_t position);

 private:
  std::size_t place_of(std::int64_t position) const {
    return static_cast<std::size_t>(position) & (ring_.size() - 1);
  }
  void grow(std::size_t least);

  std::int64_t first_ = 0;  // position of the first byte that is known
  std::size_t size_ = 0;
  std::vector<std::uint8_t>
      ring_;  // a power of two in size; each byte at its position, modulo that
};

class WireChecker final {
 public:
  explicit WireChecker(Verdict& verdict) : verdict_(verdict) {}

  // A host has sent a packet (a super-segment in one piece).
  void on_sent(const wire::Packet& packet, Bytes payload);
  // A host has received one and taken it for good.
  void on_taken(const wire::Packet& packet);

 private:
  // One direction of one incarnation of a flow. Positions count from the first byte of the stream;
  // `-1` is the SYN.
  struct Direction {
    bool known = false;
    std::uint32_t isn = 0;
    bool offers_scale = false;
    std::uint8_t scale = 0;
    std::uint32_t syn_window = 0;
    SentText sent;
    bool fin = false;            // and sits behind `sent`
    std::int64_t acked = 0;      // highest acknowledgement that this side has sent
    std::int64_t announced = 0;  // right edge of the largest window that it has announced
    std::int64_t heard = 0;      // right edge of the largest window that has reached it
    std::int64_t end() const { return sent.end() + (fin ? 1 : 0); }
  };
  struct FlowHash {
    std::size_t operator()(const FlowKey& flow) const { return siphash(SipKey{1, 2}, flow); }
  };

  struct Known {
    FlowKey flow;
    Direction* direction = nullptr;  // elements of an unordered_map stay where they are
  };

  static FlowKey key_of(const wire::Packet& packet);
  Direction& direction_of(const FlowKey& flow);
  Direction& forward(const wire::Packet& packet);
  Direction& backward(const wire::Packet& packet);
  void on_syn(const wire::Packet& packet, Direction& self, Direction& peer);
  void check_text(const wire::Packet& packet, Bytes payload, Direction& self);
  void check_window_kept(const wire::Packet& packet, std::int64_t end, const Direction& self);
  void check_ack(const wire::Packet& packet, Direction& self, const Direction& peer);
  void fail(const wire::Packet& packet, const std::string& what);

  Verdict& verdict_;
  std::unordered_map<FlowKey, Direction, FlowHash> directions_;  // local: the sender
  std::array<Known, 2> last_;
};

}  // namespace sluice::sim
