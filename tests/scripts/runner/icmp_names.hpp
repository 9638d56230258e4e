// The words of packetdrill for ICMP types and codes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::script {

// Also "type_9" and "code_9".
std::optional<std::uint8_t> icmp_type(std::string_view word, bool is_v6);
std::optional<std::uint8_t> icmp_code(std::string_view word, std::uint8_t type, bool is_v6);

std::string icmp_type_name(std::uint8_t type, bool is_v6);
// Empty for the code 0 of a type whose codes have no names.
std::string icmp_code_name(std::uint8_t code, std::uint8_t type, bool is_v6);

}  // namespace sluice::script
