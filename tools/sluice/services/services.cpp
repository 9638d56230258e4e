#include "tools/sluice/services/services.hpp"

namespace sluice::services {

const std::vector<Service>& all() {
  static const std::vector<Service> services{
      {"echo", 7, echo()},  {"discard", 9, discard()},       {"chargen", 19, chargen()},
      {"http", 80, http()}, {"iperf-sink", 5001, discard()},
  };
  return services;
}

void listen_all(Engine& engine) {
  for (const Service& service : all()) {
    engine.listen({.address = {}, .port = service.port},
                  [&service](Stream&) { return &service.events; });
  }
}

}  // namespace sluice::services
