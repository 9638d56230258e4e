#include "tools/sluice/quantity.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <optional>
#include <span>

namespace sluice {
namespace {

struct Unit {
  std::string_view name;
  double factor;
};

constexpr double kLargest = 9e18;  // fits 64 bits, signed

// A number that is not negative, times its unit.
std::optional<double> parse(std::string_view text, std::span<const Unit> units) {
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  if (error != std::errc() || number < 0 || !std::isfinite(number)) return std::nullopt;
  const std::string_view name(rest, static_cast<std::size_t>(end - rest));
  for (const Unit& unit : units) {
    if (unit.name == name && number * unit.factor < kLargest) return number * unit.factor;
  }
  return std::nullopt;
}

double require(std::string_view text, std::span<const Unit> units, std::string_view wanted) {
  const auto value = parse(text, units);
  if (!value) throw BadQuantity(fmt::format("'{}' is no {}", text, wanted));
  return *value;
}

}  // namespace

Duration parse_duration(std::string_view text) {
  static constexpr Unit kUnits[] = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}};
  if (text == "0") return {};
  const double ns = require(text, kUnits, "duration: give one such as 20ms, 1.5s, 50us or 2m");
  return Duration::nanoseconds(std::llround(ns));
}

double parse_share(std::string_view text) {
  static constexpr Unit kUnits[] = {{"%", 0.01}, {"", 1}};
  constexpr std::string_view kWanted = "share: give one such as 0.5%, or 0.005, up to 100%";
  const double share = require(text, kUnits, kWanted);
  if (share > 1) throw BadQuantity(fmt::format("'{}' is no {}", text, kWanted));
  return share;
}

std::uint64_t parse_rate(std::string_view text) {
  static constexpr Unit kUnits[] = {{"", 1},    {"k", 1e3}, {"m", 1e6}, {"g", 1e9}, {"t", 1e12},
                                    {"K", 1e3}, {"M", 1e6}, {"G", 1e9}, {"T", 1e12}};
  std::string_view number = text;
  if (number.ends_with("bit")) number.remove_suffix(3);
  const auto bits = parse(number, kUnits);
  if (!bits || (*bits < 1 && *bits > 0)) {
    throw BadQuantity(fmt::format("'{}' is no rate: give bits a second such as 100M or 1G", text));
  }
  return static_cast<std::uint64_t>(std::llround(*bits));
}

std::uint64_t parse_size(std::string_view text) {
  static constexpr Unit kUnits[] = {{"", 1},       {"k", 0x1p10}, {"m", 0x1p20},
                                    {"g", 0x1p30}, {"t", 0x1p40}, {"K", 0x1p10},
                                    {"M", 0x1p20}, {"G", 0x1p30}, {"T", 0x1p40}};
  const double bytes = require(text, kUnits, "size: give bytes such as 1500, 256k or 4M");
  return static_cast<std::uint64_t>(std::llround(bytes));
}

}  // namespace sluice
