// The options that make a wire worse than it is: on the command line of whatever runs the stack,
// and in a simulator's scenario.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "dataplane/config.hpp"
#include "dataplane/link/link_options.hpp"

namespace sluice {

struct ImpairmentOption {
  std::string_view name;  // without dashes
  std::string_view type;  // an example
  std::string_view text;
  // Throws BadQuantity.
  void (*set)(LinkOptions& link, std::string_view value);
};

std::span<const ImpairmentOption> impairment_options();

// Each of them as --NAME for both directions, and as --in-NAME and --out-NAME, which go before it;
// and --impair-seed. `config` must outlive `command`.
void add_impairment_options(CLI::App& command, Config& config);

}  // namespace sluice
