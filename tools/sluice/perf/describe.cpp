#include "tools/sluice/perf/describe.hpp"

#include <ctime>

#include "proto/tcp/congestion.hpp"
#include "tools/sluice/perf/layout.hpp"

namespace sluice::perf {

ConnectFacts describe_test(Role role, const Parameters& parameters, std::string_view cookie,
                           const Stream& control) {
  return {.role = role,
          .parameters = parameters,
          .cookie = std::string(cookie),
          .unix_seconds = std::time(nullptr),
          .peer = {control.flow().remote.to_string(), control.flow().remote_port},
          .control_mss = control.snapshot().snd_mss};
}

FlowFacts describe_flow(std::size_t place, Role role, const Parameters& parameters,
                        const FlowKey& flow, std::string_view engines_choice) {
  const std::string chosen = congestion_at(place, parameters);
  tcp::Algorithm algorithm = {};
  const bool is_used = tcp::parse_algorithm(chosen, algorithm);
  return {.id = id_at(place),
          .socket = socket_at(place),
          .sends = sends_at(place, role, parameters),
          .local = {flow.local.to_string(), flow.local_port},
          .remote = {flow.remote.to_string(), flow.remote_port},
          .congestion = is_used ? chosen : std::string(engines_choice)};
}

}  // namespace sluice::perf
