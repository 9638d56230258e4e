#include "tools/sluice/perf/option_values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string>

#include "proto/tcp/congestion.hpp"

namespace sluice::perf {
namespace {

template <class Number>
std::optional<Number> parse_number(std::string_view text, int base) {
  Number number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number, base);
  if (error != std::errc() || rest != end) return std::nullopt;
  return number;
}

// As C writes constants: the prefix tells the base.
std::optional<std::uint32_t> parse_constant(std::string_view text) {
  if (text.starts_with("0x") || text.starts_with("0X")) {
    return parse_number<std::uint32_t>(text.substr(2), 16);
  }
  return parse_number<std::uint32_t>(text, text.starts_with('0') ? 8 : 10);
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return lower;
}

// The class selectors of RFC 2474, the assured forwarding of RFC 2597, the expedited of RFC 3246,
// and the bits of RFC 1349.
std::optional<std::uint8_t> named_dscp(std::string_view name) {
  if (name == "ef") return 46 << 2;
  if (name == "lowdelay") return 0x10;
  if (name == "throughput") return 0x08;
  if (name == "reliability") return 0x04;
  const auto digit = [name](std::size_t at) { return static_cast<unsigned>(name[at] - '0'); };
  if (name.size() == 3 && name.starts_with("cs") && digit(2) < 8) {
    return static_cast<std::uint8_t>(digit(2) << 5);
  }
  if (name.size() != 4 || !name.starts_with("af")) return std::nullopt;
  if (digit(2) - 1 > 3 || digit(3) - 1 > 2) return std::nullopt;
  return static_cast<std::uint8_t>(digit(2) << 5 | digit(3) << 3);
}

std::string checked_algorithm(std::string_view text) {
  const std::string name = lower_case(text);
  tcp::Algorithm algorithm{};
  if (tcp::parse_algorithm(name, algorithm)) return name == "newreno" ? "reno" : name;
  throw BadQuantity(fmt::format("'{}' is none of {}", text, tcp::algorithm_names()));
}

}  // namespace

std::uint32_t parse_whole(std::string_view text, std::uint32_t low, std::uint32_t high,
                          ErrorCode above) {
  const auto number = parse_number<std::int64_t>(text, 10);
  if (!number) throw BadQuantity(fmt::format("'{}' is no whole number", text));
  if (*number > high) throw BadQuantity(error_text(above));
  if (*number < low) throw BadQuantity(fmt::format("'{}' is too small: at least {}", text, low));
  return static_cast<std::uint32_t>(*number);
}

std::uint16_t parse_port(std::string_view text) {
  const auto port = parse_number<std::uint16_t>(text, 10);
  if (!port || *port == 0) throw BadQuantity(error_text(ErrorCode::port));
  return *port;
}

std::uint32_t parse_bytes(std::string_view text, std::uint32_t high, ErrorCode above) {
  const std::uint64_t bytes = parse_size(text);
  if (bytes > high) throw BadQuantity(error_text(above));
  return static_cast<std::uint32_t>(bytes);
}

double parse_interval(std::string_view text) {
  double seconds = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, seconds, std::chars_format::fixed);
  const bool is_number = error == std::errc() && rest == end;
  if (is_number && (seconds == 0 || (seconds >= 0.1 && seconds <= 60))) return seconds;
  throw BadQuantity(error_text(ErrorCode::interval));
}

Duration parse_milliseconds(std::string_view text, std::uint32_t low, std::uint32_t high,
                            ErrorCode above) {
  return Duration::milliseconds(parse_whole(text, low, high, above));
}

std::pair<std::string_view, std::optional<std::string_view>> parse_parts(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return {text, std::nullopt};
  return {text.substr(0, slash), text.substr(slash + 1)};
}

std::uint8_t parse_tos(std::string_view text) {
  const auto tos = parse_constant(text);
  if (!tos || *tos > UINT8_MAX) throw BadQuantity(error_text(ErrorCode::tos));
  return static_cast<std::uint8_t>(*tos);
}

std::uint8_t parse_dscp(std::string_view text) {
  if (const auto tos = named_dscp(lower_case(text))) return *tos;
  const auto dscp = parse_constant(text);
  if (!dscp || *dscp > 63) throw BadQuantity(error_text(ErrorCode::tos));
  return static_cast<std::uint8_t>(*dscp << 2);
}

std::string parse_congestion(std::string_view text) {
  std::string names;
  while (true) {
    const std::size_t comma = std::min(text.find(','), text.size());
    names += checked_algorithm(text.substr(0, comma));
    if (comma == text.size()) return names;
    names += ',';
    text.remove_prefix(comma + 1);
  }
}

}  // namespace sluice::perf
