#include "tools/sluice/perf/results_json.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "tools/sluice/perf/parameters.hpp"

namespace sluice::perf {
namespace {

constexpr double kLongest = 1e9;  // seconds

template <class T>
T required(const std::optional<T>& value, std::string_view key) {
  if (!value) throw BadDocument(fmt::format("results without {}", key));
  return *value;
}

std::uint64_t amount(std::int64_t value, std::string_view key) {
  if (value < 0) throw BadDocument(fmt::format("results with {} of {}", key, value));
  return static_cast<std::uint64_t>(value);
}

// null, which stands for NaN, is no whole number but is there.
std::int64_t whole(const Members& members, std::string_view key) {
  const Json* const value = members.find(key);
  if (value != nullptr && value->is_null()) return 0;
  return required(members.integer(key), key);
}

double number(const Members& members, std::string_view key) {
  return required(members.number(key), key);
}

// How long it measured; 0 when it does not say so, or nothing that could be.
double measured_seconds(const Members& members) {
  const double seconds =
      members.number("end_time").value_or(0) - members.number("start_time").value_or(0);
  return seconds >= 1e-6 && seconds <= kLongest ? seconds : 0;
}

StreamResult parse_stream(const Json& json) {
  if (!json.is_object()) throw BadDocument("results with a stream that is no object");
  const Members members(json);
  StreamResult result;
  const std::int64_t id = whole(members, "id");
  if (id != static_cast<int>(id)) throw BadDocument(fmt::format("results with id of {}", id));
  result.id = static_cast<int>(id);
  result.bytes = amount(whole(members, "bytes"), "bytes");
  result.retransmits = std::max<std::int64_t>(whole(members, "retransmits"), -1);
  result.jitter_seconds = number(members, "jitter");
  result.lost = whole(members, "errors");
  result.packets = amount(whole(members, "packets"), "packets");
  result.omitted_lost = members.integer("omitted_errors").value_or(0);
  result.omitted_packets = amount(members.integer("omitted_packets").value_or(0), "packets");
  result.seconds = measured_seconds(members);
  return result;
}

std::vector<StreamResult> parse_streams(const Members& members) {
  const Json* const streams = members.find("streams");
  if (streams == nullptr || !streams->is_array()) throw BadDocument("results without streams");
  if (streams->size() > std::size_t{2} * kMaxStreams) {
    throw BadDocument(fmt::format("results of {} streams", streams->size()));
  }
  std::vector<StreamResult> results;
  for (const Json& stream : *streams) results.push_back(parse_stream(stream));
  return results;
}

Json stream_json(const StreamResult& result) {
  return {{"id", result.id},
          {"bytes", result.bytes},
          {"retransmits", result.retransmits},
          {"jitter", result.jitter_seconds},
          {"errors", result.lost},
          {"omitted_errors", result.omitted_lost},
          {"packets", result.packets},
          {"omitted_packets", result.omitted_packets},
          {"start_time", 0},
          {"end_time", result.seconds}};
}

}  // namespace

const StreamResult* Results::find(int id) const {
  const auto found = std::ranges::find(streams, id, &StreamResult::id);
  return found == streams.end() ? nullptr : &*found;
}

Json to_json(const Results& results) {
  Json json;
  json["cpu_util_total"] = results.cpu.total;
  json["cpu_util_user"] = results.cpu.user;
  json["cpu_util_system"] = results.cpu.system;
  json["sender_has_retransmits"] = results.sender_has_retransmits;
  if (results.congestion_used) json["congestion_used"] = *results.congestion_used;
  if (results.server_output_json) json["server_output_json"] = *results.server_output_json;
  if (results.server_output_text) json["server_output_text"] = *results.server_output_text;
  Json& streams = json["streams"] = Json::array();
  for (const StreamResult& result : results.streams) streams.push_back(stream_json(result));
  return json;
}

Results parse_results(std::string_view text) {
  const Json document = parse_document(text);
  const Members members(document);
  Results results;
  results.cpu.total = number(members, "cpu_util_total");
  results.cpu.user = number(members, "cpu_util_user");
  results.cpu.system = number(members, "cpu_util_system");
  const std::int64_t has_retransmits = whole(members, "sender_has_retransmits");
  results.sender_has_retransmits =
      static_cast<int>(std::clamp<std::int64_t>(has_retransmits, -1, 1));
  results.congestion_used = members.text("congestion_used");
  results.server_output_text = members.text("server_output_text");
  const Json* const output = members.find("server_output_json");
  if (output != nullptr && output->is_object()) results.server_output_json = *output;
  results.streams = parse_streams(members);
  return results;
}

}  // namespace sluice::perf
