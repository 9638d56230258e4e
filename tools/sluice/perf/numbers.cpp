#include "tools/sluice/perf/numbers.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <string_view>

namespace sluice::perf {
namespace {

constexpr std::string_view kPrefixes[] = {"", "K", "M", "G", "T"};
constexpr double kThousand = 1000;
constexpr double kBinaryThousand = 1024;

std::string four_characters(double value) {
  const int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  return fmt::format("{:4.{}f}", value, decimals);
}

std::string with_prefix(double value, double step, std::size_t prefix, std::string_view unit) {
  for (std::size_t i = 0; i < prefix; ++i) value /= step;
  return fmt::format("{} {}{}", four_characters(value), kPrefixes[prefix], unit);
}

std::string with_fitting_prefix(double value, double step, std::string_view unit) {
  std::size_t prefix = 0;
  for (double rest = value; rest >= step && prefix + 1 < std::size(kPrefixes); rest /= step) {
    ++prefix;
  }
  return with_prefix(value, step, prefix, unit);
}

}  // namespace

std::string size_text(double bytes) {
  return with_fitting_prefix(bytes, kBinaryThousand, "Bytes");
}

std::string rate_text(double bytes_per_second, char unit) {
  constexpr std::string_view kBits = "kmgt";
  constexpr std::string_view kBytes = "KMGT";
  if (const std::size_t i = kBytes.find(unit); i != kBytes.npos) {
    return with_prefix(bytes_per_second, kBinaryThousand, i + 1, "Bytes/sec");
  }
  const double bits = 8 * bytes_per_second;
  if (const std::size_t i = kBits.find(unit); i != kBits.npos) {
    return with_prefix(bits, kThousand, i + 1, "bits/sec");
  }
  return with_fitting_prefix(bits, kThousand, "bits/sec");
}

std::string rtt_text(std::uint32_t us) {
  if (us < kThousand) return fmt::format("{:4} us", us);
  const double ms = us / kThousand;
  if (ms < kThousand) return four_characters(ms) + " ms";
  return four_characters(ms / kThousand) + " s ";
}

std::string date_text(std::int64_t unix_seconds) {
  const std::chrono::sys_seconds time{std::chrono::seconds(unix_seconds)};
  return fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", time);
}

double percent(std::int64_t part, std::int64_t whole) {
  return whole > 0 ? 100 * static_cast<double>(part) / static_cast<double>(whole) : 0;
}

double per_second(std::uint64_t amount, double seconds) {
  return seconds > 0 ? static_cast<double>(amount) / seconds : 0;
}

}  // namespace sluice::perf
