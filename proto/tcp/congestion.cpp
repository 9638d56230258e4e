#include "proto/tcp/congestion.hpp"

#include <algorithm>
#include <new>

#include "proto/tcp/bbr.hpp"
#include "proto/tcp/cubic.hpp"
#include "proto/tcp/newreno.hpp"

namespace sluice::tcp {
namespace {

using Construct = CongestionControl* (*)(std::byte*);

template <class Control>
CongestionControl* construct(std::byte* room) {
  static_assert(sizeof(Control) <= CongestionChoice::kRoom);
  static_assert(alignof(Control) <= alignof(std::max_align_t));
  return new (room) Control;
}

struct Row {
  std::string_view name;
  Construct construct;
};

// In the order of Algorithm.
constexpr std::array<Row, 3> kTable = {{
    {"cubic", construct<Cubic>},
    {"newreno", construct<NewReno>},
    {"bbr", construct<Bbr>},
}};

}  // namespace

// RFC 5681 R5681-2.
std::uint32_t initial_window(std::uint32_t mss, std::uint32_t segments) {
  return std::min(segments * mss, std::max(2 * mss, segments * 1460));
}

bool parse_algorithm(std::string_view name, Algorithm& algorithm) {
  if (name == "reno") name = "newreno";  // as Linux calls it
  const auto* row = std::find_if(kTable.begin(), kTable.end(),
                                 [name](const Row& candidate) { return candidate.name == name; });
  if (row == kTable.end()) return false;
  algorithm = static_cast<Algorithm>(row - kTable.begin());
  return true;
}

std::string algorithm_names() {
  std::string names;
  for (const Row& row : kTable) names += (names.empty() ? "" : ", ") + std::string(row.name);
  return names;
}

std::string_view algorithm_name(Algorithm algorithm) {
  return kTable[static_cast<std::size_t>(algorithm)].name;
}

CongestionChoice::CongestionChoice(Algorithm algorithm) {
  choose(algorithm);
}

CongestionChoice::~CongestionChoice() {
  control_->~CongestionControl();
}

void CongestionChoice::choose(Algorithm algorithm) {
  if (control_ != nullptr) control_->~CongestionControl();
  control_ = kTable[static_cast<std::size_t>(algorithm)].construct(room_.data());
}

}  // namespace sluice::tcp
