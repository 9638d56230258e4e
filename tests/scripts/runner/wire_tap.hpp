// Packets between the script and the stack: numbers are mapped, bytes are checked.
#pragma once

#include <optional>
#include <string>

#include "tests/scripts/runner/packet.hpp"
#include "tests/scripts/runner/world.hpp"

namespace sluice::script {

// What came out, in the script's numbers.
struct Seen {
  Duration time;
  Packet packet;
  std::string wrong;  // with its addresses or bytes; empty: nothing
};

class WireTap {
 public:
  explicit WireTap(World& world) : world_(world) {}

  void send(const Packet& packet);

  bool has_packet() { return world_.stack.front() != nullptr; }
  Duration time_of_next() { return world_.stack.front()->time; }

  // The packet that came first; has_packet() holds. `expected` is what the script expects now, null
  // for nothing; segments in a row that together are a longer one that it expects are joined.
  // Throws Malformed.
  Seen take(const Packet* expected);

 private:
  Octets payload_for(const Packet& packet, const Endpoints& ends);
  Seen take_one(const Packet* expected);
  void join_following(const Packet& expected, Seen& seen);
  void to_script(Decoded& decoded, const Packet* expected);
  std::string check_addresses(const Decoded& decoded, const Packet* expected) const;
  std::string check_payload(const Decoded& decoded);

  World& world_;
};

}  // namespace sluice::script
