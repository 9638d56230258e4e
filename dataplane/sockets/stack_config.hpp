// The caller's struct sluice_config: profiles, ranges, and what a stack makes of it.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "dataplane/sluice.h"
#include "dataplane/sockets/stack_options.hpp"

namespace sluice::sockets {

// Of this library's size, with its addresses null. False when there is no such profile.
bool make_profile(std::string_view name, sluice_config& config);

// The caller's, which may be smaller or larger than ours: what it does not know is that of profile
// "linux". Its `size` has been checked to hold at least the field itself.
sluice_config read_config(const sluice_config& given);

// What is wrong with it, in one line; empty when nothing is.
std::string find_problem(const sluice_config& config);

// Random bytes that nobody can guess, for what the caller does not bring itself.
using Entropy = std::array<std::uint8_t, 56>;
// Whether any are needed.
bool needs_entropy(const sluice_config& config);

// `config` has no problem.
StackOptions make_options(const sluice_config& config, const Entropy& entropy);

}  // namespace sluice::sockets
