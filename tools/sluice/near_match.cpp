#include "tools/sluice/near_match.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>

namespace sluice {
namespace {

// How many letters must be added, removed, changed or swapped with their neighbours.
std::size_t edits(std::string_view from, std::string_view to) {
  std::vector<std::size_t> before;
  std::vector<std::size_t> above;
  std::vector<std::size_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 1; i <= from.size(); ++i) {
    before = std::exchange(above, row);
    row[0] = i;
    for (std::size_t j = 1; j <= to.size(); ++j) {
      const bool same = from[i - 1] == to[j - 1];
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (same ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row.back();
}

std::size_t distance(std::string_view typed, std::string_view name) {
  constexpr std::size_t kCut = 4;  // "--ve" says more than "--v"
  return typed.size() >= kCut && name.starts_with(typed) ? 1 : edits(typed, name);
}

std::vector<std::string> names_in(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* const option : app.get_options()) {
    if (option->get_group().empty()) continue;
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  for (const CLI::App* const command : app.get_subcommands({})) {
    names.push_back(command->get_name());
  }
  return names;
}

}  // namespace

std::string near_match(std::string_view typed, const std::vector<std::string>& names) {
  std::string nearest;
  // Short words are all near each other.
  std::size_t least = typed.size() < 3 ? 0 : typed.size() < 6 ? 2 : 3;
  for (const std::string& name : names) {
    const std::size_t count = distance(typed, name);
    if (count >= least) continue;
    least = count;
    nearest = name;
  }
  return nearest;
}

std::string unexpected_word(const CLI::App& app) {
  const std::vector<std::string> words = app.remaining(true);
  if (words.empty()) return {};
  const auto parsed = app.get_subcommands();
  const CLI::App& command = parsed.empty() ? app : *parsed.front();
  const std::string typed = words.front().substr(0, words.front().find('='));
  const std::string meant = near_match(typed, names_in(command));
  return fmt::format("'{}' is not known{}", words.front(),
                     meant.empty() ? "" : fmt::format(": did you mean {}?", meant));
}

}  // namespace sluice
