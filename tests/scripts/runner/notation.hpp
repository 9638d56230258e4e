// Packets written in packetdrill's notation, field by field.
#pragma once

#include <string>
#include <vector>

#include "tests/scripts/runner/packet.hpp"

namespace sluice::script {

struct Field {
  std::string name;  // "win", "ack", "options": what differs is told by it
  std::string text;  // as it stands in a script; never empty
};

// In the order of the notation. What is not set is left out.
std::vector<Field> fields_of(const Packet& packet);

// "> S. 0:0(0) ack 1 win 65535 <mss 1460>"
std::string to_string(const Packet& packet);
std::string to_string(const std::vector<TcpOption>& options);  // "mss 1460,nop,wscale 8"

}  // namespace sluice::script
