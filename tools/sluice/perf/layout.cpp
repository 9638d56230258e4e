#include "tools/sluice/perf/layout.hpp"

#include <algorithm>

#include "tools/sluice/perf/test_failure.hpp"

namespace sluice::perf {

bool sends_at(std::size_t place, Role role, const Parameters& parameters) {
  const bool client_sends = parameters.direction == Direction::both
                                ? place < parameters.streams
                                : parameters.direction == Direction::forward;
  return client_sends == (role == Role::client);
}

std::vector<std::string> split_names(std::string_view list) {
  std::vector<std::string> names;
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    if (comma > 0) names.emplace_back(list.substr(0, comma));
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return names;
}

std::string congestion_at(std::size_t place, const Parameters& parameters) {
  const std::vector<std::string> names = split_names(parameters.congestion);
  return names.empty() ? std::string() : names[place % names.size()];
}

StreamOptions stream_options(const Parameters& parameters) {
  StreamOptions options;
  options.max_segment = parameters.mss;
  options.receive_buffer = parameters.window_bytes;
  options.send_buffer = parameters.window_bytes;
  options.traffic_class = parameters.tos;
  options.nodelay = parameters.nodelay;
  return options;
}

std::string congestion_of(const std::vector<FlowFacts>& flows) {
  const bool sends = std::ranges::any_of(flows, &FlowFacts::sends);
  std::vector<std::string> names;
  for (const FlowFacts& flow : flows) {
    const bool is_new = std::ranges::find(names, flow.congestion) == names.end();
    if (flow.sends == sends && is_new) names.push_back(flow.congestion);
  }
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ",") + name;
  return list;
}

void check_ids(const Results& theirs, const std::vector<FlowFacts>& flows) {
  for (const FlowFacts& flow : flows) {
    if (theirs.find(flow.id) == nullptr) throw TestFailure(ErrorCode::stream_id);
  }
}

}  // namespace sluice::perf
