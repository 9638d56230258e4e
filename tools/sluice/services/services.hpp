// The built-in services of `sluice run`, each written on the engine's public face.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "dataplane/engine.hpp"

namespace sluice::services {

// One object serves every stream, or every socket, of a service, on every core: it keeps no state
// of its own.
StreamEvents& echo();     // RFC 862
StreamEvents& discard();  // RFC 863; also the sink of iperf 2
StreamEvents& chargen();  // RFC 864; sends as fast as the window allows
StreamEvents& http();     // answers every request with a short page

// The same over UDP. Those that answer do not answer each other: a datagram from the port of such
// a service is taken for one of its own answers.
DatagramEvents& udp_echo();
DatagramEvents& udp_discard();
DatagramEvents& udp_chargen();  // one datagram of 0 to 512 characters for each that comes

bool is_answer(const Datagram& datagram);

struct Service {
  std::string_view name;
  std::uint16_t port;
  StreamEvents& events;
  DatagramEvents* udp = nullptr;
};

const std::vector<Service>& all();

// Listens for all of them. Before engine.start().
void listen_all(Engine& engine);

}  // namespace sluice::services
