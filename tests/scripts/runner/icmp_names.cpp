#include "tests/scripts/runner/icmp_names.hpp"

#include <fmt/format.h>

#include <charconv>
#include <span>

namespace sluice::script {
namespace {

struct Name {
  std::uint8_t number;
  std::string_view word;
};

// RFC 792 and RFC 1812 5.2.7.1
constexpr Name kTypesV4[] = {
    {0, "echo_reply"},   {3, "unreachable"},    {4, "source_quench"},      {5, "redirect"},
    {8, "echo_request"}, {11, "time_exceeded"}, {12, "parameter_problem"},
};
constexpr Name kUnreachableV4[] = {
    {0, "net_unreachable"},
    {1, "host_unreachable"},
    {2, "protocol_unreachable"},
    {3, "port_unreachable"},
    {4, "frag_needed"},
    {5, "source_route_failed"},
    {6, "net_unknown"},
    {7, "host_unknown"},
    {8, "source_host_isolated"},
    {9, "net_prohibited"},
    {10, "host_prohibited"},
    {11, "net_unreachable_for_tos"},
    {12, "host_unreachable_for_tos"},
    {13, "packet_filtered"},
    {14, "precedence_violation"},
    {15, "precedence_cutoff"},
};
// RFC 4443
constexpr Name kTypesV6[] = {
    {1, "unreachable"},       {2, "packet_too_big"}, {3, "time_exceeded"},
    {4, "parameter_problem"}, {128, "echo_request"}, {129, "echo_reply"},
};
constexpr Name kUnreachableV6[] = {
    {0, "no_route"},         {1, "admin_prohibited"},
    {2, "not_neighbour"},    {3, "address_unreachable"},
    {4, "port_unreachable"},
};
constexpr Name kTimeExceededV6[] = {{0, "exceeded_hop_limit"}, {1, "exceeded_frag_time"}};
constexpr Name kParameterProblemV6[] = {
    {0, "header_field"}, {1, "unknown_next_header"}, {2, "unknown_option"}};

std::span<const Name> types(bool is_v6) {
  if (is_v6) return kTypesV6;
  return kTypesV4;
}

std::span<const Name> codes(std::uint8_t type, bool is_v6) {
  if (!is_v6 && type == 3) return kUnreachableV4;
  if (is_v6 && type == 1) return kUnreachableV6;
  if (is_v6 && type == 3) return kTimeExceededV6;
  if (is_v6 && type == 4) return kParameterProblemV6;
  return {};
}

std::optional<std::uint8_t> numbered(std::string_view word, std::string_view prefix) {
  if (!word.starts_with(prefix)) return std::nullopt;
  word.remove_prefix(prefix.size());
  std::uint8_t number = 0;
  const auto [rest, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (error != std::errc() || rest != word.data() + word.size()) return std::nullopt;
  return number;
}

std::optional<std::uint8_t> find(std::span<const Name> names, std::string_view word) {
  for (const Name& name : names) {
    if (name.word == word) return name.number;
  }
  return std::nullopt;
}

std::string_view find(std::span<const Name> names, std::uint8_t number) {
  for (const Name& name : names) {
    if (name.number == number) return name.word;
  }
  return {};
}

}  // namespace

std::optional<std::uint8_t> icmp_type(std::string_view word, bool is_v6) {
  if (const auto type = find(types(is_v6), word)) return type;
  return numbered(word, "type_");
}

std::optional<std::uint8_t> icmp_code(std::string_view word, std::uint8_t type, bool is_v6) {
  if (const auto code = find(codes(type, is_v6), word)) return code;
  return numbered(word, "code_");
}

std::string icmp_type_name(std::uint8_t type, bool is_v6) {
  const std::string_view word = find(types(is_v6), type);
  return word.empty() ? fmt::format("type_{}", type) : std::string(word);
}

std::string icmp_code_name(std::uint8_t code, std::uint8_t type, bool is_v6) {
  const std::string_view word = find(codes(type, is_v6), code);
  if (!word.empty()) return std::string(word);
  return code == 0 ? "" : fmt::format("code_{}", code);
}

}  // namespace sluice::script
