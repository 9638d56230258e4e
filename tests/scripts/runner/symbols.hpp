// Names of constants, as the system's headers define them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::script {

std::optional<std::int64_t> constant(std::string_view name);

// "ECONNRESET (Connection reset by peer)"; for a value that has no name its number.
std::string error_text(int error);
std::optional<int> error_number(std::string_view name);

}  // namespace sluice::script
