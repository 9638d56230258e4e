// What somebody may have meant who typed something else.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

// The one of `names` that is nearest to `typed`: with a letter or two more, fewer, other or
// swapped, or with an end that was left off. Empty when none is near.
std::string near_match(std::string_view typed, const std::vector<std::string>& names);

// One line for the first word that `app`, or its subcommand that was parsed, did not expect.
std::string unexpected_word(const CLI::App& app);

}  // namespace sluice
