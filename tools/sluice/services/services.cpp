#include "tools/sluice/services/services.hpp"

namespace sluice::services {

const std::vector<Service>& all() {
  static const std::vector<Service> services{
      {"echo", 7, echo(), &udp_echo()},
      {"discard", 9, discard(), &udp_discard()},
      {"chargen", 19, chargen(), &udp_chargen()},
      {"http", 80, http()},
      {"iperf-sink", 5001, discard()},
  };
  return services;
}

bool is_answer(const Datagram& datagram) {
  for (const Service& service : all()) {
    if (service.udp != nullptr && service.port == datagram.flow.remote_port) return true;
  }
  return false;
}

void listen_all(Engine& engine) {
  for (const Service& service : all()) {
    engine.listen({.address = {}, .port = service.port},
                  [&service](Stream&) { return &service.events; });
    if (service.udp != nullptr) engine.bind({.address = {}, .port = service.port}, *service.udp);
  }
}

}  // namespace sluice::services
