#include "tools/sluice/perf/parameters_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace sluice::perf {
namespace {

constexpr const char* kVersion = "3.12";       // whose protocol this is
constexpr std::int64_t kMinSegmentBytes = 88;  // Linux sends no smaller ones

[[noreturn]] void refuse(std::string_view key, std::int64_t value) {
  throw BadDocument(fmt::format("parameters with {} of {}", key, value));
}

// Nothing when it is absent.
std::optional<std::int64_t> count(const Members& members, std::string_view key) {
  const auto value = members.integer(key);
  if (value && *value < 0) refuse(key, *value);
  return value;
}

template <class T>
void take(const Members& members, std::string_view key, T& field,
          std::int64_t limit = std::numeric_limits<std::int64_t>::max()) {
  if (const auto value = count(members, key)) field = static_cast<T>(std::min(*value, limit));
}

template <class T>
void take_within(const Members& members, std::string_view key, T& field, std::int64_t low,
                 std::int64_t high) {
  const auto value = members.integer(key);
  if (!value) return;
  if (*value < low || *value > high) refuse(key, *value);
  field = static_cast<T>(*value);
}

void take_direction(const Members& members, Parameters& parameters) {
  const bool reverse = members.is_set("reverse");
  const bool both = members.is_set("bidirectional");
  if (reverse && both) throw BadDocument("parameters that are both reverse and bidirectional");
  if (reverse) parameters.direction = Direction::reverse;
  if (both) parameters.direction = Direction::both;
}

void take_block(const Members& members, Parameters& parameters) {
  const bool udp = parameters.protocol == Protocol::udp;
  if (udp) parameters.block_bytes = 0;
  if (members.integer("len").value_or(0) == 0) return;
  take_within(members, "len", parameters.block_bytes, udp ? kMinDatagramBytes : 1,
              udp ? kMaxDatagramBytes : kMaxBlockBytes);
}

void take_stream_options(const Members& members, Parameters& parameters) {
  take(members, "bandwidth", parameters.bits_per_second, kMaxBitsPerSecond);
  take(members, "fqrate", parameters.fq_bits_per_second, kMaxBitsPerSecond);
  take(members, "pacing_timer", parameters.pacing_timer_us, UINT32_MAX);
  take(members, "burst", parameters.burst, kMaxBurst);
  take(members, "window", parameters.window_bytes, kMaxWindowBytes);
  take(members, "MSS", parameters.mss, UINT16_MAX);
  if (parameters.mss > 0)
    parameters.mss = std::max<std::uint32_t>(parameters.mss, kMinSegmentBytes);
  take_within(members, "TOS", parameters.tos, 0, UINT8_MAX);
  parameters.nodelay = members.is_set("nodelay");
  parameters.zerocopy = members.is_set("zerocopy");
  parameters.repeating_payload = members.is_set("repeating_payload");
  parameters.counters_64bit = members.is_set("udp_counters_64bit");
  parameters.dont_fragment = members.is_set("dont_fragment");
}

void add_ends(Json& json, const Parameters& parameters) {
  json["omit"] = parameters.omit_seconds;
  if (parameters.server_cpu) json["server_affinity"] = *parameters.server_cpu;
  json["time"] = parameters.seconds;
  json["num"] = parameters.bytes;
  json["blockcount"] = parameters.blocks;
}

void add_streams(Json& json, const Parameters& parameters) {
  if (parameters.mss > 0) json["MSS"] = parameters.mss;
  if (parameters.nodelay) json["nodelay"] = true;
  json["parallel"] = parameters.streams;
  if (parameters.direction == Direction::reverse) json["reverse"] = true;
  if (parameters.direction == Direction::both) json["bidirectional"] = true;
  if (parameters.window_bytes > 0) json["window"] = parameters.window_bytes;
  json["len"] = parameters.block_bytes;
}

void add_rates(Json& json, const Parameters& parameters) {
  if (parameters.bits_per_second > 0) json["bandwidth"] = parameters.bits_per_second;
  if (parameters.fq_bits_per_second > 0) json["fqrate"] = parameters.fq_bits_per_second;
  if (parameters.pacing_timer_us > 0) json["pacing_timer"] = parameters.pacing_timer_us;
  if (parameters.burst > 0) json["burst"] = parameters.burst;
  if (parameters.tos > 0) json["TOS"] = parameters.tos;
}

void add_texts(Json& json, const Parameters& parameters) {
  if (!parameters.title.empty()) json["title"] = parameters.title;
  if (!parameters.extra_data.empty()) json["extra_data"] = parameters.extra_data;
  if (!parameters.congestion.empty()) json["congestion"] = parameters.congestion;
}

// Booleans, which are numbers here.
void add_wishes(Json& json, const Parameters& parameters) {
  if (parameters.wants_server_output) json["get_server_output"] = 1;
  if (parameters.counters_64bit) json["udp_counters_64bit"] = 1;
  if (parameters.repeating_payload) json["repeating_payload"] = 1;
  if (parameters.zerocopy) json["zerocopy"] = 1;
  if (parameters.dont_fragment) json["dont_fragment"] = 1;
}

}  // namespace

Json to_json(const Parameters& parameters) {
  Json json;
  json[parameters.protocol == Protocol::udp ? "udp" : "tcp"] = true;
  add_ends(json, parameters);
  add_streams(json, parameters);
  add_rates(json, parameters);
  add_texts(json, parameters);
  add_wishes(json, parameters);
  json["client_version"] = kVersion;
  return json;
}

Parameters parse_parameters(std::string_view text) {
  const Json document = parse_document(text);
  const Members members(document);
  if (members.is_set("sctp")) throw BadDocument("parameters of a test over SCTP");
  Parameters parameters;
  if (members.is_set("udp")) parameters.protocol = Protocol::udp;
  take_direction(members, parameters);
  take_within(members, "parallel", parameters.streams, 1, kMaxStreams);
  take(members, "time", parameters.seconds, kMaxSeconds);
  take(members, "omit", parameters.omit_seconds, kMaxSeconds);
  take(members, "num", parameters.bytes);
  take(members, "blockcount", parameters.blocks);
  take_block(members, parameters);
  take_stream_options(members, parameters);
  parameters.wants_server_output = members.is_set("get_server_output");
  parameters.congestion = members.text("congestion").value_or("");
  parameters.title = members.text("title").value_or("");
  parameters.extra_data = members.text("extra_data").value_or("");
  return parameters;
}

}  // namespace sluice::perf
