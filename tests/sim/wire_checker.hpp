// What each side says on the wire must hang together: sequence numbers, acknowledgements and
// windows, judged from the packets alone.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "proto/flow.hpp"
#include "proto/wire/packet.hpp"
#include "tests/sim/packet_bytes.hpp"
#include "tests/sim/verdict.hpp"

namespace sluice::sim {

class WireChecker final : public PacketTaker {
 public:
  explicit WireChecker(Verdict& verdict) : verdict_(verdict) {}

  // A host has sent a packet (a super-segment in one piece).
  void on_sent(const wire::Packet& packet, Bytes payload);
  // A host has received one and taken it for good.
  void on_taken(const wire::Packet& packet) override;

 private:
  // One direction of one incarnation of a flow. Positions count from the first byte of the stream;
  // `-1` is the SYN.
  struct Direction {
    bool known = false;
    std::uint32_t isn = 0;
    bool offers_scale = false;
    std::uint8_t scale = 0;
    std::uint32_t syn_window = 0;
    std::vector<std::uint8_t> sent;  // every byte that was ever sent
    bool fin = false;                // and sits behind `sent`
    std::int64_t acked = 0;          // highest acknowledgement that this side has sent
    std::int64_t announced = 0;      // right edge of the largest window that it has announced
    std::int64_t heard = 0;          // right edge of the largest window that has reached it
    std::int64_t end() const { return static_cast<std::int64_t>(sent.size()) + (fin ? 1 : 0); }
  };
  struct FlowHash {
    std::size_t operator()(const FlowKey& flow) const { return siphash(SipKey{1, 2}, flow); }
  };

  static FlowKey key_of(const wire::Packet& packet);
  Direction& forward(const wire::Packet& packet);
  Direction& backward(const wire::Packet& packet);
  void on_syn(const wire::Packet& packet, Direction& self, Direction& peer);
  void check_text(const wire::Packet& packet, Bytes payload, Direction& self);
  void check_window_kept(const wire::Packet& packet, std::int64_t end, const Direction& self);
  void check_ack(const wire::Packet& packet, Direction& self, const Direction& peer);
  void fail(const wire::Packet& packet, const std::string& what);

  Verdict& verdict_;
  std::unordered_map<FlowKey, Direction, FlowHash> directions_;  // local: the sender
};

}  // namespace sluice::sim
